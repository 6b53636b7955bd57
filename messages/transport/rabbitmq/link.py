"""A connection to RabbitMQ that is made anew when it was lost, and what its trouble looks like.

On purpose not aio-pika's robust connection: that restores consumers behind our back, and what it cannot restore stays
silent. Here whoever holds a channel sees it close, and asks for another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import aio_pika
from aio_pika.abc import AbstractChannel
from aio_pika.connection import make_url
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, ChannelNotFoundEntity, ChannelPreconditionFailed

from messages.ending import cancelled_by_us
from messages.errors import PermanentError, TransientError
from messages.transport.rabbitmq.gathering import Gathering

HEARTBEAT = 10
"""Seconds; a broker that hangs is given up after (10 + 1) x 3 (aiormq), with the default of 60 after 3 minutes."""

DEADLINE = 5.0
"""Seconds for one exchange with the broker."""


class Missing(TransientError):
    """A queue or an exchange is not there (any more): worth declaring the topology again."""


class Link:
    """One connection; `name` is what operators see. Publishing and consuming need one each, for a broker that runs out
    of memory or disk blocks a connection that publishes, with the acknowledgements on it."""

    def __init__(self, url: str, name: str) -> None:
        self._url = make_url(url, heartbeat=HEARTBEAT, name=name)
        self._gathering = Gathering()
        self._connection: aio_pika.Connection | None = None
        self._connecting = asyncio.Lock()

    async def channel(self, *, confirms: bool = False) -> AbstractChannel:
        """A new open channel; with `confirms` a returned message raises there. Raises TransientError: no broker."""
        with trouble("connecting"):
            async with asyncio.timeout(DEADLINE):
                connection = await self._connected()
                channel = connection.channel(publisher_confirms=confirms, on_return_raises=confirms)
                await channel.initialize()
        return channel

    async def room(self) -> None:
        """Waits while the broker does not read: what is written meanwhile would only pile up here."""
        await self._gathering.room()

    async def close(self) -> None:
        """Says goodbye; a broker that is gone is left without it."""
        await self._leave()

    async def _connected(self) -> aio_pika.Connection:
        async with self._connecting:
            # `is_closed` would say no: it only knows of a close of our own.
            if self._connection is None or not self._connection.connected.is_set():
                await self._leave()
                self._connection = connection = aio_pika.Connection(self._url)
                connection.kwargs["transport_factory"] = self._gathering  # aiormq's; aio-pika has no name for it
                await connection.connect()
            return self._connection

    async def _leave(self) -> None:
        """Closes what there is, be it open, lost, or a connection that never came about.

        The library closes what was left open when it is collected as garbage, in whatever thread that happens.
        """
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(TransientError), trouble("closing"):
                async with asyncio.timeout(DEADLINE):
                    await connection.close()
            await connection.close()  # whoever did not get to say goodbye is closed by now, and only has to know it


def is_timeout(error: BaseException | None) -> bool:
    """Whether a channel was closed because a delivery was not settled within the broker's `consumer_timeout`."""
    return isinstance(error, ChannelPreconditionFailed) and "delivery acknowledgement" in str(error)


@contextmanager
def trouble(what: str) -> Iterator[None]:
    """Makes every form in which a lost, hung or refusing broker surfaces a TransientError.

    CancelledError is one of them: a call on a connection that dies is cancelled, though nobody cancelled our task.
    """
    try:
        yield
    except ChannelPreconditionFailed as error:
        if is_timeout(error):
            raise TransientError(f"RabbitMQ: {what}: {error}") from error
        raise PermanentError(f"RabbitMQ has it with other arguments, it needs a new name: {error}") from error
    except ChannelNotFoundEntity as error:
        raise Missing(f"RabbitMQ: {what}: {error}") from error
    except asyncio.CancelledError as error:
        if cancelled_by_us():
            raise
        raise TransientError(f"RabbitMQ: {what}: the connection was lost") from error
    except CONNECTION_EXCEPTIONS as error:
        raise TransientError(f"RabbitMQ: {what}: {type(error).__name__}: {error}") from error
