"""How often one caller may ask: counted by address, and by account where a token proved one."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from dataclasses import dataclass

from gateway.problems import Problem

SAVED = 20.0
"""Seconds of its rate that a caller may have saved up and spend at once."""
ROUNDING = 1e-6
"""Seconds that sums of many may be off."""
REMEMBERED = 50_000
"""Callers in memory; whoever has been quiet for longest is forgotten first, which only means a full purse again."""


class Rate:
    """At most `rate` requests a second from each caller on average (0: as many as they like), in this process.

    The generic cell rate algorithm: for each caller one number, the time at which its purse will be full again.
    """

    def __init__(self, name: str, rate: float) -> None:
        self.name = name
        self.rate = rate
        self._full: OrderedDict[str, float] = OrderedDict()

    def wait(self, caller: str, now: float) -> float:
        """Takes one request and returns 0.0, or takes none and returns the seconds until there is one to take."""
        if not self.rate:
            return 0.0
        full = max(self._full.get(caller, now), now) + 1 / self.rate
        wait = full - now - SAVED
        if wait > ROUNDING:
            return wait
        self._full[caller] = full
        self._full.move_to_end(caller)
        while len(self._full) > REMEMBERED:
            self._full.popitem(last=False)
        return 0.0

    def take(self, caller: str) -> None:
        """Takes one request; raises Problem 429 with `Retry-After` where there is none."""
        wait = self.wait(caller, asyncio.get_running_loop().time())
        if not wait:
            return
        seconds = math.ceil(wait)
        text = f"Too many requests from one {self.name}: {self.rate:g} a second are the limit. Wait {seconds} s."
        headers = {
            "Retry-After": str(seconds),
            "RateLimit-Policy": f'"{self.name}";q={math.ceil(self.rate * SAVED)};w={math.ceil(SAVED)}',
            "RateLimit": f'"{self.name}";r=0;t={seconds}',
        }
        raise Problem(429, "too-many-requests", text, headers=headers)


@dataclass(frozen=True, slots=True)
class Rates:
    """Both limits of one process."""

    address: Rate
    account: Rate
