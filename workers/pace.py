"""How fast something goes, without the jumps: what was done lately counts most."""

from __future__ import annotations

import math

MEMORY = 10.0
"""Seconds after which a speed counts a third of what it counted."""
SOONEST = 0.5
"""Seconds from the start before anything is said of the speed."""


class Pace:
    """Of one thing that began at `now`, in seconds of any clock."""

    def __init__(self, now: float) -> None:
        self._began = self._at = now
        self._done = 0
        self._rate = 0.0
        self._weight = 0.0

    def reach(self, done: int, now: float) -> int | None:
        """So much is done by now; how many a second that is. None where it is too soon to tell."""
        if (passed := now - self._at) > 0:
            kept = math.exp(-passed / MEMORY)
            self._rate = self._rate * kept + (done - self._done) / passed * (1 - kept)
            self._weight = self._weight * kept + 1 - kept
            self._done, self._at = done, now
        return round(self._rate / self._weight) if now - self._began >= SOONEST and self._weight else None
