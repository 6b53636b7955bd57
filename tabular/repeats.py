"""The search for rows that repeat a unique key: numbers of keys, then the rows whose number came before, compared."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tabular.dialect import Dialect
from tabular.fast.accept import signed
from tabular.fast.keys import KeyNumbers
from tabular.fast.layout import NO_KEY
from tabular.fast.pairs import COMPARED, NEVER, Secrets
from tabular.finding import shorten
from tabular.limits import Limits
from tabular.progress import Progress, Throttle
from tabular.rows import read_data
from tabular.siblings import findable
from tabular.uniquekeys import Repeat, Repeats, UniqueKey

BATCH = 1 << 14
LONGEST_COMPARED = 1_000
"""Characters of a key that is compared by its values; a longer one is by their hash, for many may have to be held."""


class Candidate(NamedTuple):
    """Data rows, from 0, whose numbers for the key of that index are the same."""

    row: int
    key: int
    first: int


class Found(NamedTuple):
    """A data row that was looked at again: its record number and the values and cells of its keys."""

    record: int
    tokens: list[Any]
    cells: list[str]


class Search:
    """Of the table at `path` that the library has opened as `resource`."""

    def __init__(
        self,
        resource: Any,
        path: Path,
        keys: Sequence[UniqueKey],
        dialect: Dialect,
        limits: Limits,
        progress: Progress | None,
    ) -> None:
        self._resource, self._path, self._keys = resource, path, keys
        self._dialect, self._limits, self._progress = dialect, limits, progress
        fields = resource.header.get_expected_fields()
        names = [field.name for field in fields]
        self._columns = [[names.index(name) for name in key if name in names] for key in keys]
        self._paired = {field.name for field in fields if field.type in COMPARED}
        self._readers = [field.create_cell_reader() for field in fields]

    def run(self, is_fast: bool, bad: frozenset[int]) -> Repeats:
        """What repeats; `bad` are record numbers."""
        with ExitStack() as stack:
            numbers = self._numbers(is_fast)
            for each in numbers:
                stack.callback(each.close)
            listed = list(islice(_candidates(numbers), self._limits.listed_errors))
            if not listed:
                return Repeats({})
            found, bad_rows = self._look_again(listed, bad)
            told, wrong = [], set()
            for candidate in listed:
                repeat = self._repeat(candidate, found)
                if repeat is None:
                    wrong.add(candidate)
                else:
                    told.append(repeat)
            return self._counted(numbers, wrong, told, bad_rows | {candidate.row for candidate in listed})

    def _numbers(self, is_fast: bool) -> list[KeyNumbers]:
        if is_fast:
            from tabular.fast.outside import OutsideEnvelope
            from tabular.fast.unique import key_numbers

            try:
                return key_numbers(self._resource, self._path, self._keys, self._limits.piece_bytes, self._progress)
            except OutsideEnvelope:
                pass  # the library reads whatever it is
        return self._by_rows()

    def _by_rows(self) -> list[KeyNumbers]:
        """By the library's rows."""
        secret = Secrets()
        numbers = [KeyNumbers() for _ in self._keys]
        held: list[list[int]] = [[] for _ in self._keys]
        told = Throttle(self._progress)

        def hand_over() -> None:
            for kept, made in zip(held, numbers, strict=True):
                made.add(np.array(kept, np.int64))
                kept.clear()

        for count, row in enumerate(self._resource.row_stream, start=1):
            told(count)
            for key, kept in zip(self._keys, held, strict=True):
                kept.append(self._number(secret, key, row))
            if len(held[0]) >= BATCH:
                hand_over()
        hand_over()
        return numbers

    def _number(self, secret: Secrets, key: UniqueKey, row: Any) -> int:
        """Of a key without nulls. Of a duration, or a place, the hash is taken as a text; numbers have no such hash in
        Python, where it is their remainder by a prime."""
        values = [findable(row.get(name)) for name in key]
        if None in values:
            return NO_KEY
        told = [value if name in self._paired else str(hash(value)) for name, value in zip(key, values, strict=True)]
        pair = secret.of_key(told)
        return NO_KEY if pair == NEVER else signed((pair[0] + pair[1] * (secret.seed | 1)) % 2**64)

    def _look_again(self, listed: list[Candidate], bad: frozenset[int]) -> tuple[dict[int, Found], set[int]]:
        """What is in the rows of the candidates, by row; and which rows are the bad ones."""
        wanted = {row for candidate in listed for row in (candidate.row, candidate.first)}
        last, last_bad = max(wanted), max(bad, default=0)
        found: dict[int, Found] = {}
        bad_rows: set[int] = set()
        for row, (record, cells) in enumerate(read_data(self._path, self._dialect, self._resource.encoding)):
            if record in bad:
                bad_rows.add(row)
            if row in wanted:
                made = [self._key_of(columns, cells) for columns in self._columns]
                found[row] = Found(record, [token for token, _ in made], [shown for _, shown in made])
            if row >= last and record >= last_bad:
                break
        return found, bad_rows

    def _key_of(self, columns: list[int], cells: list[str]) -> tuple[Any, str]:
        texts = [cells[column] if column < len(cells) else None for column in columns]
        values = tuple(findable(self._readers[column](text)[0]) for column, text in zip(columns, texts, strict=True))
        shown = ", ".join(text or "" for text in texts)
        return values if len(shown) <= LONGEST_COMPARED else hash(values), shorten(shown, self._limits.reported_cell)

    def _repeat(self, candidate: Candidate, found: dict[int, Found]) -> Repeat | None:
        """None where only the numbers are the same."""
        here, there, index = found[candidate.row], found[candidate.first], candidate.key
        if here.tokens[index] != there.tokens[index]:
            return None
        position = self._columns[index][0] + 1
        return Repeat(here.record, there.record, self._keys[index], here.cells[index], position)

    def _counted(
        self, numbers: list[KeyNumbers], wrong: set[Candidate], told: list[Repeat], told_rows: set[int]
    ) -> Repeats:
        counts: Counter[UniqueKey] = Counter()
        rows = 0
        for row, candidates in groupby(_candidates(numbers), lambda candidate: candidate.row):
            right = [candidate for candidate in candidates if candidate not in wrong]
            counts.update(self._keys[candidate.key] for candidate in right)
            rows += bool(right) and row not in told_rows
        return Repeats(counts, tuple(told), rows)


def _candidates(numbers: list[KeyNumbers]) -> Iterator[Candidate]:
    """In the order of rows."""
    return heapq.merge(*(_of_key(index, each) for index, each in enumerate(numbers)))


def _of_key(index: int, numbers: KeyNumbers) -> Iterator[Candidate]:
    return (Candidate(row, index, first) for row, first in numbers.candidates())
