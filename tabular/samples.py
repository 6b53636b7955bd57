"""The part of a file that a guess looks at: distinct cells that hold bytes beyond ASCII, from anywhere in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PIECE = 1_048_576
ENOUGH = 12_288
LOOKED_AT = 50_000
LONGEST = 4_096
QUIET = 2_048
SEPARATORS = b'\n\r\t,;"'  # of cells; no encoding in use ends a character with one of these
EXPLORED = 32 * PIECE  # of a file with so few loud cells that they do not fill the sample
LOUD = re.compile(rb"[\x80-\xff]")
END = re.compile(rb"[\r\n\t,;\"]|\Z")
WORDS = re.compile(rb"\b[A-Za-z][a-z]{3,40}\b")  # codes and units speak no language
ASCII = bytes(range(128))


@dataclass(frozen=True, slots=True)
class Sample:
    """`loud`: distinct cells with bytes beyond ASCII; `quiet`: words of plain ASCII from the same file.

    `utf8`: how many of the loud cells are UTF-8 by themselves.
    """

    loud: tuple[bytes, ...]
    quiet: tuple[str, ...]

    @property
    def utf8(self) -> int:
        """How many loud cells are well-formed UTF-8 by themselves."""
        return sum(_is_utf8(cell) for cell in self.loud)


def sample_of(path: Path) -> Sample:
    """The first 12 KB of distinct loud cells, then every cell with a byte that none before had.

    So a single-byte encoding that agrees with another on the sample agrees on the whole file. A cell of more than 4 KB
    is cut at a blank, or else before a byte of ASCII. Raises OSError.
    """
    loud: dict[bytes, None] = {}
    quiet: dict[str, None] = {}
    known, size, seen, done = ASCII, 0, 0, 0
    for piece in _pieces(path):
        if sum(map(len, quiet)) < QUIET:
            quiet |= dict.fromkeys(
                word.decode("ascii") for word in WORDS.findall(piece, 0, 16 * QUIET) if len(set(word.lower())) > 2
            )
        new = piece.translate(None, known)
        done += len(piece)
        explores = size < ENOUGH and seen < LOOKED_AT and done < EXPLORED
        if not new and (not explores or piece.isascii()):
            continue
        for whole in _loud_cells(piece):
            seen += 1
            is_new = bool(new) and bool(whole.translate(None, known))
            if is_new or (explores and size < ENOUGH and seen < LOOKED_AT):
                cell = _shortened(whole)
                size += 0 if cell in loud else len(cell)
                loud[cell] = None
                if is_new:
                    known += bytes(set(cell) - set(known))
                    new = new.translate(None, known)
            elif not new:
                break
    return Sample(tuple(loud), tuple(quiet)[:100])


def _loud_cells(piece: bytes) -> Iterator[bytes]:
    at = 0
    while loud := LOUD.search(piece, at):
        start = max(piece.rfind(separator, at, loud.start()) for separator in SEPARATORS) + 1 or at
        end = END.search(piece, loud.end())
        at = end.start() if end else len(piece)
        yield piece[start:at]


def _shortened(cell: bytes) -> bytes:
    if len(cell) <= LONGEST:
        return cell
    blank = cell.rfind(b" ", 0, LONGEST)
    return cell[:blank] if blank > 0 else cell[:LONGEST]


def _is_utf8(cell: bytes) -> bool:
    try:
        cell.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _pieces(path: Path) -> Iterator[bytes]:
    """About 1 MB each, cut between cells."""
    carry = b""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            data = carry + piece
            cut = max(data.rfind(separator) for separator in SEPARATORS) + 1 or len(data)
            carry = data[cut:]
            yield data[:cut]
    yield carry
