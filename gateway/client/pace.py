"""How many parts are under way at a time: as many as make it faster, fewer where the line fails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

FIRST = 2
MOST = 8
GAIN = 1.05
"""How much faster it has to become for one more to be worth it."""
SETTLED = 4
"""Rounds between two trials of one more or one fewer."""


class Pace:
    """Tries: a round is as many parts as are under way. One more stays if that round was faster, one fewer if its round
    was not slower, for each connection costs memory, and makes the parts slower that a cut takes along. An error halves
    them. `clock` in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.width = FIRST
        self._clock = clock
        self._busy = 0
        self._rate = 0.0
        self._trial = 0
        self._next = 1
        self._rounds = 0
        self._fails = False
        self._bytes, self._parts, self._since = 0, 0, clock()
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """`async with`: one of the places."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._busy < self.width)
            if not self._busy:
                self._begin_round()
            self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            async with self._changed:
                self._changed.notify_all()

    def arrived(self, size: int) -> None:
        """A part of so many bytes arrived."""
        self._fails = False
        self._bytes += size
        self._parts += 1
        if self._parts >= self.width:
            self._judge(self._bytes / max(self._clock() - self._since, 0.001))
            self._begin_round()

    def failed(self) -> None:
        """A part did not arrive; a line that is cut takes all of them along, which counts once."""
        if self._fails:
            return
        self._fails = True
        self.width, self._trial, self._rounds = max(1, self.width // 2), 0, 0
        self._begin_round()

    def _judge(self, rate: float) -> None:
        if (self._trial > 0 and rate < self._rate * GAIN) or (self._trial < 0 and rate * GAIN < self._rate):
            self.width -= self._trial
            self._trial = 0
            return
        self._rate = rate
        if self._trial <= 0:
            self._trial = 0
            self._rounds += 1
            if (self._rounds - 1) % SETTLED:
                return
            self._trial, self._next = self._next, -self._next
        before, self.width = self.width, min(max(1, self.width + self._trial), MOST)
        self._trial = self.width - before

    def _begin_round(self) -> None:
        self._bytes, self._parts, self._since = 0, 0, self._clock()
