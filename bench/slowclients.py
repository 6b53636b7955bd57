"""What 200 clients that never finish their request cost the others: `python -m bench.slowclients`.

Latencies of a page and of a search, by one client after the other, without and with the slow ones, in turns.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp

from bench.servers import percentile, publisher, system
from tests.publisher import small_package

ROUNDS, REQUESTS = 5, 200
DRIP = 2.0
"""Seconds between two bytes of a slow client."""


@asynccontextmanager
async def slow_clients(url: str, count: int) -> AsyncIterator[None]:
    """So many connections that send a header byte by byte, and come again when they are thrown out."""
    tasks = [asyncio.create_task(_drip(url)) for _ in range(count)]
    await asyncio.sleep(DRIP)  # all are connected
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _drip(url: str) -> None:
    address = urlsplit(url)
    while True:
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            writer.write(b"GET / HTTP/1.1\r\nHost: here\r\nX-Slow: ")
            while True:
                writer.write(b"a")
                await writer.drain()
                await asyncio.sleep(DRIP)
        except ConnectionError:
            continue
        finally:
            writer.close()


async def latencies(url: str) -> list[float]:
    """Seconds for each request."""
    taken = []
    async with aiohttp.ClientSession() as session:
        for number in range(REQUESTS):
            path = "/bench/calm" if number % 2 else "/metastore/search?q=package"
            start = time.perf_counter()
            async with session.get(f"{url}{path}") as answer:
                assert answer.status == 200, await answer.text()
                await answer.read()
            taken.append(time.perf_counter() - start)
    return taken


async def measure(clients: int) -> None:
    async with system("postgres", DH_RATE_ACCOUNT="0") as stack, publisher(stack) as user:
        await user.ended(await user.push(*small_package("calm")))
        alone: list[float] = []
        beside: list[float] = []
        for _ in range(ROUNDS):
            alone += await latencies(stack.url)
            async with slow_clients(stack.url, clients):
                beside += await latencies(stack.url)
    print(f"| requests | p50 | p99 |\n| --- | --- | --- |\n{_row('alone', alone)}\n{_row(f'{clients} slow', beside)}")
    print(f"p99 with them: {percentile(beside, 0.99) / percentile(alone, 0.99):.2f} x")


def _row(name: str, taken: list[float]) -> str:
    return f"| {name} | {percentile(taken, 0.5) * 1000:.1f} ms | {percentile(taken, 0.99) * 1000:.1f} ms |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=200)
    asyncio.run(measure(parser.parse_args().clients))


if __name__ == "__main__":
    main()
