"""Whether bytes are UTF-8: as strict as Python's own decoder, many times as fast."""

from __future__ import annotations

from typing import Any

import numpy as np

from tabular.fast.layout import UTF8_FRAME, WINDOW
from tabular.fast.machine import inlined
from tabular.fast.vector import bytes_at, item, lowest_bit, numbers_at, within

ONE, TWO, THREE = np.uint64(1), np.uint64(2), np.uint64(3)
LAST, LAST_TWO, LAST_THREE = (np.uint64((1 << bits) - 1 << 64 - bits) for bits in (1, 2, 3))


@inlined
def follower(text: Any, at: Any, least: Any, most: Any) -> Any:
    """Whether the byte is within bounds."""
    return least <= item(text, at) <= most


@inlined
def sequence(text: Any, at: Any) -> Any:
    """The length of the character that begins with a byte beyond ASCII, 0 where it is none. The bounds of the second
    byte keep out what has a shorter form, surrogates, and what is beyond U+10FFFF."""
    lead = item(text, at)
    if 0xC2 <= lead <= 0xDF:
        return 2 if follower(text, at + 1, 0x80, 0xBF) else 0
    if 0xE0 <= lead <= 0xEF:
        least = 0xA0 if lead == 0xE0 else 0x80
        most = 0x9F if lead == 0xED else 0xBF
        return 3 if follower(text, at + 1, least, most) and follower(text, at + 2, 0x80, 0xBF) else 0
    if 0xF0 <= lead <= 0xF4:
        least = 0x90 if lead == 0xF0 else 0x80
        most = 0x8F if lead == 0xF4 else 0xBF
        is_whole = follower(text, at + 1, least, most) and follower(text, at + 2, 0x80, 0xBF)
        return 4 if is_whole and follower(text, at + 3, 0x80, 0xBF) else 0
    return 0


@inlined
def whole_until(text: Any, at: Any) -> Any:
    """How many of the 64 bytes at `at`, where a character begins, are whole characters as far as can be seen without
    what follows; 0 when one is none. What may come second is told for each lead with less of a choice."""
    beyond = within(text, at, 0x80, 0xFF)
    if beyond == 0:
        return WINDOW
    followers, two = within(text, at, 0x80, 0xBF), within(text, at, 0xC2, 0xDF)
    if beyond == followers | two:  # nothing is longer than two bytes
        if followers != two << ONE:
            return 0
        return WINDOW if two & LAST == 0 else WINDOW - 1
    three, four = within(text, at, 0xE0, 0xEF), within(text, at, 0xF0, 0xF4)
    longer = three | four
    leads = two | longer
    wanted = (leads << ONE) | (longer << TWO) | (four << THREE)
    wrong = (wanted ^ followers) | (beyond ^ leads ^ followers)
    wrong |= (within(text, at, 0xE0, 0xE0) << ONE) & within(text, at, 0x80, 0x9F)
    wrong |= (within(text, at, 0xED, 0xED) << ONE) & within(text, at, 0xA0, 0xBF)
    wrong |= (within(text, at, 0xF0, 0xF0) << ONE) & within(text, at, 0x80, 0x8F)
    wrong |= (within(text, at, 0xF4, 0xF4) << ONE) & within(text, at, 0x90, 0xBF)
    if wrong != 0:
        return 0
    cut = (leads & LAST) | (longer & LAST_TWO) | (four & LAST_THREE)
    return WINDOW if cut == 0 else lowest_bit(cut)


def utf8_until(frame: Any) -> Any:
    """Where the first byte is that is not part of a whole character: `length` where all are.

    `frame` is the address of: the text's address, its size, where to begin, the length, and a word that comes to tell
    whether there is a NUL. After `length` the text goes on
    for `PADDING` bytes that begin with a line feed, so that no character reaches past it.
    """
    arguments = numbers_at(frame, UTF8_FRAME, 1)
    text, at, length = bytes_at(arguments[0], arguments[1], 1), arguments[2], arguments[3]
    nuls: Any = np.uint64(0)
    while at < length:
        size = whole_until(text, at)
        if size == 0:
            break
        nuls |= within(text, at, 0, 0)
        at += size
    while at < length:
        size = 1 if item(text, at) < 0x80 else sequence(text, at)
        if size == 0:
            break
        nuls |= np.uint64(item(text, at) == 0)
        at += size
    arguments[4] = nuls != 0
    return min(at, length)
