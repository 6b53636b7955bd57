"""The count of all errors by the compiled pass: a sweep to the file's end, then the rows that are listed."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tabular.counting import Counting
from tabular.dialect import Dialect
from tabular.fast.countsweep import CountSweep
from tabular.fast.plan import table_of
from tabular.fast.replay import Finder
from tabular.fast.source import Source
from tabular.fast.sweep import cells_of
from tabular.fast.verdicts import Verdicts
from tabular.lines import LineCounter
from tabular.place import Place
from tabular.problem import GroupKey, Problem
from tabular.progress import Progress


class Event(NamedTuple):
    """A row that has errors: of its own, at `place`, or because the row `first` has its key number `key` already."""

    row: int
    place: Place | None
    key: int = -1
    first: int = -1


class RowCount:
    """One count of the errors in the rows of a file; `resource` is what frictionless has opened of it."""

    def __init__(
        self, path: Path, resource: Any, dialect: Dialect, counting: Counting, progress: Progress | None
    ) -> None:
        self._path, self._dialect, self._counting = path, dialect, counting
        self._table = table_of(resource, dialect)
        names = [field.name for field in resource.header.get_expected_fields()]
        self._verdicts = Verdicts(self._table, names)
        self._source = Source(path, counting.limits.piece_bytes)
        self._sweep = CountSweep(self._table, self._source, dialect, self._verdicts, counting, progress)
        self._key_examples: dict[GroupKey, dict[Place, Problem]] = {}

    def run(self) -> None:
        """Counts and lists. Raises OutsideEnvelope, and what a reader raises."""
        with ExitStack() as stack:
            stack.callback(self._source.close)
            for numbers in self._sweep.keys:
                stack.callback(numbers.close)
            self._sweep.run()
            self._counting.rows = self._sweep.rows
            self._counting.record = self._sweep.records
            places = np.concatenate(self._sweep.places) if self._sweep.places else np.zeros((0, 2), np.int64)
            self._finder = stack.enter_context(closing(Finder(self._path, self._table, self._dialect, places)))
            self._find = lru_cache(1_000)(self._finder.find)
            lines = stack.enter_context(LineCounter(self._path))
            for row, events in groupby(self._events(), lambda event: event.row):
                self._end_row(row, list(events), lines)
            self._exemplify(stack.enter_context(LineCounter(self._path)))

    def _events(self) -> Iterator[Event]:
        own = (Event(place.row, place) for place in self._sweep.listed)
        keys = (self._repeats(index) for index in range(len(self._table.keys)))
        return heapq.merge(own, *keys, key=lambda event: event.row)

    def _repeats(self, key: int) -> Iterator[Event]:
        for row, first in self._sweep.keys[key].candidates():
            yield Event(row, None, key, first)

    def _end_row(self, row: int, events: list[Event], lines: LineCounter) -> None:
        """Counts the keys that the row repeats, and lists it while there is room."""
        repeated = [event for event in events if event.key >= 0]
        if repeated and not self._sweep.bad_rows.has(row):
            self._counting.tally.bad_rows += 1
        is_listed = not self._counting.listing.is_full and (not self._sweep.is_cut or row <= self._sweep.listed[-1].row)
        groups = [self._counting.tally.add(self._placeholders[event.key]) for event in repeated]
        if not is_listed and not any(group.wants(row) for group in groups):
            return
        place = events[0].place or self._find(row)
        cells = cells_of(self._finder.read(place), self._dialect)
        problems = []
        for event, group in zip(repeated, groups, strict=True):
            key = self._table.keys[event.key]
            problem = self._verdicts.of_key(key, cells, self._find(event.first).record)
            problems.append(problem)
            if group.wants(row):
                group.keep(place)
                self._key_examples.setdefault(problem.key, {})[place] = problem
        if is_listed:
            placed = place._replace(line=lines.at(place.start))
            self._counting.listing.add(placed, cells, [*self._verdicts.of_row(cells), *problems])

    @property
    def _placeholders(self) -> list[Problem]:
        return [self._verdicts.of_key(key, (), 0) for key in self._table.keys]

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
