"""A watcher: a queue of its own that vanishes with it.

Rows and not the NOTIFY payload carry the events, for a payload ends at 8,000 bytes and the facts of a stage do not.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import structlog

from messages.ending import dismiss, end_of
from messages.envelope import Message
from messages.errors import DecodeError, TransientError
from messages.transport.backoff import Backoff
from messages.transport.port import Watcher
from messages.transport.postgres.deliveries import Deliveries
from messages.transport.postgres.doorbell import Doorbell

SEEN = 10.0
"""Seconds between two signs of life: the queue is dropped when there was none for a minute."""

log = structlog.get_logger()


class QueueWatch:
    """Calls `watcher` for what arrives in `queue`, which exists already."""

    def __init__(
        self, deliveries: Deliveries, doorbell: Doorbell, queue: str, patterns: Sequence[str], watcher: Watcher
    ) -> None:
        self._deliveries = deliveries
        self._doorbell = doorbell
        self._queue = queue
        self._patterns = patterns
        self._watcher = watcher
        self._rung = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=queue)
        doorbell.hang(queue, self._ring)

    async def closed(self) -> None:
        """See the port."""
        await end_of([self._task])

    async def stop(self, grace: float) -> None:
        """Ends at once and removes the queue; where that fails it goes by itself after a minute."""
        if not self._task.done():
            self._doorbell.unhang(self._queue, self._ring)
        await dismiss(self._task)
        with contextlib.suppress(TransientError):
            await self._deliveries.drop(self._queue)

    def _ring(self, _count: int) -> None:
        self._rung.set()

    async def _run(self) -> None:
        backoff = Backoff()
        while True:
            try:
                await self._deliveries.declare(self._queue, self._patterns, durable=False)
                backoff.reset()
                await self._drain_for(SEEN)
            except TransientError as error:
                log.warning("watch_interrupted", queue=self._queue, reason=str(error))
                await backoff.wait()

    async def _drain_for(self, seconds: float) -> None:
        until = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                async with asyncio.timeout_at(until):
                    await self._rung.wait()
            except TimeoutError:
                return
            self._rung.clear()
            for body in await self._deliveries.drain(self._queue):
                self._show(body)

    def _show(self, body: bytes) -> None:
        try:
            self._watcher(Message.decode(body))
        except DecodeError as error:
            log.warning("watched_undecodable", reason=str(error))
        except Exception:
            log.exception("watcher_raised", queue=self._queue)
