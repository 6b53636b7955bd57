"""The file as the pass needs it: read in order into its buffer, hashed beside."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tabular.fast.outside import OutsideEnvelope
from tabular.fast.plain import Plain
from tabular.hashing import Digest

if TYPE_CHECKING:
    from tabular.unpacking import Unpacking

FIRST_PIECE = 65_536
HASHED_AT_ONCE = 1 << 20
"""Bytes; of larger pieces, beside the pass, hashing takes a fifth more processor time."""
CHANGED = "a file that changed"


class Hashing:
    """Hashes a file from now on in threads of its own, which read it for themselves; OpenSSL lets go of Python's lock.

    The pass has a processor for itself where there are two: one thread makes both hashes then, in about the time that
    the pass takes. Where there are more, each hash has its thread.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stopped = False
        self._failures: list[OSError] = []
        self._hashers: list[Any] = [hashlib.md5(usedforsecurity=False), hashlib.sha256()]
        shares = [[hasher] for hasher in self._hashers] if processors() > 2 else [self._hashers]
        self._sizes = [0] * len(shares)
        self._threads = [
            threading.Thread(target=self._run, args=(index, share), daemon=True) for index, share in enumerate(shares)
        ]
        for thread in self._threads:
            thread.start()

    def digest(self, size: int) -> Digest:
        """Of the whole file, which has so many bytes. Raises OSError, and OutsideEnvelope where it has not."""
        for thread in self._threads:
            thread.join()
        for failure in self._failures:
            raise failure
        if set(self._sizes) != {size}:
            raise OutsideEnvelope(CHANGED)
        md5, sha256 = (hasher.hexdigest() for hasher in self._hashers)
        return Digest(md5, sha256, size)

    def stop(self) -> None:
        """What is not hashed by now never is."""
        self._stopped = True

    def close(self) -> None:
        """Stops, and waits for the threads' end."""
        self.stop()
        for thread in self._threads:
            thread.join()

    def _run(self, index: int, hashers: Sequence[Any]) -> None:
        buffer = bytearray(HASHED_AT_ONCE)
        view = memoryview(buffer)
        try:
            with self._path.open("rb", buffering=0) as file:
                while not self._stopped and (length := file.readinto(buffer)):
                    for hasher in hashers:
                        hasher.update(view[:length])
                    self._sizes[index] += length
        except OSError as error:
            self._failures.append(error)


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Source(Protocol):
    """A text as the pass reads it, in order; `size` is how many bytes its file has."""

    @property
    def size(self) -> int: ...

    @property
    def piece(self) -> int:
        """How many bytes are wanted next: few at first, so that a file full of errors is left early."""

    def read_into(self, buffer: Any) -> int:
        """The next bytes into a writable buffer; how many, 0 at the end. Raises OSError and OutsideEnvelope."""

    def finish(self) -> None:
        """Makes sure of what was not read. Raises the same."""

    def close(self) -> None:
        """Closes the file."""


def source_of(plain: Plain, largest: int, unpacking: Unpacking | None = None) -> Source:
    """Reads the text from its beginning, at most so many bytes at a time; `unpacking` may still write it."""
    return FileSource(plain.path, largest, unpacking) if plain.is_file else plain.recoded(largest)


class FileSource:
    """Of a file that is its own text."""

    def __init__(self, path: Path, largest: int, unpacking: Unpacking | None = None) -> None:
        self._file = path.open("rb", buffering=0)
        self._unpacking = unpacking
        self.size = os.fstat(self._file.fileno()).st_size
        self.piece, self._largest = min(FIRST_PIECE, largest), largest
        self._read = 0

    def read_into(self, buffer: Any) -> int:
        """The next bytes. At the end raises OutsideEnvelope if the file has changed meanwhile, and ArchiveRefused."""
        if self._unpacking is not None:
            self.size = self._unpacking.at_least(self._read + len(buffer))
        length = self._file.readinto(buffer) or 0
        self._read += length
        self.piece = min(4 * self.piece, self._largest)
        if length == 0 and self._unpacking is not None:
            self._unpacking.finish()
        if length == 0 and not self._is_as_it_was():
            raise OutsideEnvelope(CHANGED)
        return length

    def _is_as_it_was(self) -> bool:
        return self._read == self.size == os.fstat(self._file.fileno()).st_size

    def finish(self) -> None:
        """Nobody asks what the rest of it is."""

    def close(self) -> None:
        self._file.close()
