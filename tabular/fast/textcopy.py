"""A copy of a text in UTF-8, made by a thread of its own while others read it."""

from __future__ import annotations

import codecs
import io
import sys
import threading
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


class TextCopy:
    """The text of `path` as frictionless decodes it, at `destination`; it begins with a byte order mark."""

    def __init__(self, path: Path, encoding: str, newline: str | None, destination: Path) -> None:
        self._path, self._encoding, self._newline, self._destination = path, encoding, newline, destination
        self._changed = threading.Condition()
        self._read = self._written = 0
        self._ended = self._stopped = False
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def at_least(self, size: int) -> int:
        """Waits until so many bytes are written, or all are; how many are. Raises as `finish` does."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._written >= size)
            self._check()
            return self._written

    def finish(self) -> int:
        """Waits for the end; how many bytes the file has. Raises OSError, and OutsideEnvelope for what is no text."""
        self._thread.join()
        self._check()
        return self._read

    def close(self) -> None:
        """What is not copied by now never is."""
        self._stopped = True
        self._thread.join()

    def _check(self) -> None:
        if isinstance(self._failure, UnicodeError):
            raise OutsideEnvelope(f"bytes that are not {self._encoding}") from self._failure
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            self._copy()
        except Exception as error:  # whatever it is, a reader that waits for more is told
            self._failure = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _copy(self) -> None:
        table = utf8_table(self._encoding) if self._newline == "" else None
        with self._path.open("rb", buffering=0) as file, self._destination.open("wb", buffering=0) as out:
            self._write(out, BOM)  # whatever the text begins with, the mark that a reader drops is this one
            if table is not None:
                self._copy_by(table, file, out)
            else:
                self._decode(file, out)

    def _decode(self, file: Any, out: Any) -> None:
        decoder: Any = codecs.getincrementaldecoder(self._encoding)()
        if self._newline is None:
            decoder = io.IncrementalNewlineDecoder(decoder, translate=True)
        while (piece := file.read(PIECE)) and not self._stopped:
            self._read += len(piece)
            self._write(out, decoder.decode(piece).encode())
        self._write(out, decoder.decode(b"", True).encode())

    def _copy_by(self, table: Any, file: Any, out: Any) -> None:
        """The same of an encoding that has a table."""
        text, made = np.zeros(PIECE + PADDING, np.uint8), np.zeros(3 * PIECE + PADDING, np.uint8)
        while (length := file.readinto(text[:PIECE].data)) and not self._stopped:
            size = kernel().write_utf8(text, table, made, length)
            if size == UNDEFINED:
                raise UnicodeError(self._encoding)
            self._read += length
            self._write(out, made[:size].data)

    def _write(self, out: Any, text: Any) -> None:
        left = memoryview(text)
        while left:
            left = left[out.write(left) :]
        with self._changed:
            self._written += len(text)
            self._changed.notify_all()


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
