"""Which rows may hold a key that an earlier row holds: numbers of keys, sorted; on disk when there are many.

Equal keys have equal numbers. Unequal ones may share a number, so what is found are candidates; the exact comparison
is frictionless'.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

import numpy as np

from tabular.fast.layout import NO_KEY

RUN = 1 << 19
"""Keys that are sorted at a time; a few times 4 MB of memory."""
MOST_BEHIND = 1 << 12
"""Numbers no larger than an earlier one up to which these alone are looked for, and nothing is sorted."""


class KeyNumbers:
    """The numbers of one key, in the order of rows. More than a run of them is kept in a file without a name."""

    def __init__(self, run: int = RUN) -> None:
        self.rows = 0
        self._run = run
        self._blocks: list[Any] = []
        self._held = 0
        self._spilled: BinaryIO | None = None
        self.behind = 0
        """Rows whose number is no larger than an earlier row's, nulls apart: no other row can repeat one."""
        self._top = NO_KEY
        self._behind: list[Any] = []

    def add(self, numbers: Any) -> None:
        """The next rows' numbers; the array is the caller's and is copied."""
        if not len(numbers):
            return
        if numbers[0] > self._top and np.all(numbers[1:] > numbers[:-1]):
            self._top = numbers[-1]
        else:
            self._fall_behind(numbers)
        self._blocks.append(numbers.copy())
        self._held += len(numbers)
        self.rows += len(numbers)
        if self._held > self._run:
            self._spill()

    def _fall_behind(self, numbers: Any) -> None:
        tops = np.maximum.accumulate(np.concatenate(([self._top], numbers)))
        behind = numbers[(numbers <= tops[:-1]) & (numbers != NO_KEY)]
        self._top = tops[-1]
        self.behind += len(behind)
        if self.behind <= MOST_BEHIND:
            self._behind.append(behind)

    def close(self) -> None:
        """Gives back the file."""
        if self._spilled is not None:
            self._spilled.close()

    def _spill(self) -> None:
        if self._spilled is None:
            self._spilled = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 lives as long as this object
        self._spilled.seek(0, 2)
        for block in self._blocks:
            self._spilled.write(block.data)
        self._blocks, self._held = [], 0

    def _in_order(self) -> Iterator[Any]:
        if self._spilled is not None:
            self._spilled.flush()
            position = 0
            while True:
                self._spilled.seek(position)
                piece = self._spilled.read(8 * self._run)
                if not piece:
                    break
                position += len(piece)
                yield np.frombuffer(piece, np.int64)
        if self._blocks:
            yield np.concatenate(self._blocks)

    def repeats(self) -> int:
        """How many rows repeat a number of an earlier one, counted within runs only: at least so many."""
        if not self.behind:
            return 0
        count = 0
        for numbers in self._in_order():
            ordered = _ordered(numbers)
            count += int(np.count_nonzero(ordered[1:] == ordered[:-1]))
        return count

    def candidates(self) -> Iterator[tuple[int, int]]:
        """(row, first row with its number), for every row but the first of each number; in the order of rows."""
        twice = self._repeated() if self.behind > MOST_BEHIND else self._repeated_behind()
        if not len(twice):
            return
        first = np.full(len(twice), -1, np.int64)
        begin = 0
        for numbers in self._in_order():
            places = np.minimum(np.searchsorted(twice, numbers), len(twice) - 1)
            for row in np.flatnonzero(twice[places] == numbers).tolist():
                place = places[row]
                if first[place] < 0:
                    first[place] = begin + row
                else:
                    yield begin + row, int(first[place])
            begin += len(numbers)

    def _repeated_behind(self) -> Any:
        """The same as `_repeated`, and perhaps some that come once, where few rows are behind an earlier one."""
        return np.unique(np.concatenate(self._behind)) if self._behind else np.empty(0, np.int64)

    def _repeated(self) -> Any:
        """The numbers that come more than once, sorted."""
        if self._spilled is None:
            return _twice(_ordered(np.concatenate(self._blocks))) if self._blocks else np.empty(0, np.int64)
        with tempfile.TemporaryFile() as sorted_runs:
            lengths: list[int] = []
            quantiles: list[Any] = []
            for numbers in self._in_order():
                ordered = _ordered(numbers)
                sorted_runs.write(ordered.data)
                lengths.append(len(ordered))
                quantiles.append(ordered[:: max(1, self._run // 64)])
            sorted_runs.flush()
            return _merged(cast(BinaryIO, sorted_runs), lengths, np.sort(np.concatenate(quantiles)))


def _ordered(numbers: Any) -> Any:
    return np.sort(numbers[numbers != NO_KEY])


def _twice(ordered: Any) -> Any:
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])


def _merged(file: BinaryIO, lengths: list[int], quantiles: Any) -> Any:
    """The repeated numbers of sorted runs, range by range of values: of each range all runs' parts fit in memory."""
    found: list[Any] = []
    taken = [0] * len(lengths)
    for limit in [*np.unique(quantiles[64::64]).tolist(), None]:
        parts = []
        for index, length in enumerate(lengths):
            begin = sum(lengths[:index])
            run = np.memmap(file, np.int64, "r", 8 * begin, (length,)) if length else np.empty(0, np.int64)
            end = length if limit is None else int(np.searchsorted(run, limit))
            parts.append(np.array(run[taken[index] : end]))
            taken[index] = end
        found.append(_twice(np.sort(np.concatenate(parts))))
    return np.concatenate(found)
