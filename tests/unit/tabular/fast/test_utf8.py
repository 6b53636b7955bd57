from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from tabular.fast.layout import PADDING
from tabular.fast.native import kernel

EDGES = bytes.fromhex("000a417f808f909fa0bfc0c1c2dfe0e1ecedeeeff0f1f3f4f5ff")
"""Of the ranges that leads and followers have."""


def until(text: bytes) -> int:
    buffer = np.full(len(text) + PADDING, 10, np.uint8)
    buffer[: len(text)] = np.frombuffer(text, np.uint8)
    until, has_nul = kernel().utf8_until(buffer, 0, len(text))
    assert has_nul == (b"\0" in text[:until])
    return until


def expected(text: bytes) -> int:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return len(text)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_every_short_text_of_edges_is_judged_as_python_judges_it(length: int) -> None:
    for text in map(bytes, itertools.product(EDGES, repeat=length)):
        assert until(text) == expected(text), text


def test_random_texts_are_judged_as_python_judges_them() -> None:
    chance = random.Random(0)
    for _ in range(4_000):
        text = "".join(chance.choices("ab\né日\U0001f600", k=chance.randrange(80))).encode()
        if chance.random() < 0.5:
            at = chance.randrange(len(text) + 1)
            text = text[:at] + bytes(chance.choices(EDGES, k=chance.randrange(5))) + text[at + chance.randrange(3) :]
        assert until(text) == expected(text), text
