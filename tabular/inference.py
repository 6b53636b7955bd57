"""A Table Schema for a table that has none, from all of its rows.

Conservative: a type is given only when every value is written in the one way that no reader mistakes. Whatever a number
would lose (leading zeros, more digits than a reader keeps) stays text. A blank cell fits every type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from tabular.dialect import Dialect
from tabular.finding import shorten
from tabular.progress import Progress, Throttle
from tabular.rows import read_data, read_labels

BATCH_ROWS = 2_000
BATCH_CELLS = 100_000
BATCH_CHARACTERS = 2_000_000
INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?")
YEAR = re.compile(r"[12][0-9]{3}")
BOOLEAN = re.compile(r"true|false|True|False|TRUE|FALSE")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})?"
)
SPACED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]")
YEAR_NAME = re.compile(r"(?:^|[^a-z])(?:year|yr|jahr|année|annee|año|anno|год)(?:$|[^a-z])", re.IGNORECASE)

Test = Callable[[str], object]
Kinds = Sequence[tuple[str, int] | None]
"""What a workbook's cells are, by column: `text`, `number` or `duration`, and the record after which all are it."""


def _is_date(cell: str) -> bool:
    return DATE.fullmatch(cell) is not None and _parses(date.fromisoformat, cell)


def _is_datetime(cell: str) -> bool:
    return DATETIME.fullmatch(cell) is not None and _parses(datetime.fromisoformat, cell)


def _is_spaced(cell: str) -> bool:
    return SPACED.fullmatch(cell) is not None and _parses(datetime.fromisoformat, cell)


def _parses(read: Callable[[str], object], cell: str) -> bool:
    try:
        read(cell)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Kind:
    """A type a column may have: its part of the field's descriptor, and the test of one value."""

    name: str
    descriptor: dict[str, str]
    test: Test


# In the order of choice: the first whose every value passed is taken.
KINDS = (
    Kind("year", {"type": "year"}, YEAR.fullmatch),
    Kind("integer", {"type": "integer"}, INTEGER.fullmatch),
    Kind("number", {"type": "number"}, NUMBER.fullmatch),
    Kind("boolean", {"type": "boolean"}, BOOLEAN.fullmatch),
    Kind("date", {"type": "date"}, _is_date),
    Kind("datetime", {"type": "datetime"}, _is_datetime),
    Kind("datetime with a space", {"type": "datetime", "format": "%Y-%m-%d %H:%M:%S"}, _is_spaced),
    Kind("time", {"type": "time"}, TIME.fullmatch),
)
NUMERIC = ("year", "integer", "number")


@dataclass(frozen=True, slots=True)
class Inferred:
    """A schema and, by field name, why a type was not taken: the first value (row, cell) that speaks against it."""

    schema: dict[str, Any]
    rows: int
    evidence: dict[str, Any]


class _Column:
    """The types that all values of a column passed so far; `cells` is what they are in a workbook, if they are one."""

    def __init__(self, name: str, cells: str | None = None) -> None:
        self.name = name
        self.values = 0
        self._cells = cells
        self._against: dict[str, dict[str, Any]] = {}
        self._open = [kind for kind in KINDS if kind.name != "year" or YEAR_NAME.search(name)]
        if cells == "text":
            # Digits that were entered as a text are a name or code, not a number.
            self._open = [kind for kind in self._open if kind.name not in NUMERIC]

    def add(self, first_row: list[int], cells: Iterable[str | None]) -> None:
        """Judges the next cells; `first_row` are their record numbers."""
        if not self._open:
            return
        column = list(cells)
        distinct = {cell for cell in column if cell}
        seen = self.values > 0
        self.values += len(distinct)
        for kind in self._open[:]:
            if not all(map(kind.test, distinct)):
                self._open.remove(kind)
                at = next(index for index, cell in enumerate(column) if cell and not kind.test(cell))
                if seen or any(map(kind.test, distinct)):
                    self._against[kind.name] = {"row": first_row[at], "cell": shorten(column[at] or "", 60)}

    def field(self) -> dict[str, Any]:
        """The field's descriptor; a column without any value is text."""
        chosen = self._open[0].descriptor if self._open and self.values else {"type": "string"}
        if not self._open and self._cells in ("number", "duration"):
            chosen = {"type": self._cells}
        return {"name": self.name} | chosen

    def why_not(self) -> dict[str, Any]:
        """Only what a reader may ask about: types that some values have, and the first value that has not."""
        if not self.values:
            return {"blank": "the column has no value"}
        return self._against | ({"cells": "texts in the workbook"} if self._cells == "text" else {})


def infer_schema(
    path: Path, dialect: Dialect, encoding: str = "utf-8", progress: Progress | None = None, kinds: Kinds = ()
) -> Inferred:
    """The schema of a CSV by reading all of it; `progress` is told rows. Raises OSError and UnicodeDecodeError.

    Field names are the header's; a blank one becomes `field` and its position, a repeated one gets a number, so that
    the schema stands while the report still tells of the header.
    """
    names = field_names(read_labels(path, dialect, encoding))
    columns = _columns(names, dialect, kinds)
    told = Throttle(progress)
    rows = 0
    records = read_data(path, dialect, encoding)
    while batch := _batch(records):
        numbers = [number for number, _ in batch]
        if not dialect.header_rows and not columns:
            columns = _columns(field_names([""] * len(batch[0][1])), dialect, kinds)
        transposed = zip_longest(*(cells for _, cells in batch))
        for column, cells in zip(columns, transposed, strict=False):
            column.add(numbers, cells)
        rows += len(batch)
        told(rows)
    told.finish(rows)
    evidence = {column.name: column.why_not() for column in columns}
    return Inferred({"fields": [column.field() for column in columns]}, rows, evidence)


def _columns(names: list[str], dialect: Dialect, kinds: Kinds) -> list[_Column]:
    cells = [kind[0] if kind and kind[1] < dialect.first_data_row else None for kind in kinds[: len(names)]]
    return [_Column(name, kind) for name, kind in zip_longest(names, cells)]


def _batch(records: Iterator[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """The next records, as many as memory allows: rows may have thousands of columns or cells of a megabyte."""
    batch: list[tuple[int, list[str]]] = []
    cells = characters = 0
    for record in islice(records, BATCH_ROWS):
        batch.append(record)
        cells += len(record[1])
        characters += sum(map(len, record[1]))
        if cells > BATCH_CELLS or characters > BATCH_CHARACTERS:
            break
    return batch


def field_names(labels: list[str]) -> list[str]:
    """Names for fields from a header's cells: none blank, none twice."""
    names: list[str] = []
    taken: set[str] = set()
    for position, label in enumerate(labels, start=1):
        name = wanted = label.strip() or f"field{position}"
        count = 1
        while name in taken:
            count += 1
            name = f"{wanted}{count}"
        taken.add(name)
        names.append(name)
    return names
