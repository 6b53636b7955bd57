"""Records that are counted have as many cells as `csv` finds."""

from __future__ import annotations

import csv
import random
from collections import deque

import pytest

from tabular.countedrecord import LONGEST, counted
from tabular.rows import reader

PIECES = ["a", "b1", ",", ",", ";", " ", '"', "'", "\\", "é", "\t", "\r", "\0", ""]
ENDS = ["\n", "\n", "\r\n", "\r", "", "\r\r\n"]


class Escaping(csv.excel):
    escapechar = "\\"


class Unquoted(csv.excel):
    quotechar = None
    quoting = csv.QUOTE_NONE


class Semicolons(csv.excel):
    delimiter = ";"
    skipinitialspace = True


@pytest.mark.parametrize("dialect", [csv.excel, Escaping, Unquoted, Semicolons])
def test_random_lines_have_the_cells_of_the_standard_library(dialect: type[csv.Dialect]) -> None:
    chance = random.Random(5)
    taken = 0
    for _ in range(5_000):
        line = "".join(chance.choices(PIECES, k=chance.randrange(12))) + chance.choice(ENDS)
        lines = deque([line])
        for record in counted(lines, dialect):
            taken += 1
            [cells] = reader([line], dialect)
            assert len(record) == len(cells), line
            if not dialect.skipinitialspace:
                assert record.characters == sum(map(len, cells))
            assert [record[place] for place in range(len(cells))] == cells == list(record)
            assert record[1:] == cells[1:]
    assert taken > 500


def test_it_ends_at_the_first_line_that_may_not_be_a_record_and_leaves_it() -> None:
    lines = deque(["a,b\n", "c\n", 'd,"e\n', "f,g\n"])
    assert list(map(list, counted(lines, csv.excel))) == [["a", "b"], ["c"]]
    assert list(lines) == ['d,"e\n', "f,g\n"]


@pytest.mark.parametrize("line", ["\n", "\r\n", "", "a" * (LONGEST + 1)])
def test_blank_and_long_lines_are_left_to_others(line: str) -> None:
    assert list(counted(deque([line]), csv.excel)) == []
