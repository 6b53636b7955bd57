"""Strict decoding of a whole file, and the exact place where it fails."""

from __future__ import annotations

import codecs
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tabular.progress import Progress, Throttle

PIECE = 65_536


@dataclass(frozen=True, slots=True)
class BadByte:
    """The first byte not valid in an encoding. `offset` counts from 0; `line` and `column` (characters) from 1."""

    encoding: str
    offset: int
    line: int
    column: int
    byte: int

    def to_dict(self) -> dict[str, Any]:
        """JSON object of all five."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Decoded:
    """Every byte decoded. `surplus`: how many more bytes than characters there are (0 for UTF-8: pure ASCII);
    `escapes`: whether there is an escape byte, by which some encodings of Asia look like ASCII."""

    surplus: int
    escapes: bool


def decode_all(path: Path, encoding: str, progress: Progress | None = None) -> Decoded | BadByte:
    """Decodes the whole file in 64 KB pieces, strictly; `progress` is told bytes. Raises OSError."""
    decoder = codecs.getincrementaldecoder(encoding)()
    done = surplus = 0
    escapes = False
    told = Throttle(progress)
    with path.open("rb") as file:
        while True:
            piece = file.read(PIECE)
            pending = decoder.getstate()[0]
            try:
                surplus += len(piece) - len(decoder.decode(piece, final=not piece))
            except UnicodeDecodeError as error:
                return _bad_byte(path, encoding, done - len(pending) + error.start)
            if not piece:
                return Decoded(surplus, escapes)
            escapes = escapes or b"\x1b" in piece
            done += len(piece)
            told(done)


def has_any(path: Path, pattern: re.Pattern[bytes]) -> bool:
    """Whether a pattern of up to four bytes occurs anywhere in the file. Raises OSError."""
    tail = b""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            if pattern.search(tail + piece):
                return True
            tail = piece[-3:]
    return False


def _bad_byte(path: Path, encoding: str, offset: int) -> BadByte:
    """Decodes again up to the byte, counting lines: only failures pay for it."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    line, column, left = 1, 1, offset
    with path.open("rb") as file:
        while left and (piece := file.read(min(PIECE, left))):
            left -= len(piece)
            text = decoder.decode(piece)
            breaks = text.count("\n") or text.count("\r")
            line += breaks
            column = len(text) - max(text.rfind("\n"), text.rfind("\r")) if breaks else column + len(text)
        byte = file.read(1)
    return BadByte(encoding, offset, line, column, byte[0] if byte else 0)
