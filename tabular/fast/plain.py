"""The text of a table in UTF-8, as frictionless decodes it: the file itself, or what is made of it."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO, Any

from tabular.fast.recoding import PIECE, RecodedSource

UTF8 = ("utf-8", "utf-8-sig")


def newline_of(resource: Any) -> str | None:
    """How the library has Python read line ends: as they are, or, for TSV, each as a line feed."""
    return "" if resource.format == "csv" else None


class Plain:
    """The text of the file `path`, which the library has opened as `resource`; without one the file is UTF-8."""

    def __init__(self, path: Path, resource: Any = None) -> None:
        self.path, self._resource = path, resource
        self.is_file = resource is None or _is_utf8(resource, path)
        self._open = ExitStack()
        self._text: IO[bytes] | None = None
        self._rest: RecodedSource
        self._written = sys.maxsize if self.is_file else 0

    def recoded(self, largest: int) -> RecodedSource:
        """Reads the file as UTF-8 from its beginning, where it is something else."""
        return RecodedSource(self.path, self._resource.encoding, newline_of(self._resource), largest)

    def read(self, start: int, length: int) -> bytes:
        """So many bytes of the text from `start` on, fewer only at its end. What is not the file itself is written down
        as far as it was ever read. Raises OSError and OutsideEnvelope."""
        text = self._text or self._begin()
        if self._written < start + length:
            self._write(text, start + length)
        text.seek(start)
        return text.read(length)

    def close(self) -> None:
        """Closes what `read` has opened."""
        self._open.close()

    def _begin(self) -> IO[bytes]:
        if self.is_file:
            self._text = self._open.enter_context(self.path.open("rb", buffering=0))
        else:
            self._text = self._open.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 `close` does it
            self._rest = self._open.enter_context(closing(self.recoded(PIECE)))
        return self._text

    def _write(self, text: IO[bytes], until: int) -> None:
        text.seek(self._written)
        buffer = memoryview(bytearray(3 * PIECE))
        while self._written < until and (length := self._rest.read_into(buffer)):
            self._written += text.write(buffer[:length])


def is_own_text(resource: Any) -> bool:
    """Whether the library reads the file's bytes as they are, whatever they may be."""
    return resource.encoding in UTF8 and newline_of(resource) == ""


def _is_utf8(resource: Any, path: Path) -> bool:
    return is_own_text(resource) or (resource.encoding in UTF8 and not _holds(path, b"\r"))


def _holds(path: Path, byte: bytes) -> bool:
    with path.open("rb", buffering=0) as file:
        return any(byte in piece for piece in iter(lambda: file.read(PIECE), b""))
