"""Which physical line a byte is on, and where the records of a CSV are in its file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from tabular.blocks import blocks
from tabular.dialect import Dialect
from tabular.place import Place
from tabular.rows import reader

PIECE = 1 << 20
NO_LIMIT = 1 << 40
BOM = b"\xef\xbb\xbf"


class LineCounter:
    """`with`: counts line ends (LF, CR, CRLF) from one place to the next; nothing is read twice."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._at, self._line, self._after_cr = 0, 1, False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def at(self, offset: int) -> int:
        """The line, from 1, of the byte at `offset`, which is not before the one that was asked for last."""
        while self._at < offset:
            piece = self._file.read(min(PIECE, offset - self._at))
            if not piece:
                break
            self._at += len(piece)
            self._line += line_ends(piece) - (self._after_cr and piece.startswith(b"\n"))
            self._after_cr = piece.endswith(b"\r")
        return self._line


def line_ends(piece: bytes) -> int:
    """How many lines end in a piece of a file; one that ends in CR may be told of a CRLF's half."""
    returns = piece.count(b"\r")
    return piece.count(b"\n") + (returns - piece.count(b"\r\n") if returns else 0)


def placed_records(path: Path, dialect: Dialect) -> Iterator[tuple[Place, list[str]]]:
    """Every record of a UTF-8 file with its place (`row` is not known: -1). Raises OSError and UnicodeDecodeError."""
    lines = _Lines(path)
    with lines:
        records = reader(iter(lines), dialect)
        number = 0
        while True:
            start, line = lines.offset, lines.number + 1
            cells = next(records, None)
            if cells is None:
                return
            number += 1
            yield Place(-1, number, start, lines.offset, line), cells


class _Lines:
    """The lines of a file as text, and how far they were taken: bytes in `offset`, lines in `number`."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.offset = self.number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[str]:
        for block in blocks(self._file, NO_LIMIT):
            for line in block.splitlines(keepends=True):
                text = line.removeprefix(BOM) if self.offset == 0 else line
                self.offset += len(line)
                self.number += 1
                yield text.decode("utf-8")
