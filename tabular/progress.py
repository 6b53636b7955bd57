"""Progress that may be reported from a hot loop."""

from __future__ import annotations

import time
from collections.abc import Callable

INTERVAL = 0.2

Progress = Callable[[int], None]
"""Told how much is done by now (rows or bytes, as the function says)."""


class Throttle:
    """Passes a count on at most five times a second; without a listener it costs one comparison."""

    __slots__ = ("_due", "_listener")

    def __init__(self, listener: Progress | None) -> None:
        self._listener = listener
        self._due = 0.0

    def __call__(self, done: int) -> None:
        if self._listener is not None and (now := time.monotonic()) >= self._due:
            self._due = now + INTERVAL
            self._listener(done)

    def finish(self, done: int) -> None:
        """The last count, which is told always."""
        if self._listener is not None:
            self._listener(done)
