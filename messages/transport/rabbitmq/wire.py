"""What we say in a message's headers: the attempt, and of a dead letter where it died, why, after how many attempts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiormq.abc import DeliveredMessage

from messages.topology import DELIVERY_LIMIT
from messages.transport.port import DeadLetterRecord
from messages.transport.trail import Trail, decoded, encoded, grown
from messages.transport.verdict import dead_letter

ATTEMPT = "dh-attempt"
DEATHS = "dh-deaths"
QUEUE = "dh-queue"
REASON = "dh-reason"
ATTEMPTS = "dh-attempts"
TRAIL = "dh-trail"

LONGEST_REASON = 4_000
"""Characters: all headers of a message must fit into one frame."""

Headers = dict[str, Any]


def attempt_of(message: DeliveredMessage) -> int:
    """The attempt that this delivery is, from 1; whoever publishes without our header starts at 1."""
    attempt = _headers(message).get(ATTEMPT)
    return attempt if isinstance(attempt, int) and attempt > 0 else 1


def deaths_of(message: DeliveredMessage) -> int:
    """How many takers this message has outlived: what the broker counted of it, and we of the one it was before."""
    headers = _headers(message)
    return _count(headers.get(DEATHS)) + _count(headers.get("x-delivery-count"))


def headers_of(message: DeliveredMessage) -> Headers:
    """The headers of the same message sent on: what it has been through stays with it."""
    headers: Headers = {ATTEMPT: attempt_of(message), DEATHS: deaths_of(message)}
    trail = _headers(message).get(TRAIL)
    return {**headers, TRAIL: trail} if isinstance(trail, str) else headers


def trail_after(message: DeliveredMessage, error: str) -> Trail:
    """The trail of a message whose attempt has just failed, after the deaths of the takers it had before."""
    trail, attempt, deaths = decoded(_headers(message).get(TRAIL)), attempt_of(message), deaths_of(message)
    if deaths and error != died(deaths):
        trail = grown(trail, attempt, died(deaths))
    return grown(trail, attempt, error)


def buried(queue: str, reason: str, attempts: int, trail: Trail) -> Headers:
    """The headers of a dead letter."""
    return {QUEUE: queue, REASON: reason[:LONGEST_REASON], ATTEMPTS: attempts, TRAIL: encoded(trail)}


def record_of(message: DeliveredMessage) -> DeadLetterRecord:
    """A dead letter: one of ours by our headers, one of the broker's (its takers died) by `x-death`, newest first."""
    headers = _headers(message)
    if QUEUE in headers:
        trail, queue, reason = decoded(headers.get(TRAIL)), str(headers[QUEUE]), str(headers.get(REASON))
        return dead_letter(message.body, queue, reason, _count(headers.get(ATTEMPTS)), trail)
    deaths = [death for death in _list(headers.get("x-death")) if isinstance(death, dict)]
    death = next((death for death in deaths if death.get("reason") == "delivery_limit"), deaths[0] if deaths else {})
    queue, reason = str(death.get("queue", "")), str(death.get("reason", "unknown"))
    attempts = attempt_of(message)
    if reason == "delivery_limit":
        reason, attempts = died(DELIVERY_LIMIT), attempts - 1 + DELIVERY_LIMIT
    trail = grown(decoded(headers.get(TRAIL)), attempts, reason)
    return dead_letter(message.body, queue, reason, attempts, trail)


def died(times: int) -> str:
    """The reason of a dead letter that nobody survived."""
    return f"its taker died {times} times"


def _headers(message: DeliveredMessage) -> Mapping[str, Any]:
    return message.header.properties.headers or {}


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
