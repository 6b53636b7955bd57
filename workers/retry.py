"""What becomes of a message whose handling failed: a pure function of the error and the attempt."""

from __future__ import annotations

import random
from collections.abc import Callable

from messages.errors import PermanentError, TransientError
from messages.topology import RETRY_DELAYS
from messages.transport.port import DeadLetter, Retry

TRANSIENT_ATTEMPTS = 30
"""About three quarters of an hour with the ladder's longest delay: an outage that an operator notices and mends."""
BUG_ATTEMPTS = 3
"""A fault of ours may depend on the moment; three times it does not."""

Jitter = Callable[[float, float], float]


def verdict_on(error: BaseException, attempt: int, jitter: Jitter = random.uniform) -> Retry | DeadLetter:
    """Retry with full jitter up to the ladder's step for this attempt (1 is the first), or the dead letters.

    `jitter(low, high)` chooses the delay in seconds. TransientError is retried TRANSIENT_ATTEMPTS times, PermanentError
    never, anything else is a bug of ours and tried BUG_ATTEMPTS times.
    """
    reason = f"{type(error).__name__}: {error}"[:1_000]
    if isinstance(error, PermanentError):
        return DeadLetter(reason)
    attempts = TRANSIENT_ATTEMPTS if isinstance(error, TransientError) else BUG_ATTEMPTS
    if attempt >= attempts:
        return DeadLetter(f"{reason} (after {attempt} attempts)")
    return Retry(jitter(0.0, RETRY_DELAYS[min(attempt, len(RETRY_DELAYS)) - 1]), reason)
