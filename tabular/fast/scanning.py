"""The pass that counts records and stops at the first that no reader should be given. Compiled by numba."""

from __future__ import annotations

from typing import Any

import numpy as np

from tabular.fast.layout import (
    COUNTED,
    COUNTED_STATE,
    FIRST_SLIP,
    HALTED,
    LARGEST_CELL,
    LARGEST_ROW,
    MOST_COLUMNS,
    SCAN_FRAME,
    SLIPS,
)
from tabular.fast.machine import inlined
from tabular.fast.spans import CUT, STRAY, cell_span
from tabular.fast.text import CR, LF, line_end
from tabular.fast.vector import bytes_at, numbers_at

MORE, HALT = -1, -2


@inlined
def has_line_end(text: Any, start: Any, end: Any) -> Any:
    """Whether there is one in between."""
    for at in range(start, end):  # noqa: SIM110 compiled code has no generators
        if np.int64(text[at]) in (LF, CR):
            return True
    return False


@inlined
def measured(text: Any, start: Any, length: Any, final: Any, marks: Any, state: Any) -> Any:
    """(how many cells the record has, whether text follows a closing quote in it, where its line ends); `MORE` or
    `HALT` in place of the first."""
    at, width, slips = start, 0, 0
    while True:
        form, cell, end, at = cell_span(text, at, length, final, marks)
        if form == CUT:
            return (HALT if final or length - start > state[LARGEST_ROW] else MORE), slips, at
        if form == STRAY:
            slips = 1
        if end - cell > state[LARGEST_CELL] or (form == STRAY and has_line_end(text, start, end)):
            return HALT, slips, at
        width += 1
        if at >= length or text[at] != marks[0]:
            return width, slips, at
        at += 1


@inlined
def counted(text: Any, start: Any, length: Any, final: Any, marks: Any, state: Any) -> Any:
    """Where the record after this one begins; `MORE` when its end is not in the buffer, `HALT` when it may be one that
    readers should not be given."""
    at, width, slips = start, 0, 0
    if text[at] != LF and text[at] != CR:
        width, slips, at = measured(text, at, length, final, marks, state)
        if width < 0:
            return width
    at = line_end(text, at, length, final)
    if at < 0:
        return MORE
    if width > state[MOST_COLUMNS] or at - start > state[LARGEST_ROW]:
        return HALT
    state[COUNTED] += 1
    if slips:
        state[SLIPS] += 1
        if state[FIRST_SLIP] == 0:
            state[FIRST_SLIP] = state[COUNTED]
    return at


def count_records(frame: Any) -> Any:
    """Counts records from `start` while they are whole and harmless; returns where the first other one begins, and
    `HALTED` in the state says whether it may be harmful.

    `frame` is the address of: three words each for the text, the dialect's marks and the state; start, length, whether
    the file ends there.
    """
    at = numbers_at(frame, SCAN_FRAME, 1)
    text, marks, state = bytes_at(at[0], at[1], 1), bytes_at(at[3], at[4], 1), numbers_at(at[6], COUNTED_STATE, 1)
    here, length, final = at[9], at[10], at[11] != 0
    while here < length:
        following = counted(text, here, length, final, marks, state)
        if following < 0:
            state[HALTED] = following == HALT
            return here
        here = following
    return here
