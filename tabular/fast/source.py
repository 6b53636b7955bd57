"""The file as the pass needs it: pieces in order, hashed beside."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from pathlib import Path

from tabular.fast.outside import OutsideEnvelope
from tabular.hashing import Digest, Hasher, hash_file

FIRST_PIECE = 65_536
AHEAD = 3
"""Pieces that may wait for their hash."""


class HashThread:
    """Hashes pieces beside whatever else is done; OpenSSL lets go of Python's lock."""

    def __init__(self) -> None:
        self._pieces: queue.Queue[bytes | None] = queue.Queue(AHEAD)
        self._hasher = Hasher()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def update(self, piece: bytes) -> None:
        """Hands over the next piece; waits while three are unread."""
        self._pieces.put(piece)

    def digest(self) -> Digest:
        """Of all pieces; waits for the last."""
        self.close()
        return self._hasher.digest()

    def close(self) -> None:
        """Ends the thread; what was handed over is hashed all the same."""
        if not self._stopped:
            self._stopped = True
            self._pieces.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (piece := self._pieces.get()) is not None:
            self._hasher.update(piece)


class Source:
    """`pieces` once, in order; then `digest`."""

    def __init__(self, path: Path, largest: int, is_hashed: bool = True) -> None:
        self.path = path
        self.size = path.stat().st_size
        self._largest = largest
        self._hashing = HashThread() if is_hashed else None
        self._read = 0

    def pieces(self) -> Iterator[bytes]:
        """All bytes; small pieces first, so that a file full of errors is left early. Raises OutsideEnvelope."""
        length = min(FIRST_PIECE, self._largest)
        with self.path.open("rb", buffering=0) as file:
            while piece := file.read(length):
                self._read += len(piece)
                if self._hashing is not None:
                    self._hashing.update(piece)
                yield piece
                length = min(4 * length, self._largest)
        if self._read != self.size:
            raise OutsideEnvelope("a file that changed")

    def digest(self) -> Digest:
        """Of the whole file, however much of it the pass has read."""
        digest = self._hashing.digest() if self._hashing is not None else None
        return digest if digest is not None and digest.size == self.size else hash_file(self.path)

    def close(self) -> None:
        """Ends the hashing."""
        if self._hashing is not None:
            self._hashing.close()
