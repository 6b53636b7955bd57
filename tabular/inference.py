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
from typing import TYPE_CHECKING, Any

from tabular import fast
from tabular.dialect import Dialect
from tabular.finding import shorten
from tabular.limits import Limits
from tabular.progress import Progress, Throttle
from tabular.rows import read_data, read_labels

if TYPE_CHECKING:
    from tabular.fast.guess import Guess

BATCH_ROWS = 2_000
BATCH_CELLS = 100_000
BATCH_CHARACTERS = 2_000_000
INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?")
YEAR = re.compile(r"[12][0-9]{3}")
MAYBE = re.compile(r"[-0-9tfTF]")
"""How a value begins that may pass for any type."""
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
    """What the values of a column passed for, and the first value against each type; `cells` is what they are in a
    workbook, if they are one."""

    def __init__(self, name: str, cells: str | None = None) -> None:
        self.name = name
        self._cells = cells
        self._passed: set[int] = set()
        self._failed: dict[int, tuple[int, str]] = {}

    def add(self, numbers: list[int], cells: Iterable[str | None]) -> None:
        """Judges the next cells; `numbers` are those of their records."""
        column = list(cells)
        distinct = {cell for cell in column if cell}
        maybe = {cell for cell in distinct if MAYBE.match(cell)}
        for index, kind in enumerate(KINDS):
            if not distinct or (index in self._passed and index in self._failed):
                continue
            passing = {cell for cell in maybe if kind.test(cell)}
            if passing:
                self._passed.add(index)
            if index not in self._failed and len(passing) < len(distinct):
                at = next(at for at, cell in enumerate(column) if cell and cell not in passing)
                self._failed[index] = (numbers[at], column[at] or "")

    def take(self, guess: Guess) -> None:
        """What the compiled pass found instead."""
        self._passed, self._failed = set(guess.passed), guess.failed

    def field(self) -> dict[str, Any]:
        """The field's descriptor; a column without any value is text."""
        fitting = [kind.descriptor for index, kind in self._kinds() if index not in self._failed]
        if not self._passed and not self._failed:
            fitting = [{"type": "string"}]
        elif not fitting:
            fitting = [{"type": self._cells if self._cells in ("number", "duration") else "string"}]
        return {"name": self.name} | fitting[0]

    def why_not(self) -> dict[str, Any]:
        """Only what a reader may ask about: types that some values have, and the first value that has not."""
        if not self._passed and not self._failed:
            return {"blank": "the column has no value"}
        against = [(kind.name, self._failed[index]) for index, kind in self._kinds() if index in self._failed]
        shared = {kind.name for index, kind in self._kinds() if index in self._passed}
        told = {name: {"row": row, "cell": shorten(cell, 60)} for name, (row, cell) in against if name in shared}
        return told | ({"cells": "texts in the workbook"} if self._cells == "text" else {})

    def _kinds(self) -> Iterator[tuple[int, Kind]]:
        """Those that the column may be: digits that were entered as a text are a name or code, not a number."""
        kept_out = NUMERIC if self._cells == "text" else () if YEAR_NAME.search(self.name) else ("year",)
        return ((index, kind) for index, kind in enumerate(KINDS) if kind.name not in kept_out)


def infer_schema(
    path: Path,
    dialect: Dialect,
    encoding: str = "utf-8",
    progress: Progress | None = None,
    kinds: Kinds = (),
    limits: Limits | None = None,
) -> Inferred:
    """The schema of a CSV by reading all of it; `progress` is told rows. Raises OSError and UnicodeDecodeError.

    Field names are the header's; a blank one becomes `field` and its position, a repeated one gets a number, so that
    the schema stands while the report still tells of the header.
    """
    columns = _columns(path, dialect, encoding, kinds)
    told = Throttle(progress)
    rows = _guess(path, dialect, encoding, columns, limits or Limits(), told)
    if rows is None:
        rows = _read(path, dialect, encoding, columns, told)
    told.finish(rows)
    evidence = {column.name: column.why_not() for column in columns}
    return Inferred({"fields": [column.field() for column in columns]}, rows, evidence)


def _columns(path: Path, dialect: Dialect, encoding: str, kinds: Kinds) -> list[_Column]:
    """One for each name of the header or, without one, for each cell of the first row."""
    labels = read_labels(path, dialect, encoding)
    if not dialect.header_rows:
        labels = [""] * len(next(read_data(path, dialect, encoding), (0, []))[1])
    cells = [kind[0] if kind and kind[1] < dialect.first_data_row else None for kind in kinds[: len(labels)]]
    return [_Column(name, kind) for name, kind in zip_longest(field_names(labels), cells)]


def _guess(
    path: Path, dialect: Dialect, encoding: str, columns: list[_Column], limits: Limits, told: Throttle
) -> int | None:
    """Has the compiled pass look at all rows; how many they are, None where it cannot."""
    if encoding != "utf-8" or not columns or fast.unfit(path.stat().st_size, limits.fast_from) is not None:
        return None
    try:
        guesses, rows = fast.guess_columns(path, dialect, len(columns), limits, told)
    except (OSError, MemoryError):
        raise
    except Exception:  # whatever keeps the pass from it, the reader tells
        return None
    for column, guess in zip(columns, guesses, strict=True):
        column.take(guess)
    return rows


def _read(path: Path, dialect: Dialect, encoding: str, columns: list[_Column], told: Throttle) -> int:
    """The same with `csv.reader`: the reference."""
    rows = 0
    records = read_data(path, dialect, encoding)
    while batch := _batch(records):
        numbers = [number for number, _ in batch]
        transposed = zip_longest(*(cells for _, cells in batch))
        for column, cells in zip(columns, transposed, strict=False):
            column.add(numbers, cells)
        rows += len(batch)
        told(rows)
    return rows


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
