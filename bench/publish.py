"""Push to published: one package at a time on an idle system. `python -m bench.publish --help`."""

from __future__ import annotations

import argparse
import asyncio
import time

from bench.servers import TRANSPORTS, percentile, publisher, system
from bench.tables import SCHEMA, csv
from tests.publisher import Publisher


async def measure(transport: str, pushes: int, size: int) -> list[float]:
    """Seconds from the first request of a push to the state SUCCEEDED, one figure a push; the first push warms up."""
    async with system(transport) as stack, publisher(stack) as user:
        return [await timed(user, number, size) for number in range(pushes + 1)][1:]


async def timed(user: Publisher, number: int, size: int) -> float:
    content = b"".join(csv(size, number))
    descriptor = {
        "name": "table",
        "resources": [{"name": "table", "path": "table.csv", "schema": SCHEMA}],
    }
    start = time.perf_counter()
    status = await user.ended(await user.push(descriptor, {"table.csv": content}))
    assert status["state"] == "SUCCEEDED", status
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transport", choices=TRANSPORTS, action="append")
    parser.add_argument("--pushes", type=int, default=15)
    parser.add_argument("--size", type=int, default=1_000_000, help="bytes of the one CSV file")
    words = parser.parse_args()
    for transport in words.transport or TRANSPORTS:
        seconds = asyncio.run(measure(transport, words.pushes, words.size))
        print(
            f"{transport}: {words.size / 1e6:g} MB, {len(seconds)} pushes: p50 {percentile(seconds, 0.5):.2f} s, "
            f"p95 {percentile(seconds, 0.95):.2f} s, min {min(seconds):.2f} s"
        )


if __name__ == "__main__":
    main()
