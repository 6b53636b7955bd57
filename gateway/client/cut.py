"""How a file is cut into parts, and the hashes of the whole and of each part from one reading."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tabular.hashing import CHUNK, Digest, Hasher
from tabular.progress import Progress, Throttle

PART = 8 * 1024**2
"""Bytes: what a lost connection costs at the most."""
MOST_PARTS = 10_000
"""Of one object; larger files have larger parts."""


@dataclass(frozen=True, slots=True)
class Hashes:
    """What the bytes of a file are: `whole`, and in order the `parts` that it is cut into (none: it goes in one piece);
    each but the last has `part_size` bytes."""

    whole: Digest
    parts: tuple[Digest, ...] = ()
    part_size: int = 0


def part_size_of(size: int) -> int:
    """Bytes of the parts of a file of this size: the same wherever it is cut, so that any machine can go on with it.

    0 for one that is not cut: up to two parts there is little to lose.
    """
    if size <= 2 * PART:
        return 0
    mebibyte = 1024**2
    return max(PART, -(-size // (MOST_PARTS * mebibyte)) * mebibyte)


def hash_in_parts(path: Path, part_size: int, progress: Progress | None = None) -> Hashes:
    """The hashes of a whole file and of its parts; `progress` is told bytes. Raises OSError."""
    whole, parts = Hasher(), [Hasher()]
    told = Throttle(progress)
    # Hashing leaves Python's lock: one thread for the whole, one for the parts, in the time of one of both.
    with path.open("rb") as file, ThreadPoolExecutor(1, "hash") as beside:
        for piece in _pieces(file, part_size):
            if parts[-1].size == part_size:
                parts.append(Hasher())
            part = beside.submit(parts[-1].update, piece)
            whole.update(piece)
            part.result()
            told(whole.size)
    told.finish(whole.size)
    return Hashes(whole.digest(), tuple(part.digest() for part in parts), part_size)


def _pieces(file: BinaryIO, part_size: int) -> Iterator[bytes]:
    """The bytes of a file, no piece in two parts."""
    left = part_size
    while piece := file.read(min(CHUNK, left)):
        yield piece
        left = left - len(piece) or part_size
