"""How much of a file frictionless would have read, by the time it has come to a row: bytes and hashes of its report."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any, Protocol

from frictionless.system.loader import ByteStreamWithStatsHandling

from tabular.fast.plain import Plain, newline_of
from tabular.fast.recoding import BOM
from tabular.fast.source import Hashing
from tabular.hashing import Digest

LIBRARY_READ = 8_192
"""Bytes that Python's text layer asks for at a time, and so the granularity of the library's count of bytes."""


class Reading(Protocol):
    """Keeps the statistics of a resource; rows are come to in order."""

    def come_to(self, end: int, record: bytes) -> None:
        """The text has been read up to `end`, bytes of it in UTF-8, where the record ends."""

    def come_to_end(self) -> None:
        """All of it has been read."""


class DirectReading:
    """Of a file that is its own text."""

    def __init__(self, stats: Any, size: int, hashing: Hashing) -> None:
        self._stats, self._size, self._hashing = stats, size, hashing
        self._sampled = int(stats.bytes or 0)

    def come_to(self, end: int, record: bytes) -> None:
        """A line that ends in CR ends for the text layer only when it has seen what follows; one without a line end,
        when it has seen the end of the file, and then the library knows the hashes too."""
        needed = end if record.endswith(b"\n") else end + 1
        read = min(-(-needed // LIBRARY_READ) * LIBRARY_READ, self._size)
        self._stats.bytes = max(read, self._sampled)
        if needed > self._size:
            _set_hashes(self._stats, self._hashing.digest(self._size))

    def come_to_end(self) -> None:
        """The whole file's size and hashes."""
        digest = self._hashing.digest(self._size)
        self._stats.bytes = digest.size
        _set_hashes(self._stats, digest)


class DecodedReading:
    """Of a file in another encoding: the library's own layers read it again, as far as need be."""

    def __init__(self, resource: Any, plain: Plain, size: int, hashing: Hashing) -> None:
        self._stats, self._size, self._hashing = resource.stats, size, hashing
        self._sampled = int(self._stats.bytes or 0)
        self._plain, self._at = plain, len(BOM)
        counted: Any = SimpleNamespace(stats=SimpleNamespace(bytes=0, md5="", sha256=""))
        self._read = counted.stats
        layer: Any = ByteStreamWithStatsHandling(plain.path.open("rb"), resource=counted)
        self._lines = io.TextIOWrapper(layer, resource.encoding, newline=newline_of(resource))
        self._ahead = 0  # characters that the library has and the rows so far have not

    def come_to(self, end: int, record: bytes) -> None:
        """Reads as many lines as the text up to there has."""
        if end <= self._at:  # the first row of a key that comes twice, told late
            return
        self._ahead -= len(self._plain.read(self._at, end - self._at).decode())
        self._at = end
        while self._ahead < 0:
            self._ahead += len(self._lines.readline()) or -self._ahead
        read = self._read
        self._stats.bytes = max(read.bytes, self._sampled)
        if read.md5:
            self._stats.md5, self._stats.sha256 = read.md5, read.sha256

    def come_to_end(self) -> None:
        """The whole file's size and hashes."""
        self._stats.bytes = self._size
        _set_hashes(self._stats, self._hashing.digest(self._size))

    def close(self) -> None:
        """Closes the file."""
        self._lines.close()


class FinishedReading:
    """Of a compressed file, which the library has read and hashed before anything else."""

    def come_to(self, end: int, record: bytes) -> None:
        """Nothing changes."""

    def come_to_end(self) -> None:
        """Nothing changes."""


def _set_hashes(stats: Any, digest: Digest) -> None:
    stats.md5, stats.sha256 = digest.md5, digest.sha256
