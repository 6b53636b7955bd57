"""One value, one text: hashes of descriptors survive whoever writes them anew."""

from __future__ import annotations

import json

import pytest

from tabular.canonical import canonical, canonical_sha256


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ('{"b": 1, "a": [1, 2.50]}', '{"a":[1.0,2.5],\n"b":1.0}'),
        ('{"a": 1e22, "b": -0.0}', '{"b": 0, "a": 10000000000000000000000}'),
        ('{"\\u00e4": "\\u0001\\ud83d\\ude00"}', '{"ä": "\\u0001😀"}'),
    ],
)
def test_the_same_value_has_the_same_text(left: str, right: str) -> None:
    assert canonical(json.loads(left)) == canonical(json.loads(right))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ('{"a": [1, 2]}', '{"a": [2, 1]}'),
        ('{"a": 1}', '{"a": "1"}'),
        ('{"a": true}', '{"a": 1}'),
        ('{"a": null}', "{}"),
        ('{"a": 9007199254740993}', '{"a": 9007199254740992}'),
        ('{"a": 0.1}', '{"a": 0.10000000000000002}'),
    ],
)
def test_another_value_has_another_text(left: str, right: str) -> None:
    assert canonical_sha256(json.loads(left)) != canonical_sha256(json.loads(right))


def test_the_text_is_the_shortest_and_in_order() -> None:
    assert canonical({"b": [1.0, None], "a": "ä"}) == '{"a":"ä","b":[1,null]}'.encode()
