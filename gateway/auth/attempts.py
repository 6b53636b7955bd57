"""Slows down who guesses passwords: failed log-ins are counted per account and address, and per address."""

from __future__ import annotations

import time
from collections import OrderedDict, deque

WINDOW = 300.0
"""Seconds that a failure counts."""
PER_ACCOUNT = 10
PER_ADDRESS = 100
_REMEMBERED = 20_000


class Attempts:
    """Counts in this process's memory: with n gateways a guesser has n times as many tries, still far too few."""

    def __init__(self, window: float = WINDOW) -> None:
        self._window = window
        self._failures: OrderedDict[tuple[str, ...], deque[float]] = OrderedDict()

    def wait(self, username: str, address: str) -> int:
        """Seconds until another try is allowed; 0: now."""
        now = time.monotonic()
        return max(
            self._wait((address, username.lower()), PER_ACCOUNT, now),
            self._wait((address,), PER_ADDRESS, now),
        )

    def failed(self, username: str, address: str) -> None:
        """Counts a failure."""
        for key, limit in (((address, username.lower()), PER_ACCOUNT), ((address,), PER_ADDRESS)):
            self._failures.setdefault(key, deque(maxlen=limit)).append(time.monotonic())
            self._failures.move_to_end(key)
        while len(self._failures) > _REMEMBERED:
            self._failures.popitem(last=False)

    def _wait(self, key: tuple[str, ...], limit: int, now: float) -> int:
        failures = self._failures.get(key, deque())
        if len(failures) < limit:
            return 0
        # The deque keeps the last `limit` failures: the oldest of them says when there is room for one more.
        return max(0, int(failures[0] + self._window - now) + 1)
