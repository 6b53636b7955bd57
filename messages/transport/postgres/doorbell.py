"""Wakes whoever waits for messages: at once by NOTIFY, within a second by the poll (missed rings, due retries)."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable

import asyncpg
import structlog

from messages.database import TRANSIENT
from messages.ending import dismiss
from messages.errors import TransientError
from messages.transport.backoff import Backoff
from messages.transport.postgres.deliveries import CHANNEL, NO_SESSION, SESSION, Deliveries

POLL = 1.0
"""Seconds between two looks at what is ready, whatever NOTIFY said."""

OPENING = 5.0
"""Seconds that the first claims wait for the session."""

TIDY = 30.0
"""Seconds between two removals of the queues of watchers that are gone."""

Bell = Callable[[int], None]

log = structlog.get_logger()


class Doorbell:
    """One LISTEN connection and one poll per process; a bell is rung with the number of messages that are ready.

    The connection is the session of this process's leases, too: it lives exactly as long as the process.
    """

    def __init__(self, url: str, deliveries: Deliveries) -> None:
        self._url = url
        self._deliveries = deliveries
        self._bells: list[tuple[str, Bell]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._session = secrets.randbits(62) + 1
        self._opened = asyncio.Event()

    def hang(self, queue: str, bell: Bell) -> None:
        """From now on `bell` is rung for messages of the queue."""
        self._bells.append((queue, bell))
        if not self._tasks:
            loop = asyncio.get_running_loop()
            self._tasks = [loop.create_task(self._listen()), loop.create_task(self._poll())]

    async def opened(self) -> None:
        """Returns when there is a session, which what is claimed from now on is part of; or after OPENING seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(OPENING):
                await self._opened.wait()

    def unhang(self, queue: str, bell: Bell) -> None:
        """No more rings."""
        self._bells.remove((queue, bell))

    async def close(self) -> None:
        """Stops listening."""
        await dismiss(*self._tasks)
        self._tasks = []

    def _ring(self, queue: str, count: int) -> None:
        """One sleeper per message: waking all of them for each message halves the throughput."""
        for name, bell in list(self._bells):
            if name == queue:
                bell(count)

    def _notified(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        queue, _, count = str(payload).rpartition(" ")
        self._ring(queue, int(count))

    async def _listen(self) -> None:
        backoff = Backoff()
        while True:
            try:
                await self._listen_once(backoff)
                log.warning("doorbell_lost")
            except TRANSIENT as error:
                log.warning("doorbell_lost", reason=f"{type(error).__name__}: {error}")
            await backoff.wait()

    async def _listen_once(self, backoff: Backoff) -> None:
        connection = await asyncpg.connect(self._url, timeout=10, command_timeout=10)
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _connection: lost.set())
        try:
            await connection.add_listener(CHANNEL, self._notified)
            self._deliveries.session = await connection.fetchval(SESSION, self._session)
            self._opened.set()
            backoff.reset()
            await lost.wait()
        finally:
            self._deliveries.session = NO_SESSION
            with contextlib.suppress(*TRANSIENT):
                await connection.close(timeout=2)

    async def _poll(self) -> None:
        loop = asyncio.get_running_loop()
        tidied = loop.time()
        while True:
            await asyncio.sleep(POLL)
            try:
                await self._deliveries.reap()
                for queue, count in (await self._deliveries.ready([name for name, _ in self._bells])).items():
                    if count:
                        self._ring(queue, count)
                if loop.time() - tidied > TIDY:
                    await self._deliveries.drop_unseen()
                    tidied = loop.time()
            except TransientError as error:
                log.warning("poll_failed", reason=str(error))
