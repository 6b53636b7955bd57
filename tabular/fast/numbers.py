"""Numbers as cells have them, read eight digits at a time. Compiled as a part of the kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from tabular.fast.hashes import mixed
from tabular.fast.layout import BELOW_ZERO, POINT, WITHIN
from tabular.fast.machine import inlined
from tabular.fast.vector import byte_in, digits_in, item, lowest_bit, power_of_ten, word_at

MOST_DIGITS = 18
ZEROS, ABOVE_NINE, TOP_BITS = (np.uint64(0x0101010101010101 * byte) for byte in (0x30, 0x76, 0x80))
PAIRS, FOURS, EIGHTS = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0000FFFF0000FFFF), np.uint64(0xFFFFFFFF)


@inlined
def eight(word: Any, count: Any) -> Any:
    """The number that the first `count` bytes make as digits, 1 to 8; -1 when one is none. All at once: neighbours
    become numbers of two digits, these of four, these of eight."""
    blank = np.uint64(8 * count - 8)  # in two steps, for no word can be shifted by all of its bits
    digits = ((word << (np.uint64(56) - blank)) | (ZEROS >> blank >> np.uint64(8))) ^ ZEROS
    if (digits | (digits + ABOVE_NINE)) & TOP_BITS != 0:
        return np.int64(-1)
    digits = (digits * np.uint64(10) + (digits >> np.uint64(8))) & PAIRS
    digits = (digits * np.uint64(100) + (digits >> np.uint64(16))) & FOURS
    digits = (digits * np.uint64(10_000) + (digits >> np.uint64(32))) & EIGHTS
    return np.int64(digits)


@inlined
def whole(text: Any, start: Any, end: Any) -> Any:
    """The number that 1 to 18 bytes make as digits; -1 when one is none."""
    value, at = np.int64(0), start
    while end - at > 8:
        part = eight(word_at(text, at), 8)
        if part < 0:
            return np.int64(-1)
        value = value * 100_000_000 + part
        at += 8
    part = eight(word_at(text, at), end - at)
    return np.int64(-1) if part < 0 else value * power_of_ten(end - at) + part


@inlined
def decimal(text: Any, start: Any, end: Any, point: Any) -> Any:
    """`-?digits(.digits)?` of at most 18 digits as (value without its point, digits after it); (0, -1) is no such."""
    if end == start or end - start > MOST_DIGITS + 2:
        return 0, -1
    negative = item(text, start) == 45
    at = start + 1 if negative else start
    size = end - at
    before = byte_in(text, at, np.uint8(point)) if point >= 0 else size
    if before < size:
        after = size - before - 1
        if before == 0 or after == 0 or size > MOST_DIGITS + 1:
            return 0, -1
        ahead, behind = whole(text, at, at + before), whole(text, end - after, end)
        value = -1 if ahead < 0 or behind < 0 else ahead * power_of_ten(after) + behind
    else:
        after = 0
        value = whole(text, at, end) if 0 < size <= MOST_DIGITS else -1
    if value < 0:
        return 0, -1
    return (-value if negative else value), after


@inlined
def is_decimal(text: Any, start: Any, end: Any, rule: Any) -> Any:
    """Whether it looks like what `decimal` takes, with so few digits before the point that it is within the bounds."""
    negative = item(text, start) == 45
    at = start + 1 if negative else start
    most = rule[BELOW_ZERO] if negative else rule[WITHIN]
    size = end - at
    if size < 1 or size > MOST_DIGITS:
        return False
    others = ~digits_in(text, at) & ((np.uint64(1) << np.uint64(size)) - np.uint64(1))
    if others == 0:
        return size <= most
    before = lowest_bit(others)
    is_alone = (others & (others - np.uint64(1))) == 0 and np.int64(item(text, at + before)) == rule[POINT]
    return is_alone and 0 < before <= most and before < size - 1


@inlined
def decimal_part(value: Any, scale: Any) -> Any:
    """Two numbers for a decimal's value, the same for 1.5 and 1.50: of an integer itself and 0. No two share both."""
    while scale > 0 and value % 10 == 0:
        value //= 10
        scale -= 1
    return (value if scale == 0 else np.int64(mixed(mixed(0, scale), value))), scale


@inlined
def digits_at(text: Any, at: Any, count: Any) -> Any:
    """The number that so many digits make, -1 when one is none."""
    value: Any = 0
    for offset in range(count):
        digit = np.int64(item(text, at + offset)) - 48
        if digit < 0 or digit > 9:
            return -1
        value = value * 10 + digit
    return value
