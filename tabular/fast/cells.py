"""Rules that prove a cell: compiled functions, each accepting a strict subset of what frictionless accepts.

What is not proven is not wrong: it is suspect, and frictionless decides. Only ASCII is read here; positions are bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tabular.fast.hashes import hashed, mixed, same, text_pair
from tabular.fast.layout import (
    ANYTHING,
    AT,
    BOUNDED,
    CALENDAR,
    CHECK,
    CLEAN,
    COLUMN,
    DECIMAL,
    DIGITS,
    EMPTY_IS_NULL,
    ENDS,
    FOREIGN,
    HASH,
    KEYED,
    KIND,
    LENGTH,
    LISTED_FIRST,
    LONGEST,
    LONGEST_LISTED,
    LONGEST_MISSING,
    NO_KEY,
    NULL,
    NULL_CHECK,
    PART,
    PATTERN,
    POINT,
    REQUIRED,
    SHIFTS,
    SHORTCUT,
    SHORTEST,
    SIZE,
    SUSPECT,
    TAG,
    TAIL,
    TEXT,
    VERDICT,
    WHOLE,
    ZONE,
)
from tabular.fast.machine import inlined
from tabular.fast.moments import calendar, zone_after
from tabular.fast.numbers import decimal, decimal_part, is_decimal
from tabular.fast.vector import high_product, item


@inlined
def listed(text: Any, start: Any, end: Any, column: Any, accepts: Any) -> Any:
    """The accept-set's row for a cell of the column, -1 when it is not in it."""
    if end - start > LONGEST_LISTED:
        return -1
    slots = accepts.slots
    value = np.int64(hashed(text, start, end, mixed(accepts.seed[0], column)))
    last = len(slots) - 1
    place = np.int64(high_product(np.uint64(value), np.uint64(len(slots))))  # all bytes count in the upper bits only
    while True:
        slot = slots[np.uint64(place)]
        if slot[VERDICT] == SUSPECT:
            return -1
        is_alike = slot[HASH] == value and slot[COLUMN] == column and slot[SIZE] == end - start
        if is_alike and same(text, start, accepts.arena, slot[AT], end - start):
            return place
        place = (place + 1) & last


@inlined
def matches(text: Any, start: Any, end: Any, first: Any, steps: Any, ends: Any) -> Any:
    """Whether the automaton that begins in the state `first` takes all of the text."""
    state = np.int64(first)
    for at in range(start, end):
        byte = np.int64(item(text, at))
        if byte > 127:
            return False
        state = np.int64(item(steps, state * 128 + byte))
        if state < 0:
            return False
    return item(ends, state) == 1


@inlined
def shifts_match(text: Any, start: Any, end: Any, rule: Any, shifts: Any) -> Any:
    """The same for an automaton of few states: a state is how far the byte's word is to be shifted for the next."""
    state = np.uint64(0)
    for at in range(start, end):
        state = item(shifts, rule[SHIFTS] + np.int64(item(text, at))) >> (state & np.uint64(63))
    return (np.uint64(rule[ENDS]) >> (state & np.uint64(63))) & np.uint64(1) != 0


@inlined
def characters(text: Any, start: Any, end: Any) -> Any:
    """The number of characters of valid UTF-8."""
    count: Any = 0
    for at in range(start, end):
        count += np.int64(item(text, at) & 192 != 128)
    return count


@inlined
def is_long_enough(text: Any, start: Any, end: Any, rule: Any) -> Any:
    """Whether the length is as the rule says. A character has one to four bytes: mostly there is no need to count."""
    size = end - start
    if size >= 4 * rule[SHORTEST] and (rule[LONGEST] < 0 or size <= rule[LONGEST]):
        return True
    if size < rule[SHORTEST]:
        return False
    count = characters(text, start, end)
    return count >= rule[SHORTEST] and (rule[LONGEST] < 0 or count <= rule[LONGEST])


@inlined
def text_fits(text: Any, start: Any, end: Any, rule: Any, plan: Any) -> Any:
    """Whether length and pattern are as the rule says."""
    if not is_long_enough(text, start, end, rule):
        return False
    if rule[SHIFTS] >= 0:
        return shifts_match(text, start, end, rule, plan.shifts)
    return rule[PATTERN] < 0 or matches(text, start, end, rule[PATTERN], plan.steps, plan.ends)


@inlined
def proven(text: Any, start: Any, end: Any, column: Any, plan: Any, seed: Any) -> Any:
    """(verdict, number for the value, its check) by the column's rule alone."""
    rule = plan.columns[np.uint64(column)]
    low, high = plan.low[np.uint64(column)], plan.high[np.uint64(column)]
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
        value = calendar(text, start, end, rule, plan.shapes)
        zone = zone_after(text, start + rule[LENGTH], end, rule[WHOLE]) if rule[TAIL] else 0
        is_whole = value >= 0 and zone >= 0 and (rule[TAIL] or end - start <= rule[LENGTH])
        if is_whole and (not rule[BOUNDED] or (zone == rule[ZONE] and low[0] <= value <= high[0])):
            return CLEAN, value * 2 + zone, rule[TAG]
    return SUSPECT, 0, 0


@inlined
def is_plainly_right(text: Any, start: Any, end: Any, rule: Any) -> Any:
    """Whether the column's shortcut proves a cell: what it does not prove may be right all the same."""
    if rule[SHORTCUT] == ANYTHING:
        return end > start
    return rule[SHORTCUT] == DIGITS and is_decimal(text, start, end, rule)


@inlined
def judged(text: Any, start: Any, end: Any, column: Any, plan: Any, accepts: Any) -> Any:
    """(verdict, number for the value, its check) on a cell. Equal values have equal numbers; null has `NO_KEY`. Checks
    tell apart what has one number, in columns of foreign keys."""
    rule = plan.columns[np.uint64(column)]
    if start == end and rule[EMPTY_IS_NULL]:
        verdict, part, check = NULL, NO_KEY, NULL_CHECK
    else:
        verdict, part, check, place = SUSPECT, 0, 0, -1
        may_be_missing = rule[LISTED_FIRST] and (rule[LISTED_FIRST] >> min(end - start, LONGEST_MISSING)) & 1
        if may_be_missing:
            place = listed(text, start, end, column, accepts)
        if place < 0:
            verdict, part, check = proven(text, start, end, column, plan, accepts.seed)
        if verdict == SUSPECT and not may_be_missing:
            place = listed(text, start, end, column, accepts)
        if place >= 0:
            slot = accepts.slots[place]
            verdict, part, check = slot[VERDICT], slot[PART], slot[CHECK]
    return (SUSPECT if verdict == NULL and rule[REQUIRED] else verdict), part, check
