"""Where a row is in its file."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A data row: its number among data rows from 0, its record number from 1, its bytes in the file, its line from 1
    (None: not counted yet)."""

    row: int
    record: int
    start: int
    end: int
    line: int | None = None
