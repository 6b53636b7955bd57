"""The count of all errors by the compiled pass: a sweep to the file's end, then the rows that are listed."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tabular.counting import Counting
from tabular.dialect import Dialect
from tabular.fast.countsweep import CountSweep
from tabular.fast.foreign import Foreign
from tabular.fast.plain import Plain
from tabular.fast.plan import table_of
from tabular.fast.replay import Finder
from tabular.fast.source import FileSource
from tabular.fast.sweep import cells_of
from tabular.fast.verdicts import Verdicts
from tabular.lines import LineCounter
from tabular.place import Place
from tabular.problem import GroupKey, Problem
from tabular.progress import Progress
from tabular.summary import EXAMPLES
from tabular.tally import Counted


class Event(NamedTuple):
    """A row that has errors: of its own, at `place`; because the row `first` has its key number `key` already; or
    because its foreign key number `absent` is in no row of the table that it refers to."""

    row: int
    place: Place | None
    key: int = -1
    first: int = -1
    absent: int = -1


class RowCount:
    """One count of the errors in the rows of a file; `resource` is what frictionless has opened of it. What is open is
    closed by the `stack`."""

    def __init__(
        self,
        path: Path,
        resource: Any,
        dialect: Dialect,
        counting: Counting,
        progress: Progress | None,
        stack: ExitStack,
    ) -> None:
        self._path, self._dialect, self._counting, self._stack = path, dialect, counting, stack
        foreign = Foreign(resource, counting.limits.piece_bytes) if resource.package is not None else None
        self._foreign_keys = foreign.keys if foreign is not None else []
        self._table = table_of(resource, dialect, *((foreign.fields, foreign.secrets) if foreign is not None else ()))
        names = [field.name for field in resource.header.get_expected_fields()]
        self._verdicts = Verdicts(self._table, names)
        kept = max(counting.limits.most_listed, EXAMPLES)
        self._absences = foreign.watch(self._table, kept, stack) if foreign is not None else None
        source = stack.enter_context(closing(FileSource(path, counting.limits.piece_bytes)))
        self._sweep = CountSweep(self._table, source, dialect, self._verdicts, counting, progress, self._absences)
        self._repeated = [self._verdicts.of_key(key, (), 0) for key in self._table.keys]
        self._absent = [self._verdicts.of_absent(key, ()) for key in self._foreign_keys]
        self._key_examples: dict[GroupKey, dict[Place, Problem]] = {}

    def run(self) -> None:
        """Counts and lists. Raises OutsideEnvelope, and what a reader raises."""
        for numbers in self._sweep.key_numbers:
            self._stack.callback(numbers.close)
        self._sweep.run()
        self._counting.rows = self._sweep.rows
        self._counting.record = self._sweep.records
        self._add_absences()
        places = np.concatenate(self._sweep.places) if self._sweep.places else np.zeros((0, 2), np.int64)
        plain = self._stack.enter_context(closing(Plain(self._path)))
        self._finder = Finder(plain, self._table, self._dialect, places)
        self._find = lru_cache(1_000)(self._finder.find)
        lines = self._stack.enter_context(LineCounter(self._path))
        for row, events in groupby(self._events(), lambda event: event.row):
            self._end_row(row, list(events), lines)
        self._exemplify(self._stack.enter_context(LineCounter(self._path)))

    def _add_absences(self) -> None:
        """Counts the foreign keys that are nowhere, all at once: of the rows only the first are known one by one."""
        if self._absences is None:
            return
        for problem, count in zip(self._absent, self._absences.counts, strict=True):
            if count:
                self._counting.tally.add(problem, count)
        self._counting.tally.bad_rows += self._sweep.bad_rows.join(self._absences.bad_rows)

    def _events(self) -> Iterator[Event]:
        """In the order of rows; those of one row in the library's order."""
        own = (Event(place.row, place) for place in self._sweep.listed)
        keys = (self._repeats(index) for index in range(len(self._table.keys)))
        rows = self._absences.rows() if self._absences is not None else []
        absent = (map(partial(_absence, index), found) for index, found in enumerate(rows))
        return heapq.merge(own, *keys, *absent, key=lambda event: event.row)

    def _repeats(self, key: int) -> Iterator[Event]:
        for row, first in self._sweep.keys[key].candidates():
            yield Event(row, None, key, first)

    def _end_row(self, row: int, events: list[Event], lines: LineCounter) -> None:
        """Counts the keys that the row repeats, and lists it while there is room."""
        of_keys = [event for event in events if event.place is None]
        repeated = [event for event in of_keys if event.key >= 0]
        if repeated and not self._sweep.bad_rows.has(row):
            self._counting.tally.bad_rows += 1
        is_listed = not self._counting.listing.is_full and (not self._sweep.is_cut or row <= self._sweep.listed[-1].row)
        for event in repeated:
            self._counting.tally.add(self._repeated[event.key])
        groups = [self._group(event) for event in of_keys]
        if not is_listed and not any(group.wants(row) for group in groups):
            return
        place = events[0].place or self._find(row)
        cells = cells_of(self._finder.read(place), self._dialect)
        problems = []
        for event, group in zip(of_keys, groups, strict=True):
            problem = self._problem(event, cells)
            problems.append(problem)
            if group.wants(row):
                group.keep(place)
                self._key_examples.setdefault(problem.key, {}).setdefault(place, problem)
        if is_listed:
            placed = place._replace(line=lines.at(place.start))
            self._counting.listing.add(placed, cells, [*self._verdicts.of_row(cells), *problems])

    def _group(self, event: Event) -> Counted:
        problem = self._repeated[event.key] if event.key >= 0 else self._absent[event.absent]
        return self._counting.tally.groups[problem.key]

    def _problem(self, event: Event, cells: Sequence[str]) -> Problem:
        if event.key < 0:
            return self._verdicts.of_absent(self._foreign_keys[event.absent], cells)
        return self._verdicts.of_key(self._table.keys[event.key], cells, self._find(event.first).record)

    def _exemplify(self, lines: LineCounter) -> None:
        """Makes findings of the first places of each group."""
        wanted = [(place, key) for key, group in self._counting.tally.groups.items() for place in group.places]
        for place, key in sorted(wanted, key=lambda item: item[0]):
            problem = self._key_examples.get(key, {}).get(place)
            if problem is None:
                cells = cells_of(self._finder.read(place), self._dialect)
                problem = next(one for one in self._verdicts.of_row(cells) if one.key == key)
            placed = place._replace(line=lines.at(place.start))
            group = self._counting.tally.groups[key]
            group.examples.append(self._counting.listing.finding_of(problem, placed))


def _absence(key: int, row: int) -> Event:
    return Event(row, None, absent=key)
