"""How tasks end that run for ever and survive outages."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

AGAIN = 2.0
"""Seconds that a task may take to tidy up after it was cancelled, before it is cancelled again."""


async def end_of(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Returns when all tasks have ended or were cancelled; raises as soon as one of them has raised."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    for task in done:
        if not task.cancelled():
            task.result()


async def dismiss(*tasks: asyncio.Task[Any]) -> None:
    """Cancels tasks until all have ended; what they raise is of no interest any more.

    Once is not enough: `asyncio.wait_for` of Python 3.11, which aiormq uses, forgets a cancellation that comes with its
    result; and where a connection is lost in the same moment a library may raise that instead. The task, which survives
    lost connections, then goes on, and a process that waits for it never ends.
    """
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=AGAIN)
    for task in tasks:
        if not task.cancelled():
            task.exception()


def cancelled_by_us() -> bool:
    """Whether somebody cancelled this task: a lost connection surfaces as CancelledError too, and is only an error."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
