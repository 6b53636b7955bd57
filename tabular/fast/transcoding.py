"""UTF-8 of text in an encoding of one byte for each character, ASCII by the word. Compiled by numba."""

from __future__ import annotations

from typing import Any

import numpy as np

from tabular.fast.layout import SIZE_BITS, TRANSCODE_FRAME, UNDEFINED, WINDOW
from tabular.fast.vector import bytes_at, item, lowest_bit, numbers_at, put_word, within, word_at

ONE = np.uint64(1)


def write_utf8(frame: Any) -> Any:
    """Writes the text to `out`, which has room for three times its length and eight; how many bytes it has there, or
    `UNDEFINED` where a byte is no character.

    `frame` is the address of: three words each for the text, which goes on for `PADDING` bytes, the encoding's table
    (each byte's UTF-8 as a number, its length above `SIZE_BITS`; `UNDEFINED` for none), the output; the length.
    """
    at = numbers_at(frame, TRANSCODE_FRAME, 1)
    text, table, out = bytes_at(at[0], at[1], 1), numbers_at(at[3], at[4], 1), bytes_at(at[6], at[7], 1)
    length, here, size = at[9], np.int64(0), np.int64(0)
    while here < length:
        beyond: Any = within(text, here, 0x80, 0xFF)
        first, end = here, min(here + WINDOW, length)
        while True:
            stop = min(first + lowest_bit(beyond), end) if beyond != 0 else end
            for offset in range(0, stop - here, 8):
                put_word(out, size + offset, word_at(text, here + offset))
            here, size = stop, size + stop - here
            if stop == end:
                break
            code = item(table, np.int64(item(text, here)))
            if code < 0:
                return np.int64(UNDEFINED)
            put_word(out, size, np.uint64(code))
            here, size = here + 1, size + (code >> SIZE_BITS)
            beyond &= beyond - ONE
    return size
