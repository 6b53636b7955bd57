"""A task that looks whenever something is notified, and now and then whatever was."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from messages.database import TRANSIENT
from messages.errors import TransientError
from messages.transport.backoff import Backoff

OUTAGE: tuple[type[BaseException], ...] = (*TRANSIENT, TransientError)

log = structlog.get_logger()


async def look_always(
    name: str, pool: asyncpg.Pool, channel: str, poll: float, look: Callable[[], Awaitable[bool]]
) -> None:
    """Calls `look` until cancelled: again at once where it is True, for there may be more; else when the NOTIFY channel
    rings, at the latest after `poll` seconds. An outage is logged under `name` and waited for."""
    backoff = Backoff()
    while True:
        try:
            await _look_connected(pool, channel, poll, look, backoff)
        except OUTAGE as error:
            log.warning(f"{name}_interrupted", reason=f"{type(error).__name__}: {error}")
        await backoff.wait()


async def _look_connected(
    pool: asyncpg.Pool, channel: str, poll: float, look: Callable[[], Awaitable[bool]], backoff: Backoff
) -> None:
    woken = asyncio.Event()

    def wake(*_: object) -> None:
        woken.set()

    async with pool.acquire() as connection:
        await connection.add_listener(channel, wake)
        try:
            while not connection.is_closed():
                woken.clear()
                if not await look():
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(poll):
                            await woken.wait()
                backoff.reset()
        finally:
            with contextlib.suppress(*TRANSIENT):
                await connection.remove_listener(channel, wake)
