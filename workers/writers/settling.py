"""From what a writer does to the verdict on its delivery."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from messages.database import TRANSIENT
from messages.errors import PermanentError, TransientError
from messages.transport.port import Ack, Delivery, Handler, Verdict
from workers.retry import verdict_on

log = structlog.get_logger()


def settling(write: Callable[[Delivery], Awaitable[None]]) -> Handler:
    """A handler that is done when `write` is, and tries again what a server refused for the moment."""

    async def handle(delivery: Delivery) -> Verdict:
        try:
            await write(delivery)
        except Exception as error:
            verdict = verdict_on(known(error), delivery.attempt)
            log.warning(
                "event_not_written",
                queue=delivery.queue,
                message=delivery.message.id,
                flow=delivery.message.flow,
                attempt=delivery.attempt,
                verdict=type(verdict).__name__,
                error=str(error),
                exc_info=not isinstance(known(error), TransientError | PermanentError),
            )
            return verdict
        return Ack()

    return handle


def known(error: Exception) -> Exception:
    """The error in our own terms, where the database raised it."""
    if isinstance(error, TRANSIENT):
        return TransientError(f"database: {type(error).__name__}: {error}")
    return error
