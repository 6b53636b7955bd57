"""The embedded transport: the port's promises on three tables of PostgreSQL, no broker needed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from messages.envelope import Message
from messages.errors import DecodeError
from messages.topology import DEAD_QUEUE, MEMORY_QUEUE, QUEUES, SIGN, retry_delay
from messages.transport.port import Consumer, DeadHandler, DeadLetter, Delivery, Handler, Retry, Verdict, Watcher
from messages.transport.postgres.consumer import Judge, QueueConsumer
from messages.transport.postgres.database import Database
from messages.transport.postgres.deliveries import Claimed, Deliveries
from messages.transport.postgres.doorbell import Doorbell
from messages.transport.postgres.sending import Sending
from messages.transport.postgres.watch import QueueWatch
from messages.transport.trail import trail_of
from messages.transport.verdict import (
    BUG_DELAY,
    dead_letter,
    dead_verdict_of,
    require_event_patterns,
    verdict_of,
)

LEASE = 20.0
"""Seconds without a sign of life after which a taker's message comes again; renewed each quarter of it."""

CONNECTIONS = 6
"""Connections of a process: statements are short, slots share them. One more listens."""


class PostgresTransport:
    """Implements `Transport`. Needs sessions of its own: not through a pooler in transaction mode (LISTEN)."""

    def __init__(self, database_url: str, *, lease: float = LEASE, bug_delay: float = BUG_DELAY) -> None:
        self._lease = lease
        self._bug_delay = bug_delay
        self._database = Database(database_url, CONNECTIONS)
        self._deliveries = Deliveries(self._database, lease)
        self._sending = Sending(self._database)
        self._doorbell = Doorbell(database_url, self._deliveries)
        self._consumers: list[Consumer] = []

    async def declare(self) -> None:
        """See the port."""
        for queue in (*QUEUES, DEAD_QUEUE):
            # The dead letters have no binding here: rows are moved there, nothing is published to them.
            keys = [key for _, key in queue.bindings] if queue is not DEAD_QUEUE else []
            await self._deliveries.declare(queue.name, keys)

    async def publish(self, *messages: Message) -> None:
        """See the port. All or none."""
        await self._sending.publish(messages)

    async def put(self, queue: str, body: bytes) -> None:
        """See the port."""
        await self._deliveries.put(queue, body)

    async def consume(self, queue: str, handler: Handler, *, slots: int = 1) -> Consumer:
        """See the port."""

        async def judge(claimed: Claimed) -> Verdict:
            try:
                message = Message.decode(claimed.body)
            except DecodeError as error:
                return DeadLetter(str(error))
            delivery = Delivery(message=message, queue=queue, attempt=claimed.attempt, redelivered=claimed.taken > 1)
            verdict = await verdict_of(handler, delivery, self._bug_delay)
            return Retry(retry_delay(verdict.delay), verdict.reason) if isinstance(verdict, Retry) else verdict

        return self._start(queue, judge, slots)

    async def consume_dead(self, handler: DeadHandler) -> Consumer:
        """See the port."""

        async def judge(claimed: Claimed) -> Verdict:
            queue, reason, trail = claimed.origin or "", claimed.reason or "", trail_of(claimed.trail)
            record = dead_letter(claimed.body, queue, reason, claimed.attempt, trail)
            return await dead_verdict_of(handler, record)

        return self._start(DEAD_QUEUE.name, judge, 1)

    def _start(self, queue: str, judge: Judge, slots: int) -> Consumer:
        consumer = QueueConsumer(self._deliveries, self._doorbell, queue, judge, slots, self._lease)
        self._consumers.append(consumer)
        return consumer

    async def subscribe(self, queue: str, patterns: Sequence[str]) -> None:
        """See the port."""
        require_event_patterns(patterns)
        await self._deliveries.declare(queue, patterns)

    async def watch(self, patterns: Sequence[str], watcher: Watcher) -> Consumer:
        """See the port."""
        require_event_patterns(patterns)
        queue = f"watch.{secrets.token_hex(8)}"
        await self._deliveries.declare(queue, patterns, durable=False)
        watch = QueueWatch(self._deliveries, self._doorbell, queue, patterns, watcher)
        self._consumers.append(watch)
        return watch

    async def depth(self, queue: str, *, most: int | None = None) -> int:
        """See the port."""
        return await self._deliveries.depth(queue, most)

    async def remembers(self) -> bool:
        """See the port. Its queues live in the database of whoever asks: they are lost together or not at all."""
        return await self._deliveries.depth(MEMORY_QUEUE.name) > 0

    async def remember(self) -> None:
        """See the port."""
        await self._deliveries.declare(MEMORY_QUEUE.name, [])
        if not await self.remembers():
            await self._deliveries.put(MEMORY_QUEUE.name, SIGN)

    async def close(self) -> None:
        """See the port."""
        for consumer in self._consumers:
            await consumer.stop(0)
        await self._doorbell.close()
        await self._database.close()
