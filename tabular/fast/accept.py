"""The accept-set: cells that frictionless has read without complaint, kept where the kernel can look them up.

An enumeration begins with its values in it; the rest is learned from verdicts. It turns a flood of cells that are
unusual but right into one verdict each.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from struct import Struct
from typing import Any

import numpy as np

from tabular.fast.layout import (
    HASH,
    LONGEST_LISTED,
    PADDING,
    SLOT,
    SUSPECT,
    VERDICT,
    Accepts,
)

WORD = 2**64 - 1
_ROW = Struct(f"={SLOT - 1}q")
"""A row of the table, in the order of the layout: `HASH` to `CHECK`."""
MOST = 1 << 16
"""Cells that are learned."""


def mixed(seed: int, word: int) -> int:
    """The kernel's function of that name, in Python."""
    value = ((seed & WORD) ^ (word & WORD)) * 0x9E3779B97F4A7C15 & WORD
    return value ^ (value >> 29)


def signed(word: int) -> int:
    """The number that the same 64 bits are with a sign."""
    return word - (1 << 64) if word >> 63 else word


def hashed(text: bytes, seed: int) -> int:
    """The kernel's function of that name, in Python."""
    value = mixed(seed, len(text))
    for at in range(0, len(text), 8):
        value = mixed(value, int.from_bytes(text[at : at + 8], "little"))
    return value


class AcceptSet:
    """A hash table in arrays. Its seed is secret, so that nobody can write a file whose cells collide.

    `words` are the seed and the points of polynomials, where another table's keys have to have the same numbers.
    """

    def __init__(self, words: Sequence[int] = ()) -> None:
        seeds = list(words) or [secrets.randbits(64), 0, 0]
        self.seed = seeds[0]
        self._count = self._used = 0
        self._arrays = Accepts(
            np.zeros((1 << 10, SLOT), np.int64),
            np.zeros((1 << 16) + PADDING, np.uint8),
            np.array(seeds, np.uint64),
        )

    @property
    def arrays(self) -> Accepts:
        """For the kernel, until the next `add`."""
        return self._arrays

    def number(self, text: bytes, seed: int) -> int:
        """What the kernel makes of the text as a part of a key."""
        return signed(hashed(text, seed))

    def learn(self, column: int, text: bytes, verdict: int, part: int, check: int = 0) -> bool:
        """Remembers a cell of the column, unless it is long or there are many already; whether it did."""
        if len(text) > LONGEST_LISTED or self._count >= MOST:
            return False
        self.add(column, text, verdict, part, check)
        return True

    def add(self, column: int, text: bytes, verdict: int, part: int, check: int = 0) -> None:
        """Remembers a cell of the column, which is not in it yet."""
        if 2 * (self._count + 1) > len(self._arrays.slots):
            self._grow()
        end = self._used + len(text)
        if end + PADDING > len(self._arrays.arena):
            arena = np.zeros(2 * len(self._arrays.arena), np.uint8)
            arena[: self._used] = self._arrays.arena[: self._used]
            self._arrays = self._arrays._replace(arena=arena)
        self._arrays.arena.data[self._used : end] = text
        value = self.number(text, mixed(self.seed, column))
        _ROW.pack_into(*_free(self._arrays.slots, value), value, column, self._used, len(text), verdict, part, check)
        self._used = end
        self._count += 1

    def _grow(self) -> None:
        slots = np.zeros((4 * len(self._arrays.slots), SLOT), np.int64)
        for row in self._arrays.slots[self._arrays.slots[:, VERDICT] != SUSPECT].tolist():
            _ROW.pack_into(*_free(slots, row[HASH]), *row[: SLOT - 1])
        self._arrays = self._arrays._replace(slots=slots)


def _free(slots: Any, value: int) -> tuple[Any, int]:
    """The bytes of the table, and where in them the row for a hash begins."""
    rows = slots.data
    place = ((value & WORD) * len(rows)) >> 64
    while rows[place, VERDICT] != SUSPECT:
        place = (place + 1) & (len(rows) - 1)
    return rows.cast("B"), 8 * SLOT * place
