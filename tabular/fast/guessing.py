"""The pass that tells which types the cells of a column have: the rules of `tabular.inference`, compiled by numba."""

from __future__ import annotations

from typing import Any

import numpy as np

from tabular.fast.layout import (
    ANY_KIND,
    FAILED,
    GUESS_FRAME,
    KIND_COUNT,
    PASSED,
    READ,
    READ_BASE,
    READ_HALTED,
    READ_ROWS,
    READ_STATE,
)
from tabular.fast.machine import inlined
from tabular.fast.passing import is_passed_over
from tabular.fast.spans import value_at
from tabular.fast.text import CR, INCOMPLETE, LF, REWRITTEN, UNCLOSED, begins_with, line_end
from tabular.fast.vector import bytes_at, numbers_at, table_at

YEAR, INTEGER, NUMBER, BOOLEAN, DATE, DATETIME, SPACED, TIME = 1, 2, 4, 8, 16, 32, 64, 128
ZERO, NINE, MINUS, PLUS, DOT, COLON = 48, 57, 45, 43, 46, 58
CAPITAL_T, BLANK, ZULU = 84, 32, 90


@inlined
def digits(text: Any, start: Any, end: Any) -> Any:
    """How many digits there are from `start` on."""
    at = start
    while at < end and ZERO <= text[at] <= NINE:
        at += 1
    return at - start


@inlined
def two(text: Any, at: Any) -> Any:
    """The number of two digits, -1 where there are none."""
    if ZERO <= text[at] <= NINE and ZERO <= text[at + 1] <= NINE:
        return np.int64(text[at] - ZERO) * 10 + np.int64(text[at + 1] - ZERO)
    return -1


@inlined
def numeral(text: Any, start: Any, end: Any) -> Any:
    """The types of a cell that is a number: none with leading zeros, or with more digits than a reader keeps."""
    at = start + (text[start] == MINUS)
    whole = digits(text, at, end)
    if whole == 0 or whole > 18 or (whole > 1 and text[at] == ZERO):
        return 0
    is_year = at == start and whole == 4 and 49 <= text[at] <= 50
    at += whole
    if at == end:
        return INTEGER | NUMBER | (YEAR if is_year else 0)
    if text[at] == DOT:
        fraction = digits(text, at + 1, end)
        if fraction == 0 or fraction > 30:
            return 0
        at += 1 + fraction
    if at < end and np.int64(text[at]) in (69, 101):
        at += 1
        if at < end and np.int64(text[at]) in (PLUS, MINUS):
            at += 1
        power = digits(text, at, end)
        if power == 0 or power > 2:
            return 0
        at += power
    return NUMBER if at == end else 0


@inlined
def is_day(text: Any, start: Any) -> Any:
    """Whether ten bytes are a day of the calendar."""
    century, year = two(text, start), two(text, start + 2)
    month, day = two(text, start + 5), two(text, start + 8)
    if century < 0 or year < 0 or text[start + 4] != MINUS or text[start + 7] != MINUS:
        return False
    year += 100 * century
    if year == 0 or month < 1 or month > 12 or day < 1:
        return False
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if month == 2:
        return day <= (29 if is_leap else 28)
    return day <= (30 if np.int64(month) in (4, 6, 9, 11) else 31)


@inlined
def is_clock(text: Any, start: Any) -> Any:
    """Whether eight bytes are a time of the day."""
    if text[start + 2] != COLON or text[start + 5] != COLON:
        return False
    hour, minute, second = two(text, start), two(text, start + 3), two(text, start + 6)
    return 0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60


@inlined
def is_tail(text: Any, start: Any, end: Any) -> Any:
    """Whether a fraction of a second and a zone, or one of them, or nothing, follows."""
    at = start
    if at < end and text[at] == DOT:
        fraction = digits(text, at + 1, end)
        if fraction == 0 or fraction > 6:
            return False
        at += 1 + fraction
    if at < end and text[at] == ZULU:
        at += 1
    elif end - at == 6 and np.int64(text[at]) in (PLUS, MINUS) and text[at + 3] == COLON:
        hours, minutes = two(text, at + 1), two(text, at + 4)
        if hours < 0 or minutes < 0 or 60 * hours + minutes >= 1440:
            return False
        at += 6
    return at == end


@inlined
def word(text: Any, start: Any, end: Any) -> Any:
    """The type of `true` and `false`, in small letters, in capitals, or with one."""
    size = end - start
    if size != 4 and size != 5:
        return 0
    upper = text[start + 1] < 97
    if text[start] >= 97 and upper:
        return 0
    letters = (84, 82, 85, 69, 0) if size == 4 else (70, 65, 76, 83, 69)
    if text[start] & 0xDF != letters[0]:
        return 0
    for offset in range(1, size):
        if text[start + offset] != letters[offset] + (0 if upper else 32):
            return 0
    return BOOLEAN


@inlined
def types_of(text: Any, start: Any, end: Any) -> Any:
    """The types that the cell, which is not blank, passes for: bits in the order of `inference.KINDS`."""
    size, first = end - start, text[start]
    if first == MINUS:
        return numeral(text, start, end)
    if first < ZERO or first > NINE:
        return word(text, start, end)
    if size == 8 and text[start + 2] == COLON:
        return TIME if is_clock(text, start) else 0
    if size < 10 or text[start + 4] != MINUS:
        return numeral(text, start, end)
    if not is_day(text, start):
        return 0
    if size == 10:
        return DATE
    if size < 19 or not is_clock(text, start + 11):
        return 0
    if text[start + 10] == BLANK:
        return SPACED if size == 19 else 0
    return DATETIME if text[start + 10] == CAPITAL_T and is_tail(text, start + 19, end) else 0


@inlined
def note(columns: Any, against: Any, column: Any, types: Any, number: Any, offset: Any) -> None:
    """Works the cell's types into its column; of the first cell against a type, its record is kept."""
    columns[column, PASSED] |= types
    fresh = ANY_KIND & ~types & ~columns[column, FAILED]
    if fresh:
        columns[column, FAILED] |= fresh
        for kind in range(KIND_COUNT):
            if fresh >> kind & 1:
                entry = against[column * KIND_COUNT + kind]
                entry[0], entry[1] = number, offset


@inlined
def guessed(
    text: Any,
    scratch: Any,
    start: Any,
    length: Any,
    final: Any,
    marks: Any,
    comments: Any,
    comment: Any,
    columns: Any,
    against: Any,
    state: Any,
) -> Any:
    """Where the record after this one begins; -1 when its end is not in the buffer. Cells of a record that is read
    again are noted again, which changes nothing."""
    at, width = start, 0
    skipped = is_passed_over(comments, state)
    if text[at] != LF and text[at] != CR:
        while True:
            form, cell, end, at = value_at(text, scratch, at, length, final, marks)
            if form in (INCOMPLETE, UNCLOSED):
                state[READ_HALTED] = final
                return -1
            source = scratch if form == REWRITTEN else text
            if width == 0 and not skipped:
                skipped = begins_with(source, cell, end, comment)
            if not skipped and width < len(columns) and end > cell:
                types = types_of(source, cell, end)
                note(columns, against, width, types, state[READ] + 1, state[READ_BASE] + start)
            width += 1
            if at >= length or text[at] != marks[0]:
                break
            at += 1
    at = line_end(text, at, length, final)
    if at >= 0:
        state[READ] += 1
        state[READ_ROWS] += not skipped
    return at


def guess_types(frame: Any) -> Any:
    """Reads records from `start` while they are whole; returns where the first unread one begins.

    `frame` is the address of: three words each for the text, the scratch, the dialect's marks, numbered comments, what
    a comment begins with, the columns, what speaks against their types, and the state; start, length, whether the file
    ends there.
    """
    at = numbers_at(frame, GUESS_FRAME, 1)
    text, scratch, marks = bytes_at(at[0], at[1], 1), bytes_at(at[3], at[4], 1), bytes_at(at[6], at[7], 1)
    comments, comment = numbers_at(at[9], at[10], 1), bytes_at(at[12], at[13], 1)
    columns, against = table_at(at[15], at[16], at[17]), table_at(at[18], at[19], at[20])
    state = numbers_at(at[21], READ_STATE, 1)
    here, length, final = at[24], at[25], at[26] != 0
    while here < length:
        following = guessed(text, scratch, here, length, final, marks, comments, comment, columns, against, state)
        if following < 0:
            return here
        here = following
    return here
