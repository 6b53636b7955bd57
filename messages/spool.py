"""A bounded, content-addressed directory of local copies, so that stages on one machine fetch an object once.

```
{directory}/boot-{id}/objects/{sha256}   whole and proven copies, evicted least recently used first
                    locks/{sha256}     held (flock) while one process fetches
                    work/{process}/    private: hard links in use, downloads under way, working directories
```

A reader gets a hard link of its own, so an eviction by another process never takes a file away from under it. What an
unclean end of the machine may have left half-written is of another boot, and a dead process's private directory is
recognised by its free lock: both are removed when a spool is opened.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import IO, Self

from messages.datapackage import BlobRef
from messages.errors import PermanentError, TransientError

Fetch = Callable[[Path], Awaitable[None]]
"""Writes an object's proven bytes to the path it is given."""

FULL = (errno.ENOSPC, errno.EDQUOT)
MOST_OBJECTS = 10_000
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Spool:
    """`with`: the copies under `directory` (made 0700), at most about `capacity` bytes of them kept.

    Shared by all processes of this account on the machine. The capacity bounds what is kept, not what is in use: an
    object larger than all of it is still served, and forgotten afterwards.
    """

    def __init__(self, directory: Path, capacity: int) -> None:
        self._root = directory
        self._directory = directory / _boot()
        self._objects = self._directory / "objects"
        self._locks = self._directory / "locks"
        self._capacity = capacity
        self._unswept = capacity
        self._stack: list[IO[str]] = []
        self._work = self._directory / "work" / secrets.token_hex(8)

    def __enter__(self) -> Self:
        _own_directory(self._root)
        for directory in (self._objects, self._locks, self._work.parent):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Under one lock, so that nobody takes a directory for abandoned between its making and its locking.
        with _locked(self._directory / "opening.lock"):
            self._remove_abandoned()
            self._work.mkdir(mode=0o700)
            lock = (self._work / ".lock").open("w")
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._stack.append(lock)
        return self

    def __exit__(self, *_error: object) -> None:
        shutil.rmtree(self._work, ignore_errors=True)
        while self._stack:
            self._stack.pop().close()

    @asynccontextmanager
    async def checkout(self, blob: BlobRef, fetch: Fetch) -> AsyncIterator[Path]:
        """A private path with the blob's bytes while the context lasts; `fetch` is called only where no copy is kept.

        Processes that want the same object at the same time fetch it once. The bytes must not be written to.
        Raises TransientError when the disk is full, and whatever `fetch` raises: then nothing is kept.
        """
        assert blob.sha256 is not None, "only proven bytes have an address here"
        path = self._work / secrets.token_hex(8)
        try:
            if not self._link(blob, path):
                async with self._alone(blob.sha256):
                    if not self._link(blob, path):
                        with self.room():
                            await fetch(path)
                        self.add(path, blob.sha256)
            yield path
        finally:
            path.unlink(missing_ok=True)

    @contextmanager
    def workdir(self) -> Iterator[Path]:
        """An empty private directory on the spool's file system; removed at the end, contents and all."""
        with tempfile.TemporaryDirectory(dir=self._work, ignore_cleanup_errors=True) as name:
            yield Path(name)

    def add(self, path: Path, sha256: str) -> None:
        """Keeps the bytes at `path` (inside `workdir`, never to be written again) for the next stage; `path` stays."""
        kept = self._objects / sha256
        with suppress(FileExistsError):  # another process was quicker: the same bytes
            os.link(path, kept)
        with suppress(FileNotFoundError):  # evicted at once: allowed
            os.utime(kept)
        self._unswept += _used(path.stat()) + self._capacity // MOST_OBJECTS
        if self._unswept > self._capacity // 16:
            self._unswept = 0
            self.evict(self._capacity)

    def evict(self, keep: int) -> None:
        """Forgets the least recently used copies that nobody has in use until at most `keep` bytes are left."""
        entries = sorted(self._entries(), key=lambda entry: entry[1].st_mtime)
        excess = max(sum(_used(found) for _, found in entries) - keep, 0)
        surplus = max(len(entries) - MOST_OBJECTS, 0)
        for path, found in entries:
            if excess <= 0 and surplus <= 0:
                break
            if found.st_nlink == 1:
                path.unlink(missing_ok=True)
                excess -= _used(found)
                surplus -= 1

    def _link(self, blob: BlobRef, path: Path) -> bool:
        kept = self._objects / str(blob.sha256)
        try:
            os.link(kept, path)
        except FileNotFoundError:
            return False
        os.utime(path)  # the clock of the eviction; one inode with the copy that is kept
        return True

    @contextmanager
    def room(self) -> Iterator[None]:
        """Around writes to the spool's disk: when it is full, makes room and raises TransientError."""
        try:
            yield
        except OSError as error:
            if error.errno not in FULL:
                raise
            self.evict(0)
            raise TransientError(f"the disk of the spool {self._root} is full") from error

    @asynccontextmanager
    async def _alone(self, sha256: str) -> AsyncIterator[None]:
        """One task of all processes at a time. A lock file goes with its holder: hence the check that it is there."""
        path = self._locks / sha256
        pause = 0.005
        while True:
            with path.open("w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    # flock tells nobody when it becomes free; a thread that waits for it could not be cancelled.
                    await asyncio.sleep(pause)
                    pause = min(pause * 1.5, 0.25)
                    continue
                if not _same_file(path, lock):
                    continue
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)
                return

    def _entries(self) -> Iterator[tuple[Path, os.stat_result]]:
        with os.scandir(self._objects) as found:
            for entry in found:
                with suppress(FileNotFoundError):
                    yield Path(entry.path), entry.stat()

    def _remove_abandoned(self) -> None:
        for other in self._root.glob("boot-*"):
            if other != self._directory:
                shutil.rmtree(other, ignore_errors=True)
        for work in self._work.parent.iterdir():
            with suppress(BlockingIOError, FileNotFoundError), (work / ".lock").open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(work, ignore_errors=True)


def _own_directory(directory: Path) -> None:
    """Makes the directory ours alone; PermanentError where another made it (a name in /tmp is anybody's to take)."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermanentError(f"the spool directory {directory} belongs to another account: set DH_SPOOL_DIR")
    directory.chmod(0o700)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _same_file(path: Path, file: IO[str]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _used(found: os.stat_result) -> int:
    return found.st_blocks * 512


def _boot() -> str:
    """Names this run of the machine's kernel."""
    try:
        return f"boot-{BOOT_ID.read_text(encoding='ascii').strip()}"
    except OSError:
        return "boot-unknown"
