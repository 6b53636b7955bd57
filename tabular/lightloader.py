"""The library's own loader, that does not hash what others hash.

The library samples a hundred lines before it asks for the first row, and hashes them in pieces of 8 KB; of 5,000
columns that is 3 MB. Who reads the table itself hashes it too, so here is only counted how much was read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from frictionless.schemes.local.loader import LocalLoader
from frictionless.system.loader import ByteStreamWithStatsHandling
from typing_extensions import override

from tabular.hashing import hash_file


class LightLoader(LocalLoader):
    """Opens such a file."""

    @override
    def read_byte_stream_process(self, byte_stream: Any) -> Any:
        """Hook of the library: the stream that keeps the resource's statistics."""
        return _Counted(byte_stream, resource=self.resource)


class _Counted(ByteStreamWithStatsHandling):
    """Hashes nothing as long as there may be more; then all of it, for the library's report has the hashes of a file
    that it has read to its end."""

    def __init__(self, byte_stream: Any, *, resource: Any) -> None:
        super().__init__(byte_stream, resource=resource)
        self._stream, self._stats = byte_stream, resource.stats
        self._count = 0
        self._is_hashed = False

    @override
    def read1(self, size: int | None = -1) -> bytes:
        """The next bytes; none at the end."""
        read: bytes = self._stream.read1(-1 if size is None else size)
        self._count += len(read)
        self._stats.bytes = self._count
        if not read and not self._is_hashed:  # who is at the end asks again and again
            self._is_hashed = True
            digest = hash_file(Path(self._stream.name))
            self._stats.md5, self._stats.sha256, self._stats.bytes = digest.md5, digest.sha256, digest.size
        return read
