"""The records of a CSV as Python reads them, with the header apart."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from tabular.dialect import Dialect

NO_LIMIT = 2**31 - 2


def reader(
    lines: Iterable[str], dialect: Dialect | type[csv.Dialect] | csv.Dialect, strict: bool = False
) -> Iterator[list[str]]:
    """A `csv.reader`, for our kind of dialect or Python's own, without its own limit of 128 KB for a cell.

    That limit is one of the process; it is only ever lifted here. Our own, `Limits.cell_bytes`, is kept by the scan
    that comes before anything else reads a file.
    """
    csv.field_size_limit(NO_LIMIT)
    if isinstance(dialect, Dialect):
        return csv.reader(lines, **dialect.options(strict))
    return csv.reader(lines, dialect)


def read_records(path: Path, dialect: Dialect, encoding: str = "utf-8") -> Iterator[tuple[int, list[str]]]:
    """Every record with its number from 1, blank ones and header included. Raises OSError and UnicodeDecodeError."""
    with path.open(encoding=encoding, newline="") as file:
        yield from enumerate(reader(file, dialect), start=1)


def read_data(path: Path, dialect: Dialect, encoding: str = "utf-8") -> Iterator[tuple[int, list[str]]]:
    """The records that are data: what precedes the header, the header itself and comments are left out."""
    for number, cells in read_records(path, dialect, encoding):
        if dialect.is_data(number, cells):
            yield number, cells


def read_labels(path: Path, dialect: Dialect, encoding: str = "utf-8") -> list[str]:
    """The header's cells; several header rows are joined as the dialect says; no header gives an empty list.

    The joining is frictionless' own: a cell equal to the one above it is not repeated.
    """
    labels: list[str] = []
    previous: dict[int, str] = {}
    for number, cells in read_records(path, dialect, encoding):
        if number >= dialect.first_data_row:
            break
        if number not in dialect.header_rows or dialect.is_comment(number, cells):
            continue
        for index, cell in enumerate(cells):
            text = cell.strip()
            if previous.get(index) == text:
                continue
            previous[index] = text
            if index < len(labels):
                labels[index] = dialect.header_join.join((labels[index], text))
            else:
                labels.append(text)
    return labels
