"""Waiting between attempts at something that is down: longer each time, and not in step with the neighbours."""

from __future__ import annotations

import asyncio
import random

FIRST = 0.1
LONGEST = 5.0
"""Seconds: a server that is back is found within this time."""


class Backoff:
    """Doubles from FIRST to LONGEST seconds, with jitter, until reset."""

    def __init__(self) -> None:
        self._next = FIRST

    def reset(self) -> None:
        """The thing works again: the next wait is a short one."""
        self._next = FIRST

    async def wait(self) -> None:
        """Waits half to all of the current delay."""
        delay, self._next = self._next, min(self._next * 2, LONGEST)
        await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 jitter is no secret
