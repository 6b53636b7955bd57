"""The rows that matter, handed to frictionless as if it had read the whole table and met only these.

frictionless numbers the records it reads in its dialect's content stream, and keeps its row logic (keys, errors, their
order, the limit of errors, the report) behind it. So the content stream is the place to leave the clean rows out.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np

from tabular.dialect import Dialect
from tabular.fast.layout import BASE, FIRST, FOUND, KEPT, MARK_EVERY, PADDING, RECORDS, ROWS, UNTIL
from tabular.fast.native import kernel
from tabular.fast.outside import OutsideEnvelope
from tabular.fast.plain import Plain
from tabular.fast.plan import Table
from tabular.fast.reading import Reading
from tabular.fast.sweep import LARGEST_RECORD, Sweep, cells_of, fresh_results
from tabular.library import Content
from tabular.place import Place

NEVER = np.iinfo(np.int64).max
WINDOW = 1 << 18


class Finder:
    """Finds data rows again, by the places that the sweep remembered."""

    def __init__(self, plain: Plain, table: Table, dialect: Dialect, places: Any) -> None:
        self._plain, self._table, self._dialect, self._places = plain, table, dialect, places

    def read(self, place: Place) -> bytes:
        """The bytes of a row."""
        return self._plain.read(place.start, place.end - place.start)

    def find(self, row: int) -> Place:
        """Where a data row is. Raises OutsideEnvelope for a record that does not fit in memory."""
        offset, record = self._places[row // MARK_EVERY].tolist()
        begin = row // MARK_EVERY * MARK_EVERY
        length = WINDOW
        while True:
            found = self._walk(row, begin, offset, record, length)
            if found is not None:
                return found
            length *= 4
            if length > LARGEST_RECORD:
                raise OutsideEnvelope("a record of more than 128 MB")

    def _walk(self, row: int, begin: int, offset: int, record: int, length: int) -> Place | None:
        piece = self._plain.read(offset, length)
        final = len(piece) < length
        buffer = np.full(len(piece) + PADDING, 10, np.uint8)
        buffer[: len(piece)] = np.frombuffer(piece, np.uint8)
        results = fresh_results(len(self._table.plan.members), 2 * MARK_EVERY)
        state = results.state
        state[BASE], state[RECORDS], state[ROWS] = offset, record - 1, begin
        state[FIRST] = self._dialect.first_data_row if self._has_gaps else NEVER
        scratch, at = np.zeros(len(buffer), np.uint8), 0
        plan, accepts = self._table.plan, self._table.accepts.arrays
        # Where none is skipped, records are rows, and those before the wanted one can be stepped over at once.
        state[UNTIL] = record if self._has_gaps else record - 1 + row - begin
        while True:
            start, rows = at, int(state[ROWS])
            at = kernel().walk(buffer, scratch, at, len(piece), final, plan, accepts, results)
            if state[RECORDS] < state[UNTIL]:
                return None
            number = int(state[RECORDS])
            is_row = rows == row < state[ROWS] if self._has_gaps else number == record + row - begin
            if is_row:
                return Place(row, number, offset + start, offset + at)
            state[FOUND] = state[KEPT] = 0
            state[UNTIL] = number + 1

    @property
    def _has_gaps(self) -> bool:
        return bool(len(self._table.plan.comment) or len(self._table.plan.comments)) or self._dialect.skip_blank_rows


class Replay:
    """Feeds frictionless with the bad rows, those whose key is absent elsewhere or may come twice here; with the first
    row, too, where there may be errors before it, for after a row the library looks whether these are too many.

    The first row of each repeated key, which is clean unless it is bad anyway, is told just before the second. So at
    most a few rows for each error are ever told, and the library's memory of keys stays small.
    """

    def __init__(
        self,
        resource: Any,
        reading: Reading,
        sweep: Sweep,
        finder: Finder,
        dialect: Dialect,
        absent: Sequence[Iterator[int]] = (),
    ) -> None:
        self._absent = absent
        self._resource, self._reading, self._sweep = resource, reading, sweep
        self._finder, self._dialect = finder, dialect
        self._told: set[int] = set()
        self._bad = {place.row: place for place in sweep.bad}

    def rows(self) -> Content:
        """(record number, cells); the resource's statistics are those of a reader that has come so far."""
        if self._sweep.rows and not (self._resource.labels and self._resource.header.valid):
            yield from self._tell(0, 0)
        for row, events in groupby(self._events(), itemgetter(0)):
            for _, first in events:
                if first >= 0:
                    yield from self._tell(first, row)
            yield from self._tell(row, row)
        if not self._sweep.complete:
            raise OutsideEnvelope("keys that only seemed to come twice")
        self._resource.stats.rows = self._sweep.rows
        self._reading.come_to_end()

    def _events(self) -> Iterator[tuple[int, int]]:
        """(row, the first row with the same key or -1), by row."""
        bad = ((place.row, -1) for place in self._sweep.bad)
        absent = [((row, -1) for row in rows) for rows in self._absent]
        return heapq.merge(bad, *absent, *(numbers.candidates() for numbers in self._sweep.key_numbers))

    def _tell(self, row: int, at: int) -> Content:
        """Tells a row once; the library is at the row `at`, which is the same or a later one."""
        if row in self._told:
            return
        self._told.add(row)
        place = self._bad.get(row) or self._finder.find(row)
        record = self._finder.read(place)
        self._resource.stats.rows = at  # the library adds the row itself
        self._reading.come_to(place.end, record)
        yield place.record, cells_of(record, self._dialect)
