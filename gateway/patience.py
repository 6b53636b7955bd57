"""Waiting for something of ours no longer than a request should, and not for its tidying up either.

A query that is cancelled on a silent database is tidied up by asyncpg for up to the connection's command timeout:
whoever only cancels waits that long. So the work runs in a task of its own, which is told to stop and left to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def leave(task: asyncio.Task[Any]) -> None:
    """Tells a task to stop and does not wait for it; what it still raises is of no interest to anybody."""
    if task.done():
        return
    task.cancel()
    task.add_done_callback(_left)


def _left(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()


async def in_time(question: Coroutine[Any, Any, T], seconds: float) -> T:
    """The answer; raises TimeoutError after that many seconds, whatever the question is doing then."""
    task = asyncio.create_task(question)
    try:
        async with asyncio.timeout(seconds):
            return await asyncio.shield(task)
    finally:
        leave(task)
