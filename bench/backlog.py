"""Many pushes: 200 at once to one dataset, then 500 small packages queued while the workers are off."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter

import asyncpg

from bench.servers import TRANSPORTS, publisher, system
from tests.publisher import Publisher, small_package
from tests.stack import Stack


async def concurrent(stack: Stack, user: Publisher, pushes: int) -> None:
    """Push `pushes` revisions of one dataset at the same time."""
    start = time.perf_counter()
    flows = await asyncio.gather(*(user.push(*small_package("busy", number)) for number in range(pushes)))
    accepted = time.perf_counter() - start
    await drained(stack, pushes)
    revisions = sorted(int(flow.rsplit("/", 1)[1]) for flow in flows)
    assert revisions == list(range(1, pushes + 1)), "revisions are not contiguous"
    shown = await user.status(f"{user.ownerid}/busy/successful")
    assert shown["id"].endswith(f"/{pushes}"), shown["id"]
    print(
        f"{pushes} concurrent pushes: accepted {pushes / accepted:.0f}/s, out after {time.perf_counter() - start:.1f} s"
    )


async def queued(stack: Stack, user: Publisher, packages: int, before: int) -> None:
    """Push `packages` with the workers off, start them, wait until all are out."""
    for role in ("stages", "writers"):
        await stack.kill(role)
    start = time.perf_counter()
    limit = asyncio.Semaphore(32)

    async def push(number: int) -> str:
        async with limit:
            return await user.push(*small_package(f"queued-{number}", number))

    await asyncio.gather(*(push(number) for number in range(packages)))
    accepted = time.perf_counter() - start
    start = time.perf_counter()
    await stack.start("stages", "worker", "stages")
    await stack.start("writers", "worker", "writers")
    await drained(stack, before + packages)
    total = time.perf_counter() - start
    print(f"{packages} queued packages: accepted {packages / accepted:.0f}/s, out {total:.1f} s later")


async def drained(stack: Stack, flows: int) -> None:
    """Return when `flows` flows have succeeded, each announced once."""
    connection = await asyncpg.connect(stack.environment["DATABASE_URL"])
    try:
        async with asyncio.timeout(600):
            while await connection.fetchval("select count(*) from event_log where kind like '%published'") < flows:
                await asyncio.sleep(0.1)
        states = Counter(row[0] for row in await connection.fetch("select state from flow"))
        assert states == {"SUCCEEDED": flows}, states
        announced = await connection.fetch("select flow_id from event_log where kind = 'event.package.published'")
        assert len({row[0] for row in announced}) == len(announced) == flows
    finally:
        await connection.close()


async def measure(transport: str, pushes: int, packages: int) -> None:
    async with system(transport) as stack, publisher(stack) as user:
        print(f"{transport}:")
        await concurrent(stack, user, pushes)
        await queued(stack, user, packages, pushes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transport", choices=TRANSPORTS, action="append")
    parser.add_argument("--pushes", type=int, default=200)
    parser.add_argument("--packages", type=int, default=500)
    words = parser.parse_args()
    for transport in words.transport or TRANSPORTS:
        asyncio.run(measure(transport, words.pushes, words.packages))


if __name__ == "__main__":
    main()
