"""A set of rows, a bit for each. Nothing here is compiled: a check that only keeps such a set loads no compiler."""

from __future__ import annotations

from typing import Any

import numpy as np


class RowSet:
    """Which rows, a bit for each."""

    def __init__(self) -> None:
        self._bits = np.zeros(1 << 10, np.uint8)

    def add(self, rows: Any) -> None:
        """Row numbers from 0, an array."""
        if not len(rows):
            return
        last = int(rows.max()) >> 3
        if last >= len(self._bits):
            bits = np.zeros(2 * last + 1, np.uint8)
            bits[: len(self._bits)] = self._bits
            self._bits = bits
        np.bitwise_or.at(self._bits, rows >> 3, np.left_shift(1, rows & 7).astype(np.uint8))

    def join(self, other: RowSet) -> int:
        """Adds the rows of another; how many of them are new."""
        length = len(other._bits)
        if length > len(self._bits):
            self._bits = np.pad(self._bits, (0, length - len(self._bits)))
        new = other._bits & ~self._bits[:length]
        self._bits[:length] |= new
        return int(np.bitwise_count(new).sum(dtype=np.int64))

    def has(self, row: int) -> bool:
        """Whether a row is one of them."""
        return row >> 3 < len(self._bits) and bool(self._bits[row >> 3] >> (row & 7) & 1)
