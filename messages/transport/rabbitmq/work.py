"""From a delivery of a work queue to its settlement."""

from __future__ import annotations

import asyncio

import structlog
from aiormq.abc import DeliveredMessage

from messages.envelope import Message
from messages.errors import DecodeError, TransientError, Unroutable
from messages.faultpoint import faultpoint
from messages.topology import DEAD, DELIVERY_LIMIT, RETRY_QUEUES, retry_delay
from messages.transport.backoff import Backoff
from messages.transport.port import Ack, DeadLetter, Delivery, Handler, Retry, Verdict
from messages.transport.rabbitmq.link import DEADLINE, trouble
from messages.transport.rabbitmq.publisher import Publisher
from messages.transport.rabbitmq.suspects import Suspects
from messages.transport.rabbitmq.wire import (
    ATTEMPT,
    TRAIL,
    Headers,
    attempt_of,
    buried,
    deaths_of,
    died,
    headers_of,
    trail_after,
)
from messages.transport.trail import encoded
from messages.transport.verdict import verdict_of

log = structlog.get_logger()


class Work:
    """The judgement and the settlement of one consumer's deliveries."""

    def __init__(self, publisher: Publisher, queue: str, handler: Handler, bug_delay: float) -> None:
        self._publisher = publisher
        self._queue = queue
        self._handler = handler
        self._bug_delay = bug_delay
        self._suspects = Suspects()

    async def judge(self, received: DeliveredMessage) -> Verdict:
        """The handler's verdict; a message that its takers do not survive is never handed over again."""
        deaths = deaths_of(received)
        if not deaths:
            return await self._hear(received)
        if deaths >= DELIVERY_LIMIT:
            return DeadLetter(died(deaths))
        if self._suspects.examined:
            async with self._suspects.leaving() as delay:
                await come_back(self._publisher, self._queue, delay, received, headers_of(received))
            return Ack()
        async with self._suspects.examination():
            return await self._hear(received)

    async def settle(self, received: DeliveredMessage, verdict: Verdict | None) -> None:
        """Carries out a verdict, what is published for it confirmed before the delivery is done."""
        attempt = attempt_of(received)
        match verdict:
            case Ack():
                pass
            case Retry(delay=delay, reason=reason):
                headers: Headers = {ATTEMPT: attempt + 1, TRAIL: encoded(trail_after(received, reason))}
                await retry(self._publisher, self._queue, delay, received, headers)
            case DeadLetter(reason=reason):
                attempts = attempt - 1 + max(deaths_of(received), 1)
                headers = buried(self._queue, reason, attempts, trail_after(received, reason))
                await insist(self._publisher, DEAD, self._queue, received, headers)
            case None:
                await give_back(self._publisher, self._queue, received)
        await acknowledge(received, self._queue)

    async def _hear(self, received: DeliveredMessage) -> Verdict:
        try:
            message = Message.decode(received.body)
        except DecodeError as error:
            return DeadLetter(str(error))
        attempt, redelivered = attempt_of(received), bool(received.redelivered or deaths_of(received))
        delivery = Delivery(message=message, queue=self._queue, attempt=attempt, redelivered=redelivered)
        return await verdict_of(self._handler, delivery, self._bug_delay)


async def give_back(publisher: Publisher, queue: str, received: DeliveredMessage) -> None:
    """Puts it at the end of its queue, with what it has been through."""
    await insist(publisher, "", queue, received, headers_of(received))


async def retry(publisher: Publisher, queue: str, delay: float, received: DeliveredMessage, headers: Headers) -> None:
    """Lets it wait for at least so many seconds, or the longest delay of the ladder."""
    await come_back(publisher, queue, retry_delay(delay), received, headers)


async def come_back(
    publisher: Publisher, queue: str, delay: float, received: DeliveredMessage, headers: Headers
) -> None:
    """Lets it wait in the queue of this delay, from where it comes back to `queue`."""
    [(exchange, _)] = RETRY_QUEUES[delay].bindings
    await insist(publisher, exchange, queue, received, headers)


async def insist(publisher: Publisher, exchange: str, key: str, received: DeliveredMessage, headers: Headers) -> None:
    """Publishes these bytes anew, however long it takes: the delivery is ours until its channel is lost.

    A fresh message and not a `nack`: that carries no attempt, and counts towards the delivery limit on RabbitMQ 3.
    """
    backoff = Backoff()
    while True:
        try:
            await publisher.publish(exchange, key, received.body, headers=headers, mandatory=True)
            return
        except (TransientError, Unroutable) as error:
            log.warning("settle_delayed", exchange=exchange, queue=key, reason=str(error))
        await backoff.wait()


async def acknowledge(received: DeliveredMessage, queue: str) -> None:
    """Settles the delivery; where that is lost, the message comes again and its outcome collapses by the id."""
    faultpoint(queue, "before_ack")
    try:
        with trouble("acknowledging"):
            async with asyncio.timeout(DEADLINE):
                assert received.delivery_tag is not None
                await received.channel.basic_ack(received.delivery_tag, wait=False)
    except TransientError as error:
        log.warning("ack_lost", queue=queue, reason=str(error))
    faultpoint(queue, "after_ack")
