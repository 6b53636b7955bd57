"""Where the cells of a record are, for passes that never need a cell as it reads. Compiled as a part of them.

The same rules as in `text`, without a copy of what is written otherwise than it reads.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tabular.fast.layout import WINDOW
from tabular.fast.machine import inlined
from tabular.fast.text import BLANK, CR, INCOMPLETE, LF, PLAIN, next_byte, quoted
from tabular.fast.vector import lowest_bit, stops_in

AS_IS, DOUBLED, STRAY, CUT = 0, 1, 2, 3
"""A cell's value is its span; quotes are doubled in it; text follows its closing quote; its end is not to be seen."""


@inlined
def stop_from(text: Any, at: Any, delimiter: Any) -> Any:
    """The next delimiter or line end; there is a line feed after the last byte."""
    while True:
        stops = stops_in(text, at, delimiter)
        if stops != 0:
            return at + lowest_bit(stops)
        at += WINDOW


@inlined
def quoted_span(text: Any, start: Any, length: Any, final: Any, marks: Any) -> Any:
    """The cell whose opening quote is before `start`: (form, its start and end, where the text goes on)."""
    form, at = AS_IS, start
    while True:
        close = next_byte(text, at, marks[1], length)
        if close >= length or (close + 1 >= length and not final):
            return CUT, start, length, length
        after = text[close + 1]
        is_line_end = np.int64(after) in (LF, CR)
        if close + 1 >= length or after == marks[0] or is_line_end:
            return form, start, close, close + 1
        if after != marks[1]:
            stop = min(stop_from(text, close + 1, marks[0]), length)
            if stop >= length and not final:
                return CUT, start, length, length
            return STRAY, start, stop, stop
        form, at = DOUBLED, close + 2


@inlined
def cell_span(text: Any, at: Any, length: Any, final: Any, marks: Any) -> Any:
    """The cell that begins here: (form, its start and end, where the text goes on)."""
    if marks[3]:
        while at < length and text[at] == BLANK:
            at += 1
    if at >= length and not final:
        return CUT, at, length, length
    if marks[2] and at < length and text[at] == marks[1]:
        return quoted_span(text, at + 1, length, final, marks)
    stop = min(stop_from(text, at, marks[0]), length)
    if stop >= length and not final:
        return CUT, at, length, length
    return AS_IS, at, stop, stop


@inlined
def value_at(text: Any, scratch: Any, at: Any, length: Any, final: Any, marks: Any) -> Any:
    """The cell that begins here as it reads, in the text or the scratch: as `text.cell_at` says."""
    if marks[3]:
        while at < length and text[at] == BLANK:
            at += 1
    if at >= length and not final:
        return INCOMPLETE, 0, 0, 0
    if marks[2] and at < length and text[at] == marks[1]:
        return quoted(text, scratch, at + 1, length, final, marks, True)
    stop = min(stop_from(text, at, marks[0]), length)
    if stop >= length and not final:
        return INCOMPLETE, 0, 0, 0
    return PLAIN, at, stop, stop
