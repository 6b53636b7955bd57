"""Strict decoding of a whole file, and the exact place where it fails."""

from __future__ import annotations

import codecs
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tabular.progress import Progress, Throttle

PIECE = 65_536
BEYOND_ASCII = re.compile(rb"[^\r\n]{0,400}[\x80-\xff][^\r\n]{0,400}")
C1_CONTROLS = re.compile(rb"[^\r\n]{0,400}[\x80-\x9f][^\r\n]{0,400}")
SAMPLE = 65_536


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


def decode_all(path: Path, encoding: str, progress: Progress | None = None) -> int | BadByte:
    """How many more bytes than characters the file has in `encoding` (0 for UTF-8: pure ASCII), or where it fails.

    Reads in 64 KB pieces; `progress` is told bytes.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    done = surplus = 0
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
                return surplus
            done += len(piece)
            told(done)


def suspicious_lines(path: Path, controls: bool = False) -> bytes:
    """Up to 64 KB of lines that hold bytes beyond ASCII (with `controls`: of 80..9F), from anywhere in the file.

    A guess must look at these: the first megabytes of a file may be plain ASCII and tell nothing.
    """
    pattern = C1_CONTROLS if controls else BEYOND_ASCII
    found: list[bytes] = []
    size = 0
    carry = b""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            data = carry + piece
            cut = data.rfind(b"\n") + 1 or len(data)
            carry = data[cut:]
            if data.isascii():
                continue
            for match in pattern.finditer(data, 0, cut):
                found.append(match.group())
                size += len(found[-1])
                if size >= SAMPLE:
                    return b"\n".join(found)
    found.extend(match.group() for match in pattern.finditer(carry))
    return b"\n".join(found)


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
