"""A compressed table that a thread of its own writes out, while others read what is there already."""

from __future__ import annotations

import threading
from pathlib import Path

from tabular.archive import Opened, open_table
from tabular.finding import Finding
from tabular.limits import Limits


class ArchiveRefused(Exception):
    """The archive cannot be opened; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


class _Closed(Exception):
    """Ends the thread's work early."""


class Unpacking:
    """Writes the table in the archive `path` to `destination`; zlib lets go of Python's lock meanwhile."""

    def __init__(self, path: Path, destination: Path, limits: Limits) -> None:
        self._path, self._destination, self._limits = path, destination, limits
        self._changed = threading.Condition()
        self._written = 0
        self._is_closed = False
        self._made: Opened | Finding | Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def at_least(self, size: int) -> int:
        """Waits for so many bytes of the table, or for its end; how many can be read by now."""
        with self._changed:
            self._changed.wait_for(lambda: self._made is not None or self._written >= size)
            return self._made.size if isinstance(self._made, Opened) else self._written

    @property
    def path(self) -> Path:
        """Where the table is read: where it was before, if it is not compressed after all."""
        self.at_least(1)
        return self._made.path if isinstance(self._made, Opened) else self._destination

    def finish(self) -> Path:
        """Waits for the end; where the whole table is. Raises ArchiveRefused, and OSError of the local disk."""
        self._thread.join()
        if isinstance(self._made, Finding):
            raise ArchiveRefused(self._made)
        if isinstance(self._made, Exception):
            raise self._made
        return self.path

    def close(self) -> None:
        """Ends it early, if it has not ended."""
        self._is_closed = True
        self._thread.join()

    def _run(self) -> None:
        made: Opened | Finding | Exception
        try:
            made = open_table(
                self._path, self._path.name, self._destination, self._limits, is_hashed=False, on_piece=self._tell
            )
        except Exception as error:  # whoever asks for the end is told
            made = error
        with self._changed:
            self._made = made
            self._changed.notify_all()

    def _tell(self, written: int) -> None:
        if self._is_closed:
            raise _Closed
        with self._changed:
            self._written = written
            self._changed.notify_all()
