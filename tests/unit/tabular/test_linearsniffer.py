from __future__ import annotations

import csv
import random
import time

import pytest

from tabular.linearsniffer import LinearSniffer

PIECES = [
    '"',
    '"',
    "'",
    ",",
    ";",
    "\t",
    "|",
    " ",
    "\n",
    "\n",
    "\r\n",
    "a",
    "b1",
    "_",
    "é",
    "§",
    "",
    '""',
    '","',
    "', '",
]


def answer(sniffer: csv.Sniffer, text: str, delimiters: str | None) -> tuple[str, str, bool] | str:
    try:
        dialect = sniffer.sniff(text, delimiters)
    except csv.Error as error:
        return str(error)
    return dialect.delimiter, dialect.quotechar or "", bool(dialect.skipinitialspace)


@pytest.mark.parametrize("delimiters", [",\t;|", ";", None])
def test_it_answers_as_the_standard_library_does(delimiters: str | None) -> None:
    chance = random.Random(7)
    for number in range(3_000):
        pieces = chance.sample(PIECES, chance.randrange(2, len(PIECES)))
        text = "".join(chance.choices(pieces, k=chance.randrange(60)))
        assert answer(LinearSniffer(), text, delimiters) == answer(csv.Sniffer(), text, delimiters), (number, text)


@pytest.mark.parametrize("text", ['"a ' * 200_000, ' "a' * 200_000, "\n" * 90 + "'a " * 200_000, ",\"\n'a " * 100_000])
def test_quotes_that_are_never_closed_cost_no_more_than_their_length(text: str) -> None:
    started = time.process_time()
    answer(LinearSniffer(), text, ",\t;|")
    assert time.process_time() - started < 20  # the standard library's would take hours
