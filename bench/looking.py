"""Latencies of a page, taken by a process of its own: what else a benchmark computes must not be waited for in them."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

PAUSE = 0.02
"""Seconds between two looks."""


@asynccontextmanager
async def looking(url: str) -> AsyncIterator[list[float]]:
    """Looks at the page again and again meanwhile; seconds that each look took, there at the end."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.looking", url, stdin=PIPE, stdout=PIPE)
    assert process.stdout is not None
    await process.stdout.readline()
    taken: list[float] = []
    try:
        yield taken
    finally:
        told, _ = await process.communicate(b"")  # which ends its standard input
        taken += json.loads(told)


async def _look(url: str) -> None:
    taken: list[float] = []
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    async with aiohttp.ClientSession() as session:
        await _once(session, url)
        print("looking", flush=True)
        while not ended.done():
            taken.append(await _once(session, url))
            await asyncio.sleep(PAUSE)
    print(json.dumps(taken))


async def _once(session: aiohttp.ClientSession, url: str) -> float:
    start = time.perf_counter()
    async with session.get(url) as answer:
        await answer.read()
        answer.raise_for_status()
    return time.perf_counter() - start


if __name__ == "__main__":
    asyncio.run(_look(sys.argv[1]))
