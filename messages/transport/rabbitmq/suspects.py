"""Deliveries whose taker died before: one of them at a time, so that only the guilty one can be hit again.

A consumer has one channel with a prefetch of its slots. When its process dies the broker takes back all that was
unsettled there, guilty and innocent, and counts a return for each. The next taker lets a suspect begin only when no
other suspect is with it: those leave for a moment, as fresh messages that carry their count, and for a second at a time
once the one at work has been so for a second: most are innocent and soon done, and the last of many should not be late.

A channel for each slot would be worse: the broker closes the channels one by one and hands what it took back to those
of the same dead process, so that one death counts several times (3.10.8: three returns for one kill -9).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from messages.topology import MOMENT, RETRY_DELAYS

GATHERING = 0.05
"""Seconds in which the other suspects of the same death show up: they are delivered together with the first."""


class Suspects:
    """The suspects that one consumer has in hand."""

    def __init__(self) -> None:
        self._examined_since: float | None = None
        self._leaving = 0
        self._all_gone = asyncio.Event()
        self._all_gone.set()

    @property
    def examined(self) -> bool:
        """True while a suspect is at work, or about to be: another one has to leave."""
        return self._examined_since is not None

    @asynccontextmanager
    async def leaving(self) -> AsyncIterator[float]:
        """Around the return of a suspect to the queue: the seconds that it should stay away."""
        assert self._examined_since is not None
        is_soon_done = asyncio.get_running_loop().time() - self._examined_since < RETRY_DELAYS[0]
        self._leaving += 1
        self._all_gone.clear()
        try:
            yield MOMENT if is_soon_done else RETRY_DELAYS[0]
        finally:
            self._leaving -= 1
            if not self._leaving:
                self._all_gone.set()

    @asynccontextmanager
    async def examination(self) -> AsyncIterator[None]:
        """Around the work on a suspect: begins when all other suspects have left."""
        self._examined_since = asyncio.get_running_loop().time()
        try:
            await asyncio.sleep(GATHERING)
            await self._all_gone.wait()
            yield
        finally:
            self._examined_since = None
