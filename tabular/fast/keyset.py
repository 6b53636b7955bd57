"""The keys of a referenced table, as pairs of numbers: in a hash table; in sorted runs on disk when they are many."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

import numpy as np

from tabular.fast.layout import NO_KEY, NULL_CHECK
from tabular.fast.native import kernel
from tabular.fast.pairs import NEVER, NULL_PAIR, Pair, Secrets

FIRST_SLOTS = 1 << 12
MOST = 1 << 21
"""Keys that all sets of one table hold in memory together: 64 MB of slots, for half of them are free."""
WORD = 8


class KeySet:
    """Distinct pairs. Nulls, and what equals nothing, are left out. `most` of them stay in memory."""

    def __init__(self, secrets: Secrets, most: int = MOST) -> None:
        self._seed = np.array(secrets.words, np.uint64)
        self._most = max(most, FIRST_SLOTS // 2)
        self._slots = _free(FIRST_SLOTS)
        self._held = np.zeros(1, np.int64)
        self._spilled: BinaryIO | None = None
        self._runs: list[int] = []

    def __len__(self) -> int:
        """How many there are; of keys in several runs on disk each counts again."""
        return sum(self._runs) + int(self._held[0])

    @property
    def spilled(self) -> bool:
        """Whether some of them are on disk."""
        return bool(self._runs)

    def close(self) -> None:
        """Gives back the file."""
        if self._spilled is not None:
            self._spilled.close()

    def add(self, pairs: Any, count: int) -> None:
        """Adds the first of the pairs (int64[n, 2])."""
        at = 0
        while True:
            room = min(len(self._slots) // 2, self._most)
            at = kernel().admit(self._slots, pairs, self._seed, self._held, at, count, room)
            if at >= count:
                return
            if room < self._most:
                self._grow()
            else:
                self._spill()

    def missing(self, pairs: Any, count: int) -> Any:
        """Which of the first pairs are not in the set, in order; a null is never missing."""
        marks = np.zeros(count, np.uint8)
        if not kernel().missing(self._slots, pairs, self._seed, marks, count):
            return np.empty(0, np.int64)
        absent = np.flatnonzero(marks)
        for run in range(len(self._runs)):
            if not len(absent):
                break
            absent = absent[~self._in_run(run, pairs[absent])]
        return absent

    def __contains__(self, pair: Pair) -> bool:
        if pair in (NULL_PAIR, NEVER):
            return False
        alone = np.array([pair], np.int64)
        marks = np.zeros(1, np.uint8)
        if not kernel().missing(self._slots, alone, self._seed, marks, 1):
            return True
        return any(self._is_in_run(run, pair) for run in range(len(self._runs)))

    def _grow(self) -> None:
        pairs = self._occupied()
        self._slots, self._held[0] = _free(4 * len(self._slots)), 0
        kernel().admit(self._slots, pairs, self._seed, self._held, 0, len(pairs), len(pairs))

    def _occupied(self) -> Any:
        taken = (self._slots[:, 0] != NO_KEY) | (self._slots[:, 1] != NULL_CHECK)
        return np.ascontiguousarray(self._slots[taken])

    def _spill(self) -> None:
        """Moves the table to disk, as a run in order: all first numbers, then all checks."""
        if self._spilled is None:
            self._spilled = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 lives as long as this object
        pairs = self._occupied()
        pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
        self._spilled.seek(0, 2)
        for column in (0, 1):
            self._spilled.write(np.ascontiguousarray(pairs[:, column]).data)
        self._spilled.flush()
        self._runs.append(len(pairs))
        self._slots[:] = NULL_PAIR
        self._held[0] = 0

    def _column(self, run: int, column: int, start: int = 0, count: int | None = None) -> Any:
        length = self._runs[run]
        assert self._spilled is not None
        self._spilled.seek(WORD * (2 * sum(self._runs[:run]) + column * length + start))
        return np.frombuffer(self._spilled.read(WORD * (length if count is None else count)), np.int64)

    def _in_run(self, run: int, pairs: Any) -> Any:
        """Which of the pairs are in the run."""
        firsts, checks = self._column(run, 0), self._column(run, 1)
        order = np.argsort(pairs[:, 0])
        wanted = pairs[order]
        places = np.searchsorted(firsts, wanted[:, 0])
        found = np.zeros(len(pairs), bool)
        open_ = np.arange(len(pairs))
        while len(open_):  # firsts that come twice have different checks: they are tried one after the other
            places_open = places[open_]
            open_ = open_[places_open < len(firsts)]
            open_ = open_[firsts[places[open_]] == wanted[open_, 0]]
            hits = checks[places[open_]] == wanted[open_, 1]
            found[order[open_[hits]]] = True
            open_ = open_[~hits]
            places[open_] += 1
        return found

    def _is_in_run(self, run: int, pair: Pair) -> bool:
        low, high = 0, self._runs[run]
        while low < high:
            middle = (low + high) // 2
            if int(self._column(run, 0, middle, 1)[0]) < pair[0]:
                low = middle + 1
            else:
                high = middle
        return any(int(self._column(run, 1, place, 1)[0]) == pair[1] for place in self._equal(run, low, pair[0]))

    def _equal(self, run: int, place: int, first: int) -> Iterator[int]:
        while place < self._runs[run] and int(self._column(run, 0, place, 1)[0]) == first:
            yield place
            place += 1


def _free(count: int) -> Any:
    slots = np.empty((count, 2), np.int64)
    slots[:] = NULL_PAIR
    return slots
