"""The text of a table in UTF-8, as frictionless decodes it: the file itself, or a copy."""

from __future__ import annotations

import codecs
import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tabular.fast.layout import PADDING, SIZE_BITS, UNDEFINED
from tabular.fast.native import kernel
from tabular.fast.outside import OutsideEnvelope

UTF8 = ("utf-8", "utf-8-sig")
BOM = b"\xef\xbb\xbf"
PIECE = 1 << 18
ASCII = "".join(map(chr, range(128)))
NO_CHARACTER = "\ufffe"
"""In tables of Python's encodings, for a byte that is none."""


@dataclass(frozen=True, slots=True)
class Plain:
    """Where the text is. `size` is the file's, when the text is a copy of it."""

    path: Path
    size: int | None = None

    @property
    def is_copy(self) -> bool:
        """Whether the text is not the file."""
        return self.size is not None


def newline_of(resource: Any) -> str | None:
    """How the library has Python read line ends: as they are, or, for TSV, each as a line feed."""
    return "" if resource.format == "csv" else None


@contextmanager
def plain_text(resource: Any, path: Path) -> Iterator[Plain]:
    """The text of the file `path`, which the library has opened as `resource`. Raises OutsideEnvelope."""
    encoding, newline = resource.encoding, newline_of(resource)
    if encoding in UTF8 and (newline == "" or not _holds(path, b"\r")):
        yield Plain(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "text"
        try:
            size = _copy(path, encoding, newline, copy)
        except UnicodeError as error:
            raise OutsideEnvelope(f"bytes that are not {encoding}") from error
        yield Plain(copy, size)


def _holds(path: Path, byte: bytes) -> bool:
    with path.open("rb", buffering=0) as file:
        return any(byte in piece for piece in iter(lambda: file.read(PIECE), b""))


def _copy(path: Path, encoding: str, newline: str | None, destination: Path) -> int:
    """Writes the text; how many bytes the file has."""
    table = utf8_table(encoding) if newline == "" else None
    if table is not None:
        return _copy_by(table, path, destination, encoding)
    decoder: Any = codecs.getincrementaldecoder(encoding)()
    if newline is None:
        decoder = io.IncrementalNewlineDecoder(decoder, translate=True)
    size = 0
    with path.open("rb", buffering=0) as file, destination.open("wb") as out:
        out.write(BOM)  # whatever the text begins with, the mark that a reader drops is this one
        while piece := file.read(PIECE):
            size += len(piece)
            out.write(decoder.decode(piece).encode())
        out.write(decoder.decode(b"", True).encode())
    return size


def _copy_by(table: Any, path: Path, destination: Path, encoding: str) -> int:
    """The same of an encoding that has a table."""
    text, out = np.zeros(PIECE + PADDING, np.uint8), np.zeros(3 * PIECE + PADDING, np.uint8)
    size = 0
    with path.open("rb", buffering=0) as file, destination.open("wb") as made:
        made.write(BOM)
        while length := file.readinto(text[:PIECE].data):
            written = kernel().write_utf8(text, table, out, length)
            if written == UNDEFINED:
                raise UnicodeError(encoding)
            size += length
            made.write(out[:written].data)
    return size


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
