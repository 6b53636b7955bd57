"""The part of a file that compiled code sees: it moves on over the file, whole records at a time."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
from typing_extensions import override

from tabular.dialect import Dialect
from tabular.fast.layout import PADDING
from tabular.fast.native import kernel
from tabular.fast.outside import OutsideEnvelope

LARGEST_RECORD = 1 << 27
LINE_FEED, LONGEST_CHARACTER = 10, 4


class Window:
    """`text[:length]` begins at the file's offset `base`, goes on for `PADDING` bytes, the first a line feed, and is
    the file's end when it is `final`."""

    def __init__(self, file: BinaryIO, piece: int) -> None:
        self._file, self._piece = file, piece
        self.text: Any = np.zeros(2 * piece + PADDING, np.uint8)
        self.length = self.base = 0
        self.final = False

    def move(self, to: int) -> bool:
        """Lets go of `text[:to]` and reads on; False when all has been seen. Raises OutsideEnvelope and OSError."""
        if self.final:
            return False
        held = self.length - to
        if held > LARGEST_RECORD:
            raise OutsideEnvelope("a record of more than 128 MB")
        text = self.text
        if held + self._piece + PADDING > len(text):
            text = np.zeros(2 * (held + self._piece) + PADDING, np.uint8)
        text[:held] = self.text[to : self.length].copy()
        self.text, self.base = text, self.base + to
        read = self._file.readinto(memoryview(text)[held : held + self._piece])  # type: ignore[attr-defined]
        self.length, self.final = held + read, read == 0
        text[self.length] = LINE_FEED
        return True


class TextWindow(Window):
    """The same over a text that must be UTF-8; `scratch` is as long as `text`."""

    def __init__(self, file: BinaryIO, piece: int) -> None:
        super().__init__(file, piece)
        self.scratch: Any = np.zeros_like(self.text)
        self._whole = 0  # up to where it is known to be

    @override
    def move(self, to: int) -> bool:
        """Raises OutsideEnvelope also for bytes that are not UTF-8."""
        if not super().move(to):
            return False
        if len(self.scratch) < len(self.text):
            self.scratch = np.zeros_like(self.text)
        self._whole, _ = kernel().utf8_until(self.text, max(0, self._whole - to), self.length)
        if self._whole < self.length - (0 if self.final else LONGEST_CHARACTER - 1):
            raise OutsideEnvelope("bytes that are not UTF-8")
        return True


def marks_of(dialect: Dialect) -> Any:
    """The dialect's characters as the compiled passes have them: delimiter, quote, whether there are quotes, whether
    blanks at the start of a cell are dropped. Raises OutsideEnvelope where it needs more than these."""
    delimiter, quote = dialect.delimiter, dialect.quote_char
    if dialect.escape_char or not delimiter.isascii() or not quote.isascii():
        raise OutsideEnvelope("escapes or marks beyond ASCII")
    if any(mark.isalnum() or mark in "+-.:" for mark in quote) or dialect.skip_blank_rows:
        raise OutsideEnvelope("a quote that may stand in values, or blank rows that are none")
    return np.array([ord(delimiter), ord(quote or "\0"), bool(quote), dialect.skip_initial_space], np.uint8)
