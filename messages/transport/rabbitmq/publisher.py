"""Publishing with confirms: one channel, any number of messages on their way, each with a deadline."""

from __future__ import annotations

import asyncio
from typing import cast

from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import PublishError
from aiormq import Channel as UnderlayChannel
from pamqp.commands import Basic

from messages.envelope import MEDIA_TYPE
from messages.errors import TransientError, Unroutable
from messages.transport.rabbitmq.link import DEADLINE, Link, Missing, trouble
from messages.transport.rabbitmq.queues import declare_topology
from messages.transport.rabbitmq.wire import Headers

PERSISTENT = 2
"""AMQP 0-9-1, delivery-mode."""


class Publisher:
    """Publishes on a connection of its own."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._channel: AbstractChannel | None = None
        self._underlay: UnderlayChannel | None = None
        self._opening = asyncio.Lock()

    async def declare(self) -> None:
        """Makes the topology exist; on a channel of its own, for a refusal closes it."""
        channel = await self._link.channel()
        try:
            await declare_topology(channel)
        finally:
            await close_channel(channel)

    async def publish(
        self, exchange: str, routing_key: str, body: bytes, *, headers: Headers | None = None, mandatory: bool
    ) -> None:
        """Returns when the broker has confirmed; raises Unroutable (only where `mandatory`) or TransientError.

        The AMQP message id is left to the library, which makes a random one: it tells returned messages apart by it, so
        ours, the same for a message said twice, would confuse two that are on their way together.
        """
        properties = Basic.Properties(headers=headers, content_type=MEDIA_TYPE, delivery_mode=PERSISTENT)
        try:
            with trouble(f"publishing to {exchange}"):
                async with asyncio.timeout(DEADLINE):
                    channel = await self._opened()
                    await self._link.room()
                    await channel.basic_publish(
                        body,
                        exchange=exchange,
                        routing_key=routing_key,
                        properties=properties,
                        mandatory=mandatory,
                        wait=False,  # else the next one may only start when this one is with the kernel
                    )
        except Missing:
            await self.declare()
            raise
        except TransientError as error:
            if isinstance(error.__cause__, PublishError):
                raise Unroutable(f"no queue takes {routing_key}") from error
            raise

    async def _opened(self) -> UnderlayChannel:
        if self._underlay is None or self._underlay.is_closed:
            async with self._opening:
                if self._underlay is None or self._underlay.is_closed:
                    self._channel = await self._link.channel(confirms=True)
                    self._underlay = cast(UnderlayChannel, await self._channel.get_underlay_channel())
        return self._underlay


async def close_channel(channel: AbstractChannel) -> None:
    """Closes a channel that may be gone already."""
    if channel.is_closed:
        return
    try:
        with trouble("closing a channel"):
            async with asyncio.timeout(DEADLINE):
                await channel.close()
    except TransientError:
        return
