"""The CSV of a sheet: all from its first to its last cell that holds something."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import Any

from tabular.hashing import Digest
from tabular.progress import Progress, Throttle
from tabular.sheets.block import Block, Outline
from tabular.sheets.celltext import KINDS, column_texts
from tabular.sink import CsvSink

ENDURING = 100
"""A column is of one kind when it is from this row on at the latest: above it are titles and the header."""
KEPT_KINDS = ("text", "number", "duration")
"""Kinds that a column's texts do not tell for sure."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How the blocks are laid out: columns counted from 1; `timed` ones have times beside their dates."""

    first_column: int
    last_column: int
    timed: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Grid:
    """What was written: `row` and `column` are the sheet's of the first record's first cell.

    `kinds` has, for each column of one kind, the kind and the record after which it is; else None.
    """

    row: int
    column: int
    rows: int
    columns: int
    digest: Digest
    kinds: tuple[tuple[str, int] | None, ...]


@dataclass(slots=True)
class _Column:
    """The last record of every kind of value."""

    last: dict[str, int] = field(default_factory=dict)

    def note(self, values: Sequence[Any], record: int) -> None:
        """`record` is the number of the first of the values."""
        for kind in set(map(type, values)):
            for index in range(len(values) - 1, -1, -1):
                if type(values[index]) is kind and values[index] != "":
                    self.last[KINDS[kind]] = record + index
                    break

    @property
    def is_timed(self) -> bool:
        return {"date", "datetime"} <= self.last.keys()

    def kind(self) -> tuple[str, int] | None:
        """The one kind of the column, and the last record that holds another."""
        others = sorted((record, kind) for kind, record in self.last.items())
        if not others or others[-1][1] not in KEPT_KINDS:
            return None
        after = others[-2][0] if len(others) > 1 else 0
        return (others[-1][1], after) if after <= ENDURING else None


def write_grid(
    blocks: Callable[[], Iterator[Block]], outline: Outline, destination: Path, progress: Progress | None = None
) -> Grid | None:
    """Writes UTF-8 with commas and CRLF; None: no cell holds anything. `progress` is told bytes.

    The outline's area is a guess: where it was too wide, or a column turns out to have midnights among its times, the
    blocks are read a second time. Raises WorkbookProblem and OSError.
    """
    shape = Shape(outline.first_column, outline.last_column)
    while True:
        with destination.open("wb") as out:
            written = _Pass(shape, CsvSink(out), progress)
            for block in blocks():
                written.add(block)
            if not written.columns:
                return None
            if written.shape == shape:
                return written.grid()
        shape = written.shape


class _Pass:
    """One way through all blocks in one shape."""

    def __init__(self, shape: Shape, sink: CsvSink, progress: Progress | None) -> None:
        self.columns: dict[int, _Column] = {}
        self._shape = shape
        self._sink = sink
        self._told = Throttle(progress)
        self._first_row = 0
        self._next_row = 0
        self._blank = [""] * (shape.last_column - shape.first_column + 1)

    @property
    def shape(self) -> Shape:
        """The shape that what was read asks for."""
        timed = frozenset(number for number, column in self.columns.items() if column.is_timed)
        return Shape(min(self.columns), max(self.columns), timed)

    def add(self, block: Block) -> None:
        """Writes the rows that hold something, and blank ones before them as far as they are between others."""
        filled = [index for index, row in enumerate(block.rows) if row.count("") < len(row)]
        if not filled:
            return
        values = block.rows[filled[0] : filled[-1] + 1]
        row = block.row + filled[0]
        self._first_row = self._first_row or row
        self._next_row = self._next_row or row
        records = self._records(block, values, row + (block.times - 1) * len(values))
        for _ in range(block.times):
            self._sink.write_records(repeat(self._blank, row - self._next_row))
            self._sink.write_records(records)
            row = self._next_row = row + len(values)
        self._told(self._sink.size)

    def _records(self, block: Block, values: list[list[Any]], last_row: int) -> list[tuple[str, ...]]:
        """The values as texts; notes their kinds as of the block's last repetition, which is from `last_row` on."""
        shape = self._shape
        blank = ("",) * len(values)
        texts: list[Sequence[str]] = [blank] * (shape.last_column - shape.first_column + 1)
        for number, column in enumerate(zip(*values, strict=True), start=block.column):
            if column.count("") < len(column):
                self.columns.setdefault(number, _Column()).note(column, last_row - self._first_row + 1)
            if shape.first_column <= number <= shape.last_column:
                texts[number - shape.first_column] = column_texts(column, number in shape.timed)
        return list(zip(*texts, strict=True))

    def grid(self) -> Grid:
        """What was written."""
        digest = self._sink.finish()
        self._told.finish(digest.size)
        shape = self._shape
        numbers = range(shape.first_column, shape.last_column + 1)
        kinds = tuple(self.columns[number].kind() if number in self.columns else None for number in numbers)
        return Grid(self._first_row, shape.first_column, self._sink.records, len(numbers), digest, kinds)
