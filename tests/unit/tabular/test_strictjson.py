from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabular.strictjson import StrictJSONError, parse


def code(data: bytes, **limits: int) -> str:
    with pytest.raises(StrictJSONError) as caught:
        parse(data, **limits)
    return caught.value.code


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"NaN", "not-a-number"),
        (b'{"a": [Infinity]}', "not-a-number"),
        (b"-Infinity", "not-a-number"),
        (b"1" * 5_000, "number-too-long"),
        (b"1e400", "number-out-of-range"),
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "duplicate-key"),
        (b'{"a": 1, "\\u0061": 2}', "duplicate-key"),
        (b'"\\ud800"', "lone-surrogate"),
        (b'{"\\udc00": 1}', "lone-surrogate"),
        (b'["\\ud800\\ud800\\udc00"]', "lone-surrogate"),
        (b'"a\\u0000b"', "nul-character"),
        (b'"\xff"', "invalid-utf8"),
        (b'"\xed\xa0\x80"', "invalid-utf8"),
        (b"\xef\xbb\xbf{}", "bom"),
        ('{"a": 1}'.encode("utf-16"), "bom"),
        ('{"a": 1}'.encode("utf-16-le"), "syntax"),
        (b"", "syntax"),
        (b"{", "syntax"),
        (b"[1,]", "syntax"),
        (b"{'a': 1}", "syntax"),
        (b"[1] [2]", "syntax"),
        (b'"a\nb"', "syntax"),
        (b"[01]", "syntax"),
        (b'"' + b"[" * 1_000, "syntax"),
    ],
)
def test_what_is_no_strict_json_is_refused_by_name(data: bytes, expected: str) -> None:
    assert code(data) == expected


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_depth_is_refused_before_the_parser_sees_it(opening: bytes) -> None:
    assert code(opening * 100_000) == "too-deep"
    assert code(opening * 33 * 2) == "too-deep"


def test_the_deepest_allowed_is_allowed() -> None:
    assert parse(b"[" * 64 + b"]" * 64)
    assert code(b"[" * 65 + b"]" * 65) == "too-deep"
    assert parse(b"[[[]]]", max_depth=3) == [[[]]]
    assert code(b"[[[[]]]]", max_depth=3) == "too-deep"


def test_brackets_inside_strings_are_no_depth() -> None:
    deep = "[" * 200
    assert parse(json.dumps([deep, '"' + deep, "\\" + deep, '\\"' + deep]).encode())[0] == deep


def test_size_is_limited() -> None:
    assert parse(b"[1]", max_bytes=3) == [1]
    assert code(b"[12]", max_bytes=3) == "too-large"


def test_a_pair_of_surrogates_and_a_literal_backslash_are_fine() -> None:
    assert parse(b'["\\ud83d\\ude80", "\\\\ud800", "\\\\u0000"]') == ["\U0001f680", "\\ud800", "\\u0000"]


def test_minus_zero_and_large_numbers_are_json() -> None:
    assert parse(b"[-0, 1e308, 123456789012345678901234567890]") == [0, 1e308, 123456789012345678901234567890]


values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='ab"\\[{é', max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(values, st.booleans())
def test_every_proper_value_comes_through(value: Any, ascii_only: bool) -> None:
    assert parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value
