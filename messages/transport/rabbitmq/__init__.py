"""The production transport: quorum queues of RabbitMQ, through aio-pika."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from aio_pika.abc import AbstractChannel, AbstractQueue
from aiormq.abc import DeliveredMessage

from messages.envelope import Message
from messages.topology import DEAD_QUEUE, EVENTS, JOBS, MEMORY_QUEUE, QUEUES, SIGN, Queue
from messages.transport.port import Ack, Consumer, DeadHandler, DeadLetter, Handler, Retry, Verdict, Watcher
from messages.transport.rabbitmq.consumer import SILENCE, Judge, QueueConsumer, Settle
from messages.transport.rabbitmq.link import DEADLINE, Link, Missing, trouble
from messages.transport.rabbitmq.memory import has_sign
from messages.transport.rabbitmq.publisher import Publisher, close_channel
from messages.transport.rabbitmq.queues import ONE, SET_ASIDE, WORK, declare_exchanges, declare_queue
from messages.transport.rabbitmq.watch import QueueWatch
from messages.transport.rabbitmq.wire import buried, record_of
from messages.transport.rabbitmq.work import Work, acknowledge, insist, retry
from messages.transport.verdict import (
    BUG_DELAY,
    body_of,
    dead_verdict_of,
    require_event_patterns,
)

log = structlog.get_logger()


class RabbitTransport:
    """Implements `Transport`."""

    def __init__(self, url: str, *, bug_delay: float = BUG_DELAY, silence: float = SILENCE) -> None:
        self._bug_delay = bug_delay
        self._silence = silence
        self._consuming = Link(url, "dh consumer")
        self._publishing = Link(url, "dh publisher")
        self._publisher = Publisher(self._publishing)
        self._queues: dict[str, Queue] = {queue.name: queue for queue in QUEUES}
        self._consumers: list[Consumer] = []

    async def declare(self) -> None:
        """See the port. Raises PermanentError where a queue exists with other arguments."""
        await self._publisher.declare()

    async def publish(self, *messages: Message) -> None:
        """See the port. Where one fails the others may have been sent; the first failure is raised."""
        bodies = [body_of(message) for message in messages]
        if len(messages) == 1:
            await self._say(messages[0], bodies[0])
            return
        outcomes = await asyncio.gather(
            *(self._say(message, body) for message, body in zip(messages, bodies, strict=True)),
            return_exceptions=True,
        )
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    async def _say(self, message: Message, body: bytes) -> None:
        exchange = JOBS if message.is_job else EVENTS
        await self._publisher.publish(exchange, message.kind, body, mandatory=message.is_job)

    async def put(self, queue: str, body: bytes) -> None:
        """See the port."""
        await self._publisher.publish("", queue, body, mandatory=True)

    async def consume(self, queue: str, handler: Handler, *, slots: int = 1) -> Consumer:
        """See the port."""
        work = Work(self._publisher, queue, handler, self._bug_delay)
        return await self._start(queue, work.judge, work.settle, slots)

    async def consume_dead(self, handler: DeadHandler) -> Consumer:
        """See the port."""

        async def judge(received: DeliveredMessage) -> Verdict:
            return await dead_verdict_of(handler, record_of(received))

        async def settle(received: DeliveredMessage, verdict: Verdict | None) -> None:
            record = record_of(received)
            headers = buried(record.queue, record.reason, record.attempts, record.trail)
            match verdict:
                case Ack():
                    pass
                case Retry(delay=delay):
                    await retry(self._publisher, DEAD_QUEUE.name, delay, received, headers)
                case DeadLetter() | None:
                    await insist(self._publisher, "", DEAD_QUEUE.name, received, headers)
            await acknowledge(received, DEAD_QUEUE.name)

        return await self._start(DEAD_QUEUE.name, judge, settle, 1)

    async def _start(self, queue: str, judge: Judge, settle: Settle, slots: int) -> Consumer:
        async def declare(channel: AbstractChannel) -> AbstractQueue:
            return await self._declared(channel, queue)

        consumer = QueueConsumer(self._consuming, queue, declare, judge, settle, self._silence)
        await consumer.start(slots)
        self._consumers.append(consumer)
        return consumer

    async def _declared(self, channel: AbstractChannel, name: str) -> AbstractQueue:
        """The queue, made anew where somebody deleted it (its messages are gone; `rescue` re-enqueues their flows)."""
        if name == DEAD_QUEUE.name:
            return await declare_queue(channel, DEAD_QUEUE, SET_ASIDE)
        if name in self._queues:
            return await declare_queue(channel, self._queues[name], WORK)
        with trouble(f"looking for {name}"):
            async with asyncio.timeout(DEADLINE):
                return await channel.get_queue(name)

    async def subscribe(self, queue: str, patterns: Sequence[str]) -> None:
        """See the port."""
        require_event_patterns(patterns)
        self._queues[queue] = Queue(queue, tuple((EVENTS, pattern) for pattern in patterns))
        channel = await self._consuming.channel()
        try:
            await declare_exchanges(channel)
            await declare_queue(channel, self._queues[queue], WORK)
        finally:
            await close_channel(channel)

    async def watch(self, patterns: Sequence[str], watcher: Watcher) -> Consumer:
        """See the port."""
        require_event_patterns(patterns)
        watch = QueueWatch(self._consuming, patterns, watcher)
        await watch.start()
        self._consumers.append(watch)
        return watch

    async def depth(self, queue: str, *, most: int | None = None) -> int:
        """See the port. 0 for a queue that does not exist."""
        channel = await self._consuming.channel()
        try:
            with trouble(f"counting {queue}"):
                async with asyncio.timeout(DEADLINE):
                    found = await channel.declare_queue(queue, passive=True)
        except Missing:
            return 0
        finally:
            await close_channel(channel)
        return found.declaration_result.message_count or 0

    async def remembers(self) -> bool:
        """See the port."""
        return await has_sign(self._consuming)

    async def remember(self) -> None:
        """See the port."""
        channel = await self._consuming.channel()
        try:
            await declare_queue(channel, MEMORY_QUEUE, ONE)
        finally:
            await close_channel(channel)
        await self.put(MEMORY_QUEUE.name, SIGN)

    async def close(self) -> None:
        """See the port."""
        await asyncio.gather(*(consumer.stop(0) for consumer in self._consumers))
        await self._publishing.close()
        await self._consuming.close()
