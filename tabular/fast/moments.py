"""Dates and times as cells have them: positions are known beforehand. Compiled as a part of the kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from tabular.fast.layout import DAY, HOUR, LANES, LENGTH, MINUTE, MONTH, SECOND, SHAPE, UNPADDED, YEAR
from tabular.fast.machine import inlined
from tabular.fast.numbers import digits_at
from tabular.fast.vector import is_shaped, item


@inlined
def month_days(year: Any, month: Any) -> Any:
    """Days in the month, worked out without a question: months are too many to be foreseen."""
    is_leap = np.int64(year % 4 == 0) & (np.int64(year % 100 != 0) | np.int64(year % 400 == 0))
    return 30 + ((month ^ (month >> 3)) & 1) - np.int64(month == 2) * (2 - is_leap)


@inlined
def moment(year: Any, month: Any, day: Any, hour: Any, minute: Any, second: Any) -> Any:
    """A number that grows with time; no more than that."""
    return ((((year * 13 + month) * 32 + day) * 24 + hour) * 60 + minute) * 60 + second


@inlined
def part_at(text: Any, start: Any, offset: Any, otherwise: Any) -> Any:
    """Two digits of a calendar value, which are known to be digits; `otherwise` where the format has none."""
    if offset < 0:
        return np.int64(otherwise)
    at = start + offset
    return np.int64(item(text, at)) * 10 + np.int64(item(text, at + 1)) - 11 * 48


@inlined
def on_the_calendar(year: Any, month: Any, day: Any, hour: Any, minute: Any, second: Any) -> Any:
    """The moment, or -1 where there is no such day or time."""
    is_day = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
    if day > 28:
        is_day &= day <= month_days(year, month)
    if is_day & (hour <= 23) & (minute <= 59) & (second <= 59):
        return moment(year, month, day, hour, minute, second)
    return np.int64(-1)


@inlined
def calendar(text: Any, start: Any, end: Any, rule: Any, shapes: Any) -> Any:
    """The moment of a date, time or both, written as the rule says; -1 when it is not."""
    if end - start < rule[LENGTH]:
        return unpadded(text, start, end, rule, shapes) if rule[UNPADDED] else np.int64(-1)
    if not is_shaped(text, start, shapes, rule[SHAPE]):
        return np.int64(-1)
    year: Any = np.int64(1)
    if rule[YEAR] >= 0:
        year = part_at(text, start, rule[YEAR], 0) * 100 + part_at(text, start, rule[YEAR] + 2, 0)
    month, day = part_at(text, start, rule[MONTH], 1), part_at(text, start, rule[DAY], 1)
    hour, minute = part_at(text, start, rule[HOUR], 0), part_at(text, start, rule[MINUTE], 0)
    return on_the_calendar(year, month, day, hour, minute, part_at(text, start, rule[SECOND], 0))


@inlined
def number_at(text: Any, start: Any, end: Any, width: Any) -> Any:
    """(The number of at most so many digits, where they end)."""
    at, value = np.int64(start), np.int64(0)
    while at < end and at < start + width and 48 <= item(text, at) <= 57:
        value, at = value * 10 + np.int64(item(text, at)) - 48, at + 1
    return value, at


@inlined
def unpadded(text: Any, start: Any, end: Any, rule: Any, shapes: Any) -> Any:
    """The moment of what is written as the rule says, but for parts of two digits that have one: `strptime` takes
    `2026-1-5` for `%Y-%m-%d`. -1 when it is not."""
    year = month = day = np.int64(1)
    hour = minute = second = np.int64(0)
    at, place = np.int64(start), np.int64(0)
    while place < rule[LENGTH]:
        if item(shapes, rule[SHAPE] + LANES + place) == 0:
            if at >= end or item(text, at) != item(shapes, rule[SHAPE] + place):
                return np.int64(-1)
            at, place = at + 1, place + 1
            continue
        width = 4 if place == rule[YEAR] else 2
        value, after = number_at(text, at, end, width)
        if after == at or (width == 4 and after < at + 4):
            return np.int64(-1)
        if place == rule[YEAR]:
            year = value
        elif place == rule[MONTH]:
            month = value
        elif place == rule[DAY]:
            day = value
        elif place == rule[HOUR]:
            hour = value
        elif place == rule[MINUTE]:
            minute = value
        else:
            second = value
        at, place = after, place + width
    return on_the_calendar(year, month, day, hour, minute, second) if at == end else np.int64(-1)


@inlined
def zone_after(text: Any, at: Any, end: Any, whole: Any) -> Any:
    """What follows a time: 0 nothing, 1 `Z`, 2 a fraction or an offset as well; -1 something else."""
    if at == end:
        return 0
    if at + 1 == end and item(text, at) == 90:
        return 1
    if whole:
        return -1
    if item(text, at) == 46:
        first = at + 1
        at = first
        while at < end and 48 <= item(text, at) <= 57:
            at += 1
        if at == first or at - first > 6:
            return -1
        if at == end or (at + 1 == end and item(text, at) == 90):
            return 2
    if end - at != 6 or (item(text, at) != 43 and item(text, at) != 45) or item(text, at + 3) != 58:
        return -1
    hours, minutes = digits_at(text, at + 1, 2), digits_at(text, at + 4, 2)
    return 2 if 0 <= hours <= 23 and 0 <= minutes <= 59 else -1
