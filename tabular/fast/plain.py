"""The text of a table in UTF-8, as frictionless decodes it: the file itself, or a copy."""

from __future__ import annotations

import codecs
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabular.fast.outside import OutsideEnvelope

UTF8 = ("utf-8", "utf-8-sig")
BOM = b"\xef\xbb\xbf"
PIECE = 1 << 18


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
