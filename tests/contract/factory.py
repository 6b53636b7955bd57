"""The two transports as the contract suite sees them: how to open one, and how strangers meddle with its broker."""

from __future__ import annotations

import asyncio
from typing import Protocol

import aio_pika
import asyncpg

from messages.transport.port import Transport
from messages.transport.postgres import PostgresTransport
from messages.transport.rabbitmq import RabbitTransport

LEASE = 2.0
"""Seconds: the embedded transport notices a dead taker after this time (20 in production)."""

BUG_DELAY = 1.0
"""Seconds until a message whose handler raised comes again (5 in production)."""


SILENCE = 3.0
"""Seconds after which RabbitMQ is asked anew by a slot that was given nothing (60 in production)."""


class TransportFactory(Protocol):
    """One broker with its transport; `url` is what another process needs to reach it."""

    url: str

    def __call__(self) -> Transport:
        """A new transport, as another process would open it; closed at the end of the test."""

    async def put_raw(self, queue: str, body: bytes) -> None:
        """Bytes that no publisher of ours would send, straight into a queue."""

    async def delete_queue(self, queue: str) -> None:
        """What an operator does by mistake."""

    async def close(self) -> None:
        """Closes every transport that was opened."""


class PostgresFactory:
    """The embedded transport on one database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._opened: list[Transport] = []

    def __call__(self) -> Transport:
        transport = PostgresTransport(self.url, lease=LEASE, bug_delay=BUG_DELAY)
        self._opened.append(transport)
        return transport

    async def put_raw(self, queue: str, body: bytes) -> None:
        await self._run("insert into delivery (queue, message_id, body) values ($1, '', $2)", queue, body)

    async def delete_queue(self, queue: str) -> None:
        await self._run("delete from delivery where queue = $1", queue)
        await self._run("delete from queue where name = $1", queue)

    async def _run(self, statement: str, *arguments: object) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(statement, *arguments)
        finally:
            await connection.close()

    async def close(self) -> None:
        await asyncio.gather(*(transport.close() for transport in self._opened))


class RabbitFactory:
    """The production transport on one virtual host."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._opened: list[Transport] = []

    def __call__(self) -> Transport:
        transport = RabbitTransport(self.url, bug_delay=BUG_DELAY, silence=SILENCE)
        self._opened.append(transport)
        return transport

    async def put_raw(self, queue: str, body: bytes) -> None:
        connection = await aio_pika.connect(self.url)
        async with connection, connection.channel() as channel:
            await channel.default_exchange.publish(aio_pika.Message(body), queue)

    async def delete_queue(self, queue: str) -> None:
        connection = await aio_pika.connect(self.url)
        async with connection, connection.channel() as channel:
            await channel.queue_delete(queue)

    async def close(self) -> None:
        await asyncio.gather(*(transport.close() for transport in self._opened))


def factory_of(url: str) -> TransportFactory:
    """The factory for a database's or a broker's address."""
    return RabbitFactory(url) if url.startswith("amqp") else PostgresFactory(url)
