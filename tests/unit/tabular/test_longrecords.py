"""Records that are too long for Python's `csv` are read as it reads them."""

from __future__ import annotations

import csv
import io
import random

import pytest

from tabular.dialect import Dialect
from tabular.fast.sweep import cells_of
from tabular.longrecords import any_length
from tabular.rows import reader

DIALECTS = [
    {},
    {"delimiter": ";", "skipinitialspace": True},
    {"quotechar": "'", "doublequote": False},
    {"delimiter": "|", "quotechar": "^"},
    {"quoting": csv.QUOTE_NONE},
    {"delimiter": "\t", "escapechar": "\\"},
    {"delimiter": " ", "skipinitialspace": True},
]


def python(options: dict[str, object]) -> type[csv.Dialect]:
    return type("Told", (csv.excel,), options)


@pytest.mark.parametrize("options", DIALECTS, ids=str)
def test_a_record_of_any_length_is_what_csv_makes_of_it(options: dict[str, object]) -> None:
    chance = random.Random(str(options))
    dialect = python(options)
    delimiter, quote = str(options.get("delimiter", ",")), str(options.get("quotechar", '"'))
    letters = [delimiter, quote, quote, quote * 2, "\n", "\r\n", "\r", " ", "a", "é€", "\\", "\x85", "\0"]
    for _ in range(1_000):
        text = "".join(chance.choices(letters, k=chance.randrange(40)))
        for long in (-1, 5):
            found = list(any_length(io.StringIO(text, newline=""), dialect, long))
            assert found == list(csv.reader(io.StringIO(text, newline=""), dialect)), (text, long)


def test_long_records_and_short_ones_by_turns() -> None:
    text = "a,b\n" + f'1,"{"x" * 3_000_000}, ""{"y" * 10}"""\n' + "2,3\n" + "z" * 1_500_000 + ",4\n\n5,6"
    assert list(any_length(io.StringIO(text, newline=""), csv.excel)) == list(csv.reader(io.StringIO(text, newline="")))


def test_a_record_of_the_compiled_pass_has_the_cells_of_any_other() -> None:
    record = 'a;"' + 'line\n""two""\r\n' * 100_000 + "\" tail;;'\r\n"
    dialect = Dialect(delimiter=";")
    assert cells_of(record.encode(), dialect) == next(reader(io.StringIO(record, newline=""), dialect))
