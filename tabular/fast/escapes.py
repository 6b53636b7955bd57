"""Cells of a CSV whose dialect has an escape character, byte by byte as Python's `csv` goes. Compiled into the kernel.

An escape character takes the next byte as it is, a line end too: the record then goes on. What is odd even so (nothing
after the character, a record that ends in quotes) makes the record one that is `UNCLOSED`: for Python to read.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tabular.fast.machine import inlined
from tabular.fast.text import BLANK, CR, INCOMPLETE, LF, REWRITTEN, UNCLOSED, cell_at

PLAINLY, IN_QUOTES, AFTER_QUOTE = 0, 1, 2


@inlined
def stepped(state: Any, byte: Any, marks: Any) -> Any:
    """(the state after a byte that neither ends the cell nor is escaped, whether it is part of the cell)"""
    is_quote = marks[2] != 0 and byte == marks[1]
    if state == IN_QUOTES and is_quote:
        return (AFTER_QUOTE if marks[6] else PLAINLY), False
    if state == AFTER_QUOTE:
        return (IN_QUOTES if is_quote else PLAINLY), True
    return state, True


@inlined
def escaped_cell_at(text: Any, scratch: Any, at: Any, length: Any, final: Any, marks: Any) -> Any:
    """The cell that begins here: (form, its start and end in the scratch, where the text goes on)."""
    if marks[3]:
        while at < length and text[at] == BLANK:
            at += 1
    state, size = PLAINLY, 0
    if marks[2] and at < length and text[at] == marks[1]:
        state, at = IN_QUOTES, at + 1
    while at < length:
        byte, is_part = np.int64(text[at]), True
        if byte == marks[5] and state != AFTER_QUOTE:
            at += 1
            if at >= length:
                break
        elif state != IN_QUOTES and (byte == marks[0] or byte in (LF, CR)):
            return REWRITTEN, 0, size, at
        else:
            state, is_part = stepped(state, byte, marks)
        if is_part:
            scratch[size] = text[at]
            size += 1
        at += 1
    if not final:
        return INCOMPLETE, 0, 0, 0
    is_open = state == IN_QUOTES or text[length - 1] == marks[5]
    return (UNCLOSED if is_open else REWRITTEN), 0, size, length


@inlined
def any_cell_at(
    text: Any, scratch: Any, at: Any, length: Any, final: Any, plan: Any, column: Any, base: Any, stops: Any
) -> Any:
    """What `text.cell_at` gives, in any dialect; here, no use is made of the stops."""
    if plan.marks[5]:
        form, cell, end, at = escaped_cell_at(text, scratch, at, length, final, plan.marks)
        return form, cell, end, at, base, stops
    return cell_at(text, scratch, at, length, final, plan, column, base, stops)
