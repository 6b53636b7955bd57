"""What both transports do the same way: ask a handler for its verdict, name a dead letter, check a subscription."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

import structlog

from messages.ending import cancelled_by_us
from messages.envelope import MAX_BODY, Message, derived_id
from messages.errors import DecodeError, PermanentError
from messages.faultpoint import faultpoint
from messages.topology import DEAD_QUEUE, DELIVERY_LIMIT, RETRY_DELAYS
from messages.transport.port import (
    Ack,
    DeadHandler,
    DeadLetter,
    DeadLetterRecord,
    Delivery,
    Handler,
    Retry,
    Verdict,
)
from messages.transport.trail import Trail

BUG_DELAY = 5.0
"""Seconds before a message is tried again whose handler raised."""

log = structlog.get_logger()


async def verdict_of(handler: Handler, delivery: Delivery, bug_delay: float) -> Verdict:
    """The handler's verdict; where it raised (a bug of ours) a counted retry, after the limit a dead letter.

    A handler that raised without a verdict would leave its message unsettled and its slot taken for ever.
    """
    faultpoint(delivery.queue, "received")
    try:
        return await handler(delivery)
    except (Exception, asyncio.CancelledError) as error:
        if isinstance(error, asyncio.CancelledError) and cancelled_by_us():
            raise
        log.exception(
            "handler_raised",
            queue=delivery.queue,
            message_id=delivery.message.id,
            kind=delivery.message.kind,
            flow=delivery.message.flow,
            attempt=delivery.attempt,
        )
        reason = f"{type(error).__name__}: {error}"
    if delivery.attempt >= DELIVERY_LIMIT:
        return DeadLetter(reason)
    return Retry(bug_delay, reason)


async def dead_verdict_of(handler: DeadHandler, record: DeadLetterRecord) -> Ack | Retry:
    """The verdict on a dead letter: there is no further place to put it, so all but `Ack` means later."""
    faultpoint(DEAD_QUEUE.name, "received")
    try:
        verdict = await handler(record)
    except (Exception, asyncio.CancelledError) as error:
        if isinstance(error, asyncio.CancelledError) and cancelled_by_us():
            raise
        log.exception("handler_raised", queue=record.queue, dead_letter=record.id)
        return Retry(RETRY_DELAYS[-1], f"{type(error).__name__}: {error}")
    return Retry(RETRY_DELAYS[-1], verdict.reason) if isinstance(verdict, DeadLetter) else verdict


def dead_letter(body: bytes, queue: str, reason: str, attempts: int, trail: Trail = ()) -> DeadLetterRecord:
    """The record of a dead letter; its id is the same each time these bytes die in this queue."""
    try:
        message = Message.decode(body)
    except DecodeError:
        message = None
    return DeadLetterRecord(
        id=derived_id("dead", queue, hashlib.sha256(body).hexdigest()),
        body=body,
        message=message,
        queue=queue,
        reason=reason,
        attempts=attempts,
        trail=trail,
    )


def body_of(message: Message) -> bytes:
    """The bytes of a message; raises PermanentError for more than a broker takes (contents belong elsewhere)."""
    body = message.encode()
    if len(body) > MAX_BODY:
        raise PermanentError(f"message {message.kind} of {len(body)} bytes is over the limit of {MAX_BODY}")
    return body


def require_event_patterns(patterns: Sequence[str]) -> None:
    """Raises ValueError for a pattern of jobs: a job has exactly one taker, its stage."""
    for pattern in patterns:
        if not pattern or pattern.split(".")[0] == "job":
            raise ValueError(f"{pattern!r} matches no event: patterns look like `event.package.*`")
