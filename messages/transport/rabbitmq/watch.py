"""A watcher: an exclusive queue without acknowledgements that lives and dies with the connection."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from messages.ending import dismiss, end_of
from messages.envelope import Message
from messages.errors import DecodeError, TransientError
from messages.topology import EVENTS
from messages.transport.backoff import Backoff
from messages.transport.port import Watcher
from messages.transport.rabbitmq.link import DEADLINE, Link, trouble
from messages.transport.rabbitmq.publisher import close_channel
from messages.transport.rabbitmq.queues import declare_exchanges, declare_watch

log = structlog.get_logger()


class QueueWatch:
    """Calls `watcher` for events from `start` on; makes its queue anew when the connection was lost."""

    def __init__(self, link: Link, patterns: Sequence[str], watcher: Watcher) -> None:
        self._link = link
        self._patterns = patterns
        self._watcher = watcher
        self._lost = asyncio.Event()
        self._channel: AbstractChannel | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins; raises TransientError where there is no broker."""
        await self._open()
        self._task = asyncio.create_task(self._keep(), name="watch")

    async def closed(self) -> None:
        """See the port."""
        if self._task is not None:
            await end_of([self._task])

    async def stop(self, grace: float) -> None:
        """Ends at once: there is nothing to wait for."""
        if self._task is not None:
            await dismiss(self._task)
        if self._channel is not None:
            await close_channel(self._channel)

    async def _open(self) -> None:
        channel = await self._link.channel()
        await declare_exchanges(channel)
        queue = await declare_watch(channel, EVENTS, self._patterns)
        self._lost = lost = asyncio.Event()
        channel.close_callbacks.add(lambda *_: lost.set())
        with trouble("watching"):
            async with asyncio.timeout(DEADLINE):
                await queue.consume(self._received, no_ack=True)
        self._channel = channel  # held on to: the library keeps no strong reference

    async def _keep(self) -> None:
        backoff = Backoff()
        while True:
            await self._lost.wait()
            try:
                await self._open()
                backoff.reset()
            except TransientError as error:
                log.warning("watch_interrupted", reason=str(error))
                await backoff.wait()

    async def _received(self, message: AbstractIncomingMessage) -> None:
        try:
            self._watcher(Message.decode(message.body))
        except DecodeError as error:
            log.warning("watched_undecodable", reason=str(error))
        except Exception:
            log.exception("watcher_raised")
