"""Cells and line ends of a CSV, as Python's `csv` finds them. Compiled as a part of the kernel.

`csv` is given lines that end in LF, CR or CRLF, so outside quotes each of these ends a record, and a blank line is one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tabular.fast.layout import ANYTHING, LANES, SHORTCUT, WINDOW
from tabular.fast.machine import inlined
from tabular.fast.vector import byte_in, item, lowest_bit, put_word, stops_in, word_at

LF, CR, BLANK = 10, 13, 32
PLAIN, REWRITTEN, UNCLOSED, INCOMPLETE = 0, 1, 2, 3
"""Where a cell's value is: in the buffer, in the scratch; its quote is still open at the end; there is more to come."""


@inlined
def moved(text: Any, at: Any, base: Any, stops: Any, delimiter: Any) -> Any:
    """(base, stops) of a window without the stops before `at`; another window where that is outside of it."""
    if at - base < WINDOW:
        return base, stops >> np.uint64(at - base) << np.uint64(at - base)
    return at, stops_in(text, at, delimiter)


@inlined
def next_stop(text: Any, base: Any, stops: Any, delimiter: Any) -> Any:
    """(the next delimiter or line end, base, stops after it); there is a line feed after the last byte."""
    while stops == 0:
        base += WINDOW
        stops = stops_in(text, base, delimiter)
    return base + lowest_bit(stops), base, stops & (stops - np.uint64(1))


@inlined
def next_byte(text: Any, at: Any, byte: Any, length: Any) -> Any:
    """The next such byte, `length` when there is none."""
    while at < length:
        step = byte_in(text, at, byte)
        if step < LANES:
            return min(at + step, length)
        at += LANES
    return length


@inlined
def copied(text: Any, start: Any, end: Any, scratch: Any, size: Any) -> Any:
    """Puts the bytes after the `size` ones that are there, and up to a word of others after them; how many there are
    then. What is put is never longer than what it is made of, so there is room."""
    for offset in range(0, end - start, 8):
        put_word(scratch, size + offset, word_at(text, start + offset))
    return size + end - start


@inlined
def text_until(text: Any, at: Any, length: Any, delimiter: Any) -> Any:
    """The next delimiter or line end, `length` when there is none: of text that is rare, a byte at a time."""
    while at < length and item(text, at) != delimiter and item(text, at) != LF and item(text, at) != CR:
        at += 1
    return at


@inlined
def quoted(text: Any, scratch: Any, start: Any, length: Any, final: Any, marks: Any, wanted: Any) -> Any:
    """A cell whose opening quote is before `start`: (form, its start and end, where the text goes on). One that is not
    `wanted` is not put into the scratch."""
    delimiter, quote = marks[0], marks[1]
    first, size = start, 0
    while True:
        close = next_byte(text, first, quote, length)
        if close >= length:
            return (UNCLOSED if final else INCOMPLETE), start, length, length
        if close + 1 >= length and not final:
            return INCOMPLETE, 0, 0, 0
        after = text[close + 1]
        is_line_end = np.int64(after) in (LF, CR)
        is_end = close + 1 >= length or after == delimiter or is_line_end
        if is_end and first == start and size == 0:
            return PLAIN, start, close, close + 1
        size = copied(text, first, close, scratch, size) if wanted else size + close - first
        if is_end:
            return REWRITTEN, 0, size, close + 1
        if after != quote:  # text after the closing quote belongs to the cell, further quotes to the text
            stop = text_until(text, close + 1, length, delimiter)
            if stop >= length and not final:
                return INCOMPLETE, 0, 0, 0
            size = copied(text, close + 1, stop, scratch, size) if wanted else size + stop - close - 1
            return REWRITTEN, 0, size, stop
        if wanted:
            scratch[size] = quote
        size += 1
        first = close + 2


@inlined
def is_wanted(plan: Any, column: Any) -> Any:
    """Whether it matters how a cell reads, and not only whether it is empty."""
    return len(plan.comment) > 0 or column >= len(plan.columns) or plan.columns[column, SHORTCUT] != ANYTHING


@inlined
def cell_at(
    text: Any, scratch: Any, at: Any, length: Any, final: Any, plan: Any, column: Any, base: Any, stops: Any
) -> Any:
    """The cell that begins here: (form, its start and end, where the text goes on, base, stops). The `stops` are the
    delimiters and line ends of the 64 bytes at `base`, bit by bit, without those before `at`. At the end of the text is
    a line feed."""
    marks = plan.marks
    if marks[3]:
        while at < length and item(text, at) == BLANK:
            at += 1
        base, stops = moved(text, at, base, stops, marks[0])
    if item(text, at) == marks[1] and marks[2] and at < length:
        form, cell, end, at = quoted(text, scratch, at + 1, length, final, marks, is_wanted(plan, column))
        base, stops = moved(text, at, base, stops, marks[0])
        return form, cell, end, at, base, stops & (stops - np.uint64(1))
    stop, base, stops = next_stop(text, base, stops, marks[0])
    if stop >= length:
        if not final:
            return INCOMPLETE, 0, 0, 0, base, stops
        stop = length
    return PLAIN, at, stop, stop, base, stops


@inlined
def line_end(text: Any, at: Any, length: Any, final: Any) -> Any:
    """Where the next record begins, -1 when that is not known yet: a CR may be followed by a LF."""
    if at >= length:
        return length
    if item(text, at) == LF:
        return at + 1
    if at + 1 >= length:
        return length if final else -1
    return at + 2 if item(text, at + 1) == LF else at + 1


@inlined
def begins_with(text: Any, start: Any, end: Any, comment: Any) -> Any:
    """Whether the cell begins as a comment does; without such a beginning none does."""
    if len(comment) == 0 or end - start < len(comment):
        return False
    for offset in range(len(comment)):  # noqa: SIM110 compiled code has no generators
        if text[start + offset] != comment[offset]:
            return False
    return True
