"""Rules that prove a cell: compiled functions, each accepting a strict subset of what frictionless accepts.

What is not proven is not wrong: it is suspect, and frictionless decides. Only ASCII is read here; positions are bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tabular.fast.layout import (
    AT,
    BOUNDED,
    CALENDAR,
    CHECK,
    CLEAN,
    COLUMN,
    DAY,
    DECIMAL,
    EMPTY_IS_NULL,
    FOREIGN,
    HASH,
    HOUR,
    KEYED,
    KIND,
    LENGTH,
    LISTED_FIRST,
    LISTED_ONLY,
    LITERAL,
    LITERALS,
    LONGEST,
    LONGEST_LISTED,
    MINUTE,
    MONTH,
    NO_KEY,
    NULL,
    NULL_CHECK,
    PART,
    PATTERN,
    POINT,
    REQUIRED,
    SECOND,
    SHORTEST,
    SIZE,
    SUSPECT,
    TAG,
    TAIL,
    TEXT,
    VERDICT,
    WHOLE,
    YEAR,
    ZONE,
)
from tabular.fast.machine import inlined
from tabular.fast.vector import high_product, word_at

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
SHIFT = np.uint64(29)
MOST_DIGITS = 18
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
    for offset in range(size):  # noqa: SIM110 compiled code has no generators
        if text[start + offset] != arena[at + offset]:
            return False
    return True


@inlined
def listed(text: Any, start: Any, end: Any, column: Any, accepts: Any) -> Any:
    """The accept-set's row for a cell of the column, -1 when it is not in it."""
    if end - start > LONGEST_LISTED:
        return -1
    slots = accepts.slots
    value = np.int64(hashed(text, start, end, mixed(accepts.seed[0], column)))
    last = len(slots) - 1
    place = value & last
    while slots[place, VERDICT] != SUSPECT:
        if (
            slots[place, HASH] == value
            and slots[place, COLUMN] == column
            and slots[place, SIZE] == end - start
            and same(text, start, accepts.arena, slots[place, AT], end - start)
        ):
            return place
        place = (place + 1) & last
    return -1


@inlined
def decimal(text: Any, start: Any, end: Any, point: Any) -> Any:
    """`-?digits(.digits)?` of at most 18 digits as (value without its point, digits after it); (0, -1) is no such."""
    negative = end > start and text[start] == 45
    at = start + 1 if negative else start
    if end - at > MOST_DIGITS + 1:
        return 0, -1
    value: Any = 0
    digits, after = 0, -1
    while at < end:
        digit = np.int64(text[at]) - 48
        if 0 <= digit <= 9:
            value = value * 10 + digit
            digits += 1
        elif digit + 48 == point and after < 0 and digits > 0:
            after = digits
        else:
            return 0, -1
        at += 1
    if digits == 0 or digits > MOST_DIGITS or after == digits:
        return 0, -1
    return (-value if negative else value), (digits - after if after >= 0 else 0)


@inlined
def decimal_part(value: Any, scale: Any) -> Any:
    """Two numbers for a decimal's value, the same for 1.5 and 1.50: of an integer itself and 0. No two share both."""
    while scale > 0 and value % 10 == 0:
        value //= 10
        scale -= 1
    return (value if scale == 0 else np.int64(mixed(scale, value))), scale


@inlined
def digits_at(text: Any, at: Any, count: Any) -> Any:
    """The number that so many digits make, -1 when one is none."""
    value: Any = 0
    for offset in range(count):
        digit = np.int64(text[at + offset]) - 48
        if digit < 0 or digit > 9:
            return -1
        value = value * 10 + digit
    return value


@inlined
def month_days(year: Any, month: Any) -> Any:
    """Days in the month."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


@inlined
def moment(year: Any, month: Any, day: Any, hour: Any, minute: Any, second: Any) -> Any:
    """A number that grows with time; no more than that."""
    return ((((year * 13 + month) * 32 + day) * 24 + hour) * 60 + minute) * 60 + second


@inlined
def field_at(text: Any, start: Any, offset: Any, count: Any, otherwise: Any) -> Any:
    """A part of a calendar value; `otherwise` where the format has none."""
    return otherwise if offset < 0 else digits_at(text, start + offset, count)


@inlined
def calendar(text: Any, start: Any, end: Any, rule: Any, literals: Any) -> Any:
    """The moment of a date, time or both, written as the rule says; -1 when it is not."""
    if end - start < rule[LENGTH]:
        return -1
    for index in range(rule[LITERAL], rule[LITERAL] + rule[LITERALS]):
        if text[start + literals[index, 0]] != literals[index, 1]:
            return -1
    year = field_at(text, start, rule[YEAR], 4, 1)
    month = field_at(text, start, rule[MONTH], 2, 1)
    day = field_at(text, start, rule[DAY], 2, 1)
    hour = field_at(text, start, rule[HOUR], 2, 0)
    minute = field_at(text, start, rule[MINUTE], 2, 0)
    second = field_at(text, start, rule[SECOND], 2, 0)
    if year < 1 or month < 1 or month > 12 or day < 1 or day > month_days(year, month):
        return -1
    if hour < 0 or hour > 23 or minute < 0 or minute > 59 or second < 0 or second > 59:
        return -1
    return moment(year, month, day, hour, minute, second)


@inlined
def zone_after(text: Any, at: Any, end: Any, whole: Any) -> Any:
    """What follows a time: 0 nothing, 1 `Z`, 2 a fraction or an offset as well; -1 something else."""
    if at == end:
        return 0
    if at + 1 == end and text[at] == 90:
        return 1
    if whole:
        return -1
    if text[at] == 46:
        first = at + 1
        at = first
        while at < end and 48 <= text[at] <= 57:
            at += 1
        if at == first or at - first > 6:
            return -1
        if at == end or (at + 1 == end and text[at] == 90):
            return 2
    if end - at != 6 or (text[at] != 43 and text[at] != 45) or text[at + 3] != 58:
        return -1
    hours, minutes = digits_at(text, at + 1, 2), digits_at(text, at + 4, 2)
    return 2 if 0 <= hours <= 23 and 0 <= minutes <= 59 else -1


@inlined
def matches(text: Any, start: Any, end: Any, first: Any, steps: Any, ends: Any) -> Any:
    """Whether the automaton that begins in the state `first` takes all of the text."""
    state = np.int64(first)
    for at in range(start, end):
        if text[at] > 127:
            return False
        state = np.int64(steps[state * 128 + text[at]])
        if state < 0:
            return False
    return ends[state] == 1


@inlined
def characters(text: Any, start: Any, end: Any) -> Any:
    """The number of characters of valid UTF-8."""
    count = 0
    for at in range(start, end):
        if text[at] & 192 != 128:
            count += 1
    return count


@inlined
def text_fits(text: Any, start: Any, end: Any, rule: Any, plan: Any) -> Any:
    """Whether length and pattern are as the rule says."""
    if rule[SHORTEST] >= 0 or rule[LONGEST] >= 0:
        count = characters(text, start, end)
        if count < rule[SHORTEST] or (rule[LONGEST] >= 0 and count > rule[LONGEST]):
            return False
    return rule[PATTERN] < 0 or matches(text, start, end, rule[PATTERN], plan.steps, plan.ends)


@inlined
def proven(text: Any, start: Any, end: Any, column: Any, plan: Any, seed: Any) -> Any:
    """(verdict, number for the value, its check) by the column's rule alone."""
    rule = plan.columns[column]
    low, high = plan.low[column], plan.high[column]
    if rule[KIND] == TEXT:
        if text_fits(text, start, end, rule, plan):
            if rule[KEYED] == FOREIGN:
                part, check = text_pair(text, start, end, seed)
                return CLEAN, part, check
            return CLEAN, (np.int64(hashed(text, start, end, seed[0])) if rule[KEYED] else 0), 0
    elif rule[KIND] == DECIMAL:
        value, scale = decimal(text, start, end, rule[POINT])
        if scale >= 0 and low[scale] <= value <= high[scale]:
            if rule[KEYED]:
                part, check = decimal_part(value, scale)
                return CLEAN, part, check
            return CLEAN, 0, 0
    elif rule[KIND] == CALENDAR:
        value = calendar(text, start, end, rule, plan.literals)
        zone = zone_after(text, start + rule[LENGTH], end, rule[WHOLE]) if rule[TAIL] else 0
        is_whole = value >= 0 and zone >= 0 and (rule[TAIL] or end - start == rule[LENGTH])
        if is_whole and (not rule[BOUNDED] or (zone == rule[ZONE] and low[0] <= value <= high[0])):
            return CLEAN, value * 2 + zone, rule[TAG]
    return SUSPECT, 0, 0


@inlined
def judged(text: Any, start: Any, end: Any, column: Any, plan: Any, accepts: Any) -> Any:
    """(verdict, number for the value, its check) on a cell. Equal values have equal numbers; null has `NO_KEY`. Checks
    tell apart what has one number, in columns of foreign keys."""
    rule = plan.columns[column]
    if start == end and rule[EMPTY_IS_NULL]:
        verdict, part, check = NULL, NO_KEY, NULL_CHECK
    else:
        verdict, part, check, place = SUSPECT, 0, 0, -1
        if rule[LISTED_FIRST]:
            place = listed(text, start, end, column, accepts)
        if place < 0:
            verdict, part, check = proven(text, start, end, column, plan, accepts.seed)
        if verdict == SUSPECT and place < 0 and not rule[LISTED_FIRST]:
            place = listed(text, start, end, column, accepts)
        if place >= 0:
            slot = accepts.slots[place]
            verdict, part, check = slot[VERDICT], slot[PART], slot[CHECK]
    return (SUSPECT if verdict == NULL and rule[REQUIRED] else verdict), part, check


__all__ = ["LISTED_ONLY", "decimal_part", "hashed", "horner", "judged", "mixed", "moment", "text_pair"]
