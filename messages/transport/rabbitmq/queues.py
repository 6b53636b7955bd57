"""The topology as RabbitMQ is told it: every argument is stated, for 3.x and 4.x differ in defaults."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from aio_pika.abc import AbstractChannel, AbstractQueue
from pamqp.common import FieldTable

from messages.topology import DEAD, DEAD_QUEUE, DELIVERY_LIMIT, EXCHANGES, QUEUES, RETRY_QUEUES, Queue
from messages.transport.rabbitmq.link import DEADLINE, trouble

UNLIMITED = 1_000_000_000
"""Deliveries: RabbitMQ 4 drops after 20 where nothing is said, 3.10 knows no word for "never"."""

WATCHED = 10_000
"""Events that wait for a watcher who does not keep up; the oldest go first."""

_KEPT: FieldTable = {
    "x-queue-type": "quorum",
    # With at-least-once the queue keeps a dead letter until its target has confirmed it; it needs reject-publish.
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
}
WORK: FieldTable = {**_KEPT, "x-delivery-limit": DELIVERY_LIMIT - 1, "x-dead-letter-exchange": DEAD}
"""The limit counts returns, so the first delivery is not in it."""

SET_ASIDE: FieldTable = {"x-queue-type": "quorum", "x-overflow": "reject-publish", "x-delivery-limit": UNLIMITED}

ONE: FieldTable = {
    "x-queue-type": "quorum",
    "x-overflow": "drop-head",
    "x-max-length": 1,
    "x-delivery-limit": UNLIMITED,
}
"""Of a queue with a message that is looked at again and again, and replaced by the next one."""


def waiting(delay: float) -> FieldTable:
    """Of a retry delay's queue: what expires goes by the default exchange to the queue named by its routing key."""
    return {
        **_KEPT,
        "x-message-ttl": round(delay * 1000),
        "x-dead-letter-exchange": "",
        "x-delivery-limit": UNLIMITED,
    }


async def declare_topology(channel: AbstractChannel) -> None:
    """Makes everything of `messages.topology` exist; raises TransientError, or PermanentError for other arguments."""
    await declare_exchanges(channel)
    for queue in QUEUES:
        await declare_queue(channel, queue, WORK)
    for delay, queue in RETRY_QUEUES.items():
        await declare_queue(channel, queue, waiting(delay))
    await declare_queue(channel, DEAD_QUEUE, SET_ASIDE)


async def declare_exchanges(channel: AbstractChannel) -> None:
    """Makes the exchanges exist."""
    for name, kind in EXCHANGES.items():
        with trouble(f"declaring {name}"):
            async with asyncio.timeout(DEADLINE):
                await channel.declare_exchange(name, kind, durable=True)


async def declare_queue(channel: AbstractChannel, queue: Queue, arguments: FieldTable) -> AbstractQueue:
    """Makes one durable queue exist, with its bindings."""
    with trouble(f"declaring {queue.name}"):
        async with asyncio.timeout(DEADLINE):
            declared = await channel.declare_queue(queue.name, durable=True, arguments=arguments)
            for exchange, key in queue.bindings:
                await declared.bind(exchange, key)
    return declared


async def declare_watch(channel: AbstractChannel, exchange: str, patterns: Iterable[str]) -> AbstractQueue:
    """Makes a queue that lives as long as the connection."""
    arguments: FieldTable = {"x-queue-type": "classic", "x-max-length": WATCHED, "x-overflow": "drop-head"}
    with trouble("declaring a watch"):
        async with asyncio.timeout(DEADLINE):
            declared = await channel.declare_queue(exclusive=True, auto_delete=True, arguments=arguments)
            for pattern in patterns:
                await declared.bind(exchange, pattern)
    return declared
