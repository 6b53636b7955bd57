"""A sign of life for whoever watches a worker from outside: a file that is touched while the event loop turns."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

INTERVAL = 5.0
"""Seconds between two signs."""
STALE = 30.0
"""Seconds without one after which the process hangs, or is gone."""


async def beat(path: Path) -> None:
    """Touches the file until cancelled."""
    while True:
        path.touch()
        await asyncio.sleep(INTERVAL)


def is_alive(path: Path) -> bool:
    """True where the last sign is fresh."""
    try:
        return time.time() - path.stat().st_mtime < STALE
    except FileNotFoundError:
        return False
