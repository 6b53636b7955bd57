"""A line before the requests that cost database connections and calls to the object store.

Without it a burst of pushes shares everything among all of them: each waits behind all others for a connection, and all
run out of their deadlines together. In line, waiting costs nothing, and whoever is admitted is served at full speed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from gateway.edge import TIME_LIMIT, set_deadline
from gateway.problems import Problem

AT_WORK = 8
"""Requests at a time; more would only share the same two or three processors and the database's connections."""
IN_LINE = 1_000
"""Requests that may wait; the next is told to come back."""
LINE_LIMIT = 60.0
"""Seconds that a request may wait."""
COME_BACK = 5
"""Seconds after which a client that found the line full may ask again."""


class Admission:
    """The line of one process."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(AT_WORK)
        self._waiting = 0

    @asynccontextmanager
    async def turn(self, request: web.Request) -> AsyncIterator[None]:
        """The request's turn; raises Problem 503 where the line is full, TimeoutError where it does not move.

        To be taken after the body was read: a client that sends slowly must hold up nobody.
        """
        if self._waiting >= IN_LINE:
            headers = {"Retry-After": str(COME_BACK)}
            raise Problem(503, "busy", "Too many pushes at this moment. Try again in a moment.", headers=headers)
        self._waiting += 1
        try:
            set_deadline(request, LINE_LIMIT)
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            set_deadline(request, TIME_LIMIT)
            yield
        finally:
            self._slots.release()
