"""When a delivery that failed is tried again, and when no more."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

PAUSES = (5.0, 30.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 28_800.0, 28_800.0, 28_800.0)
"""Seconds before the second attempt, the third, … Even with the least jitter they are more than 25 hours together: a
receiver that was away for a day misses nothing."""
MOST_ATTEMPTS = len(PAUSES) + 1
LEAST = 0.8
"""Of a pause that is always waited; the rest is left to chance, so that those who failed together come back apart."""
LONGEST_WAIT = PAUSES[-1]
"""Seconds that a receiver may ask for."""


def pause(attempts: int, asked: float | None = None) -> float | None:
    """Seconds until the next attempt, after so many that failed; None: there is none. `asked`: by the receiver."""
    if attempts >= MOST_ATTEMPTS:
        return None
    rung = PAUSES[attempts - 1] * random.uniform(LEAST, 1.0)  # noqa: S311 guards nothing
    return max(rung, min(asked or 0.0, LONGEST_WAIT))


def asked_for(retry_after: str | None) -> float | None:
    """Seconds in a `Retry-After` (RFC 9110, 10.2.3: a number of them, or a date); None for none, or what is neither."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 10:
        return float(retry_after)
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - datetime.now(UTC).timestamp()
