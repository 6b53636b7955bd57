"""A text in UTF-8, made of a file in another encoding as it is read, and as frictionless decodes it."""

from __future__ import annotations

import codecs
import io
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tabular.fast.layout import PADDING, SIZE_BITS, UNDEFINED
from tabular.fast.native import kernel
from tabular.fast.outside import OutsideEnvelope

BOM = b"\xef\xbb\xbf"
PIECE = 1 << 18
ASCII = "".join(map(chr, range(128)))
NO_CHARACTER = "\ufffe"
"""In tables of Python's encodings, for a byte that is none."""
WORD = 8
"""Bytes that are written at a time, so that the last may be followed by as many."""
LEAST = 3 + WORD
"""Bytes of a buffer in which there is room for any character."""


class RecodedSource:
    """The text of `path` after a byte order mark, one that a reader drops whatever the text begins with: made UTF-8 as
    it is read, by the thread that reads. Another one would be the third for two processors, beside the pass and the
    hashing. `size` is how many bytes of the file were read so far."""

    def __init__(self, path: Path, encoding: str, newline: str | None, largest: int) -> None:
        self.size, self.piece = 0, max(largest, LEAST)
        self._encoding, self._file = encoding, path.open("rb", buffering=0)
        self._table = utf8_table(encoding) if newline == "" else None
        self._decoder: Any = codecs.getincrementaldecoder(encoding)()
        if newline is None:
            self._decoder = io.IncrementalNewlineDecoder(self._decoder, translate=True)
        self._text = np.zeros(PIECE + PADDING, np.uint8)
        self._left = memoryview(BOM)
        self._ended = False

    def read_into(self, buffer: Any) -> int:
        """The next bytes of the text; how many, 0 at the end. Raises OSError, and OutsideEnvelope for what is no text
        or a buffer of fewer than LEAST bytes."""
        room = memoryview(buffer)
        if len(room) < LEAST:
            raise OutsideEnvelope("a record of more than 128 MB")
        try:
            if self._table is not None and not self._left:
                return self._look_up(np.frombuffer(room, np.uint8), self._table)
            while not self._left and not self._ended:
                self._left = memoryview(self._decoded())
        except UnicodeError as error:
            raise OutsideEnvelope(f"bytes that are not {self._encoding}") from error
        length = min(len(room), len(self._left))
        room[:length], self._left = self._left[:length], self._left[length:]
        return length

    def _decoded(self) -> bytes:
        length = self._next(PIECE)
        self._ended = length == 0
        text: str = self._decoder.decode(bytes(self._text[:length]), self._ended)
        return text.encode()

    def _look_up(self, out: Any, table: Any) -> int:
        """The same of an encoding that has a table, a piece at a time: each fits whatever its bytes stand for."""
        made, least = 0, min(PIECE, (len(out) - WORD) // 3) // 8
        while (most := min(PIECE, (len(out) - made - WORD) // 3)) > least and (length := self._next(most)):
            size = kernel().write_utf8(self._text, table, out[made:], length)
            if size == UNDEFINED:
                raise UnicodeError(self._encoding)
            made += size
        return made

    def _next(self, most: int) -> int:
        length = self._file.readinto(self._text[:most].data)
        self.size += length
        return length

    def finish(self) -> None:
        """What comes after the last row that matters must be text too."""
        buffer = bytearray(3 * PIECE)
        while self.read_into(buffer):
            pass

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


@cache
def utf8_table(encoding: str) -> Any:
    """What `transcoding` needs to know of an encoding of Python's that has one byte for each character, the same as
    ASCII in its lower half; None for any other."""
    name = codecs.lookup(encoding).name
    if name == "iso8859-1":
        characters = "".join(map(chr, range(256)))
    else:
        module = sys.modules.get(f"encodings.{name.replace('-', '_')}")
        characters = getattr(module, "decoding_table", "")
    if len(characters) != 256 or not characters.startswith(ASCII):
        return None
    codes = [character.encode() if character != NO_CHARACTER else b"" for character in characters]
    numbers = [int.from_bytes(code, "little") | len(code) << SIZE_BITS if code else UNDEFINED for code in codes]
    return np.array(numbers, np.int64)
