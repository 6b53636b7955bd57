"""The pass that writes a table's records anew as canonical CSV, as Python's `csv.writer` would. Compiled by numba."""

from __future__ import annotations

from typing import Any

from tabular.fast.layout import READ, READ_HALTED, READ_ROWS, READ_STATE, READ_WRITTEN, WRITE_FRAME
from tabular.fast.machine import inlined
from tabular.fast.passing import is_passed_over
from tabular.fast.spans import value_at
from tabular.fast.text import CR, INCOMPLETE, LF, REWRITTEN, UNCLOSED, begins_with, line_end
from tabular.fast.vector import bytes_at, numbers_at

COMMA, QUOTE = 44, 34


@inlined
def put_quoted(source: Any, start: Any, end: Any, out: Any, to: Any) -> Any:
    """Writes the cell in quotes; where it ends."""
    out[to] = QUOTE
    to += 1
    for at in range(start, end):
        if source[at] == QUOTE:
            out[to] = QUOTE
            to += 1
        out[to] = source[at]
        to += 1
    out[to] = QUOTE
    return to + 1


@inlined
def put(source: Any, start: Any, end: Any, out: Any, to: Any) -> Any:
    """Writes the cell, in quotes where it needs them; where it ends."""
    needs = 0
    for offset in range(end - start):
        byte = source[start + offset]
        out[to + offset] = byte
        needs |= (byte == COMMA) | (byte == QUOTE) | (byte == LF) | (byte == CR)
    return put_quoted(source, start, end, out, to) if needs else to + (end - start)


@inlined
def end_line(out: Any, to: Any, width: Any, begun: Any) -> Any:
    """Writes the record's end; a single empty cell is written as quotes, for a blank line would be no cell."""
    if width == 1 and to == begun:
        out[to], out[to + 1] = QUOTE, QUOTE
        to += 2
    out[to], out[to + 1] = CR, LF
    return to + 2


@inlined
def rewritten(
    text: Any,
    scratch: Any,
    start: Any,
    length: Any,
    final: Any,
    marks: Any,
    comments: Any,
    comment: Any,
    out: Any,
    state: Any,
) -> Any:
    """Where the record after this one begins; -1 when its end is not in the buffer, and then nothing is written."""
    at, width, begun = start, 0, state[READ_WRITTEN]
    to = begun
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
            if not skipped:
                if width:
                    out[to] = COMMA
                    to += 1
                to = put(source, cell, end, out, to)
            width += 1
            if at >= length or text[at] != marks[0]:
                break
            at += 1
    at = line_end(text, at, length, final)
    if at >= 0:
        state[READ] += 1
        if not skipped:
            state[READ_ROWS] += 1
            state[READ_WRITTEN] = end_line(out, to, width, begun)
    return at


def rewrite_records(frame: Any) -> Any:
    """Reads records from the start while they are whole, and writes those that are data; returns where the first unread
    one begins. `out` has room for `GROWTH` times the text and a little.

    `frame` is the address of: three words each for the text, the scratch, the dialect's marks, numbered comments, what
    a comment begins with, the output, and the state; start, length, whether the file ends there.
    """
    at = numbers_at(frame, WRITE_FRAME, 1)
    text, scratch, marks = bytes_at(at[0], at[1], 1), bytes_at(at[3], at[4], 1), bytes_at(at[6], at[7], 1)
    comments, comment = numbers_at(at[9], at[10], 1), bytes_at(at[12], at[13], 1)
    out, state = bytes_at(at[15], at[16], 1), numbers_at(at[18], READ_STATE, 1)
    here, length, final = at[21], at[22], at[23] != 0
    while here < length:
        following = rewritten(text, scratch, here, length, final, marks, comments, comment, out, state)
        if following < 0:
            return here
        here = following
    return here
