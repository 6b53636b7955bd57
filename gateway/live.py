"""Following a flow live: one LISTEN and one watch per process, one feed per followed flow, any number of readers of it.

Nothing is queued for a reader: a feed holds the newest snapshot only, and a slow reader gets the newest when it is
ready. So progress of thousands of rows costs one field per resource, whoever watches.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

import asyncpg
import structlog

from gateway.heard import Heard
from gateway.snapshot import Snapshot
from messages.database import TRANSIENT
from messages.ending import dismiss
from messages.envelope import Message
from messages.errors import DecodeError, TransientError
from messages.stageevents import StageProgressed
from messages.transport.port import Transport

log = structlog.get_logger()

PASSING: tuple[type[BaseException], ...] = (*TRANSIENT, TransientError)
"""Trouble that may pass: the next look finds out."""

CHANNEL = "flow"
"""NOTIFY channel of the writers: the payload is the id of the flow that changed."""


@dataclass(frozen=True, slots=True)
class Key:
    """What is followed, and by whom: `is_inside` are who may read it though it be private, `sees_all` who may read all
    that its owner has."""

    flow_id: str
    is_inside: bool
    sees_all: bool


Status = Callable[[Key], Awaitable[dict[str, Any] | None]]
"""The status of a flow for such readers, as GET /source answers it."""

INTERVAL = 0.25
"""Seconds between two snapshots of a flow: at most four a second."""
SHARE = 20
"""A snapshot that took t seconds to make is followed by none for 20 t: big flows take 5 % of the loop at the most."""
POLL = 3.0
"""Seconds after which a feed looks by itself: a notification may be lost with its connection. No pause is longer."""
RECONNECT = 1.0
"""Seconds before listening is tried again."""
PROBE = 15.0
"""Seconds between two proofs that the listening connection lives."""


class Feed:
    """The newest snapshot of one flow, renewed while anybody reads."""

    def __init__(self, key: Key, status: Status) -> None:
        self.readers = 0
        self._key = key
        self._status = status
        self._dirty = asyncio.Event()
        self._renewed = asyncio.Event()
        self._snapshot: Snapshot | None = None
        self.closed = False

    def touch(self) -> None:
        """Something changed: make a new snapshot soon."""
        self._dirty.set()

    def close(self) -> None:
        """Lets every reader go."""
        self.closed = True
        self._renewed.set()

    @property
    def ended(self) -> bool:
        """True once the final snapshot is made: a flow that is run again needs another feed."""
        return self._snapshot is not None and self._snapshot.final

    async def newer(self, seen: Snapshot | None, patience: float) -> Snapshot | None:
        """The newest snapshot, waiting up to `patience` seconds for another than `seen`; None where none came."""
        if self._snapshot is None or self._snapshot is seen:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._renewed.wait(), patience)
        return self._snapshot if self._snapshot is not seen else None

    async def run(self) -> None:
        """Makes snapshots until the final one."""
        while not self.ended:
            self._dirty.clear()
            started = time.monotonic()
            await self._look()
            await asyncio.sleep(pause_after(time.monotonic() - started))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._dirty.wait(), POLL)

    async def _look(self) -> None:
        try:
            status = await self._status(self._key)
        except PASSING as error:
            log.warning("flow_status_unavailable", flow=self._key.flow_id, error=type(error).__name__)
            return
        if status is None:
            return
        snapshot = Snapshot.of(status)
        if snapshot != self._snapshot:
            self._snapshot = snapshot
            self._renewed.set()
            self._renewed = asyncio.Event()


def pause_after(took: float) -> float:
    """Seconds until the next look, after one of `took` seconds: a slow moment of the database is no long silence."""
    return max(INTERVAL - took, min(SHARE * took, POLL) if took > INTERVAL / SHARE else 0)


class Live:
    """The feeds of this process. `async with`: listens while inside; readers are let go at the end."""

    def __init__(self, pool: asyncpg.Pool, transport: Transport, heard: Heard, status: Status) -> None:
        self._pool = pool
        self._transport = transport
        self._heard = heard
        self._status = status
        self._feeds: dict[Key, tuple[Feed, asyncio.Task[None]]] = {}
        self._followed: dict[str, set[Key]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = False

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._watch())]
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._closing = True
        self.release()
        running = [*self._tasks, *(task for _, task in self._feeds.values())]
        await dismiss(*running)

    def release(self) -> None:
        """Lets every reader go: the process is about to stop, they come back to another one."""
        for feed, _ in self._feeds.values():
            feed.close()

    @property
    def followed(self) -> int:
        """Flows that somebody follows now."""
        return len(self._followed)

    @property
    def readers(self) -> int:
        """Readers of all flows."""
        return sum(feed.readers for feed, _ in self._feeds.values())

    async def follow(self, key: Key, patience: float) -> AsyncGenerator[Snapshot | None]:
        """The status now and at each change, until the final one; None where nothing changed for `patience` seconds.

        Close the iterator when the reader has gone: the last one to leave ends the feed.
        """
        feed = self._join(key)
        seen: Snapshot | None = None
        try:
            while not feed.closed and not (seen and seen.final):
                newer = await feed.newer(seen, patience)
                seen = newer or seen
                yield newer
        finally:
            self._leave(key, feed)

    def _join(self, key: Key) -> Feed:
        if key not in self._feeds or self._feeds[key][0].ended:
            feed = Feed(key, self._status)
            self._feeds[key] = (feed, asyncio.create_task(feed.run(), name=f"feed {key.flow_id}"))
            self._followed.setdefault(key.flow_id, set()).add(key)
        feed, _ = self._feeds[key]
        feed.readers += 1
        return feed

    def _leave(self, key: Key, feed: Feed) -> None:
        feed.readers -= 1
        if not feed.readers and key in self._feeds and self._feeds[key][0] is feed:
            _, task = self._feeds.pop(key)
            task.cancel()
            self._followed[key.flow_id].discard(key)
            if not self._followed[key.flow_id]:
                del self._followed[key.flow_id]

    def _touch(self, flow_id: str) -> None:
        for key in self._followed.get(flow_id, ()):
            self._feeds[key][0].touch()

    async def _listen(self) -> None:
        # A cancellation that meets a dying connection surfaces as that connection's error: hence the flag.
        while not self._closing:
            try:
                async with self._pool.acquire() as connection:
                    await self._hear(connection)
            except PASSING as error:
                log.warning("listening_lost", error=type(error).__name__)
                await asyncio.sleep(RECONNECT)

    async def _hear(self, connection: asyncpg.Connection) -> None:
        lost = asyncio.Event()

        def heard(_connection: object, _pid: int, _channel: str, flow_id: object) -> None:
            self._touch(str(flow_id))

        def ended(_connection: object) -> None:
            lost.set()

        connection.add_termination_listener(ended)
        await connection.add_listener(CHANNEL, heard)
        try:
            for feed, _ in self._feeds.values():
                feed.touch()  # whatever was said while nobody listened
            while not lost.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(lost.wait(), PROBE)
                await connection.execute("select 1")
        finally:
            if not lost.is_set():
                connection.remove_termination_listener(ended)
                await connection.remove_listener(CHANNEL, heard)

    async def _watch(self) -> None:
        while True:
            try:
                await self._transport.watch([StageProgressed.KIND], self._progressed)
                return
            except PASSING as error:
                log.warning("watching_unavailable", error=type(error).__name__)
                await asyncio.sleep(RECONNECT)

    def _progressed(self, message: Message) -> None:
        try:
            progress = StageProgressed.from_message(message)
        except DecodeError as error:
            log.warning("progress_undecodable", error=str(error))
            return
        if self._heard.hear(progress):
            self._touch(message.flow)
