"""A text in UTF-8, made of a file in another encoding piece by piece, as frictionless decodes it."""

from __future__ import annotations

import codecs
import io
import sys
from collections.abc import Generator
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
Pieces = Generator[memoryview, None, None]


class Recoding:
    """One reading of `path` from its beginning; `read` is how many bytes of it were read so far."""

    def __init__(self, path: Path, encoding: str, newline: str | None) -> None:
        self._path, self._encoding, self._newline = path, encoding, newline
        self.read = 0

    def pieces(self) -> Pieces:
        """The text after a byte order mark, the one that a reader drops whatever the text begins with. A piece is good
        until the next is asked for. Raises OSError, and OutsideEnvelope for what is no text."""
        yield memoryview(BOM)
        table = utf8_table(self._encoding) if self._newline == "" else None
        with self._path.open("rb", buffering=0) as file:
            try:
                yield from self._decoded(file) if table is None else self._looked_up(table, file)
            except UnicodeError as error:
                raise OutsideEnvelope(f"bytes that are not {self._encoding}") from error

    def _decoded(self, file: Any) -> Pieces:
        decoder: Any = codecs.getincrementaldecoder(self._encoding)()
        if self._newline is None:
            decoder = io.IncrementalNewlineDecoder(decoder, translate=True)
        while piece := file.read(PIECE):
            self.read += len(piece)
            yield memoryview(decoder.decode(piece).encode())
        yield memoryview(decoder.decode(b"", True).encode())

    def _looked_up(self, table: Any, file: Any) -> Pieces:
        """The same of an encoding that has a table."""
        text, made = np.zeros(PIECE + PADDING, np.uint8), np.zeros(3 * PIECE + PADDING, np.uint8)
        while length := file.readinto(text[:PIECE].data):
            size = kernel().write_utf8(text, table, made, length)
            if size == UNDEFINED:
                raise UnicodeError(self._encoding)
            self.read += length
            yield made[:size].data


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
