"""MD5, SHA-256 and size of bytes in one pass."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tabular.progress import Progress, Throttle

CHUNK = 1_048_576


@dataclass(frozen=True, slots=True)
class Digest:
    """What a file's bytes are: hexadecimal digests and the size in bytes."""

    md5: str
    sha256: str
    size: int

    def to_dict(self) -> dict[str, str | int]:
        """JSON object of the three values."""
        return {"md5": self.md5, "sha256": self.sha256, "size": self.size}


class Hasher:
    """Digest of bytes that pass by: `update` with every piece in order, then `digest`."""

    __slots__ = ("_md5", "_sha256", "size")

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self.size = 0

    def update(self, piece: bytes) -> None:
        """Adds the next piece."""
        self._md5.update(piece)
        self._sha256.update(piece)
        self.size += len(piece)

    def copy(self) -> Hasher:
        """Another one, of what passed by so far."""
        twin = Hasher()
        twin._md5, twin._sha256, twin.size = self._md5.copy(), self._sha256.copy(), self.size
        return twin

    def digest(self) -> Digest:
        """The digest of everything so far; more may follow."""
        return Digest(self._md5.hexdigest(), self._sha256.hexdigest(), self.size)


def hash_file(path: Path, progress: Progress | None = None) -> Digest:
    """Digest of a whole file; `progress` is told bytes. Raises OSError."""
    hasher = Hasher()
    told = Throttle(progress)
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            hasher.update(piece)
            told(hasher.size)
    told.finish(hasher.size)
    return hasher.digest()
