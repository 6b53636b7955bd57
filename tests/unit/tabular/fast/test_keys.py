from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest

from tabular.fast import keys
from tabular.fast.keys import KeyNumbers
from tabular.fast.layout import NO_KEY


def told(numbers: list[int], run: int, block: int) -> tuple[list[tuple[int, int]], int]:
    made = KeyNumbers(run)
    for begin in range(0, len(numbers), block):
        made.add(np.array(numbers[begin : begin + block], np.int64))
    try:
        assert made.behind >= made.repeats()
        return list(made.candidates()), made.repeats()
    finally:
        made.close()


def expected(numbers: list[int]) -> Iterator[tuple[int, int]]:
    first: dict[int, int] = {}
    for row, number in enumerate(numbers):
        if number != NO_KEY:
            if number in first:
                yield row, first[number]
            first.setdefault(number, row)


@pytest.mark.parametrize("run", [10, 64, 1_000, 100_000])
@pytest.mark.parametrize("seed", range(6))
def test_every_repeat_is_told_with_the_first_row_in_memory_and_from_disk(run: int, seed: int) -> None:
    chance = random.Random(seed)
    span = chance.choice([50, 3_000, 10**18])
    numbers = [
        chance.choice([NO_KEY, chance.randrange(-span, span), chance.randrange(-span, span)]) for _ in range(3_000)
    ]
    numbers[-1] = numbers[0] = 7
    found, repeats = told(numbers, run, chance.choice([1, 17, 500]))
    assert found == list(expected(numbers))
    assert 0 <= repeats <= len(found)


def test_rising_numbers_need_no_sorting_and_repeat_nothing() -> None:
    assert told(list(range(-500, 5_000)), 100, 64) == ([], 0)


def test_a_rising_row_that_falls_back_is_searched_whole() -> None:
    numbers = [*range(1_000), 3]
    assert told(numbers, 100, 64)[0] == [(1_000, 3)]


@pytest.mark.parametrize("most", [0, 5, 100])
@pytest.mark.parametrize("seed", range(8))
def test_rising_rows_of_which_few_fall_back_are_searched_for_these(
    monkeypatch: pytest.MonkeyPatch, most: int, seed: int
) -> None:
    monkeypatch.setattr(keys, "MOST_BEHIND", most)
    chance = random.Random(seed)
    numbers, at = [], -300
    for _ in range(700):
        at += chance.choice([1, 1, 5])
        odd = chance.choice([NO_KEY, at - 1, at - chance.randrange(300), at, 10**9 if seed % 4 == 3 else at])
        numbers.append(odd if chance.random() < 0.02 else at)
    run, block = chance.choice([10, 100, 100_000]), chance.choice([1, 7, 500])
    found, repeats = told(numbers, run, block)
    assert found == list(expected(numbers))
    assert 0 <= repeats <= len(found)


def test_no_rows_repeat_nothing() -> None:
    assert told([], 10, 1) == ([], 0)
    assert told([NO_KEY, NO_KEY], 10, 1) == ([], 0)
