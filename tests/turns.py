"""Turns without a window: whatever waits is said."""

from __future__ import annotations

import asyncpg

from messages.settings import TurnSettings
from messages.turns import Turns

WIDE = TurnSettings(jobs=1_000, bytes=10**12)


async def say_all(pool: asyncpg.Pool) -> int:
    """Puts the first jobs that wait into the outbox, as a worker does; how many."""
    return await Turns(pool, WIDE).look()
