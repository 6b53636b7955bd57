"""The text of a table in UTF-8, as frictionless decodes it: the file itself, or a copy."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabular.fast.textcopy import PIECE, TextCopy

UTF8 = ("utf-8", "utf-8-sig")


@dataclass(frozen=True, slots=True)
class Plain:
    """Where the text is; what writes it, when it is a copy of the file's."""

    path: Path
    copy: TextCopy | None = None


def newline_of(resource: Any) -> str | None:
    """How the library has Python read line ends: as they are, or, for TSV, each as a line feed."""
    return "" if resource.format == "csv" else None


@contextmanager
def plain_text(resource: Any, path: Path) -> Iterator[Plain]:
    """The text of the file `path`, which the library has opened as `resource`; a copy may still grow."""
    encoding, newline = resource.encoding, newline_of(resource)
    if encoding in UTF8 and (newline == "" or not _holds(path, b"\r")):
        yield Plain(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "text"
        place.touch()
        with closing(TextCopy(path, encoding, newline, place)) as copy:
            yield Plain(place, copy)


def _holds(path: Path, byte: bytes) -> bool:
    with path.open("rb", buffering=0) as file:
        return any(byte in piece for piece in iter(lambda: file.read(PIECE), b""))
