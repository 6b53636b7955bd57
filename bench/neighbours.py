"""A small push while another owner has gigabytes under way, beside the same on an idle system: `bench.neighbours`.

One owner pushes a package of many 100 MB tables, no two alike; the other one packages of 1 MB, one after the other.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import shapes
from bench.servers import TRANSPORTS, percentile, publisher, system
from tests.publisher import Publisher

MB = 1_000_000
PUSHES = 24


def table(size: int) -> bytes:
    """A clean table of about so many bytes."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        shapes.write(path, shapes.SHAPES["clean"], size)
        return path.read_bytes()


def changed(content: bytes, number: int) -> bytes:
    """The table with another number in its first row."""
    row = content.index(b"\n") + 1
    return content[:row] + str(10**9 + number).encode() + content[content.index(b",", row) :]


def resource(name: str) -> dict[str, object]:
    return {"name": name, "path": f"{name}.csv", "schema": shapes.SCHEMA}


async def small(user: Publisher, content: bytes, first: int) -> list[float]:
    """Seconds from the beginning of each push to its publication."""
    taken = []
    for number in range(first, first + PUSHES):
        start = time.perf_counter()
        descriptor = {"name": f"small-{number}", "resources": [resource("numbers")]}
        flow = await user.push(descriptor, {"numbers.csv": changed(content, number)})
        status = await user.ended(flow)
        assert status["state"] == "SUCCEEDED", status
        taken.append(time.perf_counter() - start)
    return taken


async def large(user: Publisher, content: bytes, files: int) -> str:
    """The flow of a package of so many tables, each with a first row of its own."""
    urls: dict[str, str] = {}
    for number in range(files):
        urls |= await user.upload({f"part-{number}.csv": changed(content, number)})
    descriptor = {"name": "large", "resources": [resource(f"part-{number}") for number in range(files)]}
    answer = await user.post(descriptor, urls)
    assert answer["success"], answer
    flow: str = answer["flow_id"]
    return flow


async def measure(transport: str, files: int) -> None:
    async with (
        system(transport, DH_RATE_ACCOUNT="0") as stack,
        publisher(stack, "whale") as whale,
        publisher(stack, "minnow") as minnow,
    ):
        content = table(MB)
        await small(minnow, content, 0)  # warm
        idle = await small(minnow, content, 100)
        flow = await large(whale, table(100 * MB), files)
        while (await whale.status(flow))["state"] == "QUEUED":
            await asyncio.sleep(0.1)
        beside = await small(minnow, content, 200)
        left = [each for each in (await whale.status(flow))["resources"] if each["state"] in ("QUEUED", "INPROGRESS")]
    ratio = percentile(beside, 0.95) / percentile(idle, 0.95)
    print(
        f"{transport}: 1 MB, p50 and p95: idle {percentile(idle, 0.5):.2f} s, {percentile(idle, 0.95):.2f} s;"
        f" beside {files} x 100 MB {percentile(beside, 0.5):.2f} s, {percentile(beside, 0.95):.2f} s ({ratio:.2f} x);"
        f" {len(left)} of those were still to be done at the end"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transport", choices=TRANSPORTS, action="append")
    parser.add_argument("--files", type=int, default=100, help="of 100 MB")
    words = parser.parse_args()
    for transport in words.transport or TRANSPORTS:
        asyncio.run(measure(transport, words.files))


if __name__ == "__main__":
    main()
