"""Rows with too many cells or too few, many at a time: mended to the width of the table, the pass can read them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tabular.dialect import Dialect
from tabular.fast.layout import EMPTY_IS_NULL, END, FIRST, FOUND, PADDING, RECORDS, ROWS, START, SUSPECT_COLUMN
from tabular.fast.native import kernel
from tabular.fast.plan import Table
from tabular.fast.sweep import fresh_results

LF, CR = 10, 13
NUMBERED = 1 << 40
"""A record's number after which none is a comment."""


class Mended(NamedTuple):
    """Rows in `text`, mended; `widths` are the cells that they had, and `found` the suspects among what they have, by
    the order of the rows and by places in the text. `keys` are as in the kernel's results."""

    text: Any
    widths: Any
    found: Any
    keys: Any


class Ragged:
    """Mends the rows of one table: cells that a row has too many are cut off, blank ones put for those it lacks."""

    def __init__(self, table: Table, dialect: Dialect) -> None:
        self._table, self._delimiter = table, ord(dialect.delimiter)
        self._first_data_row = dialect.first_data_row
        marks = (dialect.quote_char, dialect.escape_char)
        self._quoting = [ord(mark) for mark in marks if mark]
        # A cell that is not there is null; a blank one is the same only where that is a missing value.
        self._has_blanks = bool((table.plan.columns[:, EMPTY_IS_NULL] == 1).all())

    def parted(self, buffer: Any, base: int, suspects: Any) -> tuple[Any, Any]:
        """Suspects of ragged rows that can be mended, and of the others."""
        if not self._has_blanks or not len(suspects):
            return suspects[:0], suspects
        starts, ends = self._bounds(buffer, base, suspects)
        is_ragged = (suspects[:, SUSPECT_COLUMN] < 0) & (ends > starts)
        is_ragged &= self._counts(buffer, starts, ends, [self._delimiter]) + 1 != len(self._table.rules)
        is_ragged &= self._counts(buffer, starts, ends, self._quoting) == 0
        return suspects[is_ragged], suspects[~is_ragged]

    def mended(self, buffer: Any, base: int, rows: Any) -> Mended | None:
        """The rows as the pass reads them, None where it takes one of them for none."""
        starts, ends = self._bounds(buffer, base, rows)
        width, low = len(self._table.rules), int(starts.min())
        places = np.flatnonzero(buffer[low : int(ends.max())] == self._delimiter) + low
        first = np.searchsorted(places, starts)
        widths = np.searchsorted(places, ends) - first + 1
        last = np.minimum(first + width - 1, len(places) - 1)
        ends = np.where(widths > width, places[last] if len(places) else ends, ends)
        delimiter = bytes([self._delimiter])
        lines = [
            buffer[start:end].tobytes() + delimiter * (width - cells) + b"\n"
            for start, end, cells in zip(starts.tolist(), ends.tolist(), widths.tolist(), strict=True)
        ]
        text = np.frombuffer(b"".join(lines) + b"\n" * PADDING, np.uint8).copy()
        return self._read(text, widths)

    def _read(self, text: Any, widths: Any) -> Mended | None:
        table, count = self._table, len(widths)
        results = fresh_results(len(table.plan.members), count + 2)
        state, found, at = results.state, [], 0
        state[FIRST], state[RECORDS] = self._first_data_row, NUMBERED
        scratch, length = np.zeros(len(text), np.uint8), len(text) - PADDING
        while at < length:
            at = kernel().walk(text, scratch, at, length, True, table.plan, table.accepts.arrays, results)
            found.append(results.suspects[: state[FOUND]].copy())
            state[FOUND] = 0
        if state[ROWS] != count:
            return None
        return Mended(text, widths, np.concatenate(found), results.keys[:, :count])

    def _bounds(self, buffer: Any, base: int, suspects: Any) -> tuple[Any, Any]:
        """Where the records are in the buffer, line ends apart."""
        starts, ends = suspects[:, START] - base, suspects[:, END] - base
        is_lf = buffer[ends - 1] == LF
        ends = ends - is_lf
        return starts, ends - ((ends > starts) & (buffer[ends - 1] == CR))

    def _counts(self, buffer: Any, starts: Any, ends: Any, marks: list[int]) -> Any:
        """How many of these bytes each record has."""
        low = int(starts.min())
        window = buffer[low : int(ends.max())]
        places = np.flatnonzero(np.isin(window, np.array(marks, np.uint8))) + low
        return np.searchsorted(places, ends) - np.searchsorted(places, starts)
