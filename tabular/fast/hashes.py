"""Numbers for the bytes of a cell, and whether two cells are the same. Compiled as a part of the kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from tabular.fast.machine import inlined
from tabular.fast.vector import high_product, word_at

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
SHIFT = np.uint64(29)
PRIME = np.uint64(2**61 - 1)
PRIME_BITS, TOP_BITS = np.uint64(61), np.uint64(3)
STEP = 7
"""Bytes of a text that make one coefficient."""


@inlined
def mixed(seed: Any, word: Any) -> Any:
    """Both numbers in one, each step of it reversible: no two words of one seed share a result."""
    value = (np.uint64(seed) ^ np.uint64(word)) * MULTIPLIER
    return value ^ (value >> SHIFT)


@inlined
def hashed(text: Any, start: Any, end: Any, seed: Any) -> Any:
    """A number for the bytes; others may have the same one."""
    value = mixed(seed, end - start)
    at = start
    while at + 8 <= end:
        value = mixed(value, word_at(text, at))
        at += 8
    if at < end:
        rest = np.uint64(8 * (end - at))
        value = mixed(value, word_at(text, at) & ((np.uint64(1) << rest) - np.uint64(1)))
    return value


@inlined
def horner(value: Any, point: Any, coefficient: Any) -> Any:
    """`value * point + coefficient` modulo 2**61 - 1; the coefficient is below 2**61."""
    low, high = value * point, high_product(value, point)
    total = (low & PRIME) + ((low >> PRIME_BITS) | (high << TOP_BITS)) + coefficient
    total = (total & PRIME) + (total >> PRIME_BITS)
    return total - PRIME if total >= PRIME else total


@inlined
def text_pair(text: Any, start: Any, end: Any, seed: Any) -> Any:
    """Two numbers for the bytes: the polynomial whose coefficients are 1, their count and they, at two secret points.

    Texts of n coefficients that differ share both with a probability of at most (n / 2**61) ** 2, whoever wrote them.
    """
    count = np.uint64(end - start)
    one, other = horner(seed[1], seed[1], count), horner(seed[2], seed[2], count)
    at = start
    while at < end:
        bits = np.uint64(8 * min(end - at, STEP))
        word = word_at(text, at) & ((np.uint64(1) << bits) - np.uint64(1))
        one, other = horner(one, seed[1], word), horner(other, seed[2], word)
        at += STEP
    return np.int64(one), np.int64(other)


@inlined
def same(text: Any, start: Any, arena: Any, at: Any, size: Any) -> Any:
    """Whether both hold the same bytes."""
    offset = 0
    while offset + 8 <= size:
        if word_at(text, start + offset) != word_at(arena, at + offset):
            return False
        offset += 8
    if offset == size:
        return True
    difference = word_at(text, start + offset) ^ word_at(arena, at + offset)
    return difference << np.uint64(64 - 8 * (size - offset)) == 0
