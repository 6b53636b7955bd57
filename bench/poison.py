"""Good packages beside a job that kills its worker each time: `python -m bench.poison` compares their throughput.

The same packages, pushed while the stages are off, with and without the poisoned one in front; workers that die are
started anew at once, as a supervisor does.
"""

from __future__ import annotations

import argparse
import asyncio
import time

from bench.chaos import Result, system
from bench.servers import TRANSPORTS
from tests.crash.campaign import Campaign


async def throughput(running: Campaign, packages: int, *, poisoned: bool) -> float:
    """Packages a second, from the start of the stages to the end of the last good one."""
    await running.stack.kill("stages")
    if poisoned:
        await running.push_poison()
    await asyncio.gather(*(running.push(lane) for lane in range(packages)))
    start = time.perf_counter()
    await running.restart("stages")
    async with running.kept():
        await running.quiet()
    return packages / (time.perf_counter() - start)


async def measure(transport: str, packages: int) -> None:
    async with system(Result(transport, seed=0)) as running:
        await throughput(running, packages // 10, poisoned=False)  # warm
        good = await throughput(running, packages, poisoned=False)
        beside = await throughput(running, packages, poisoned=True)
        violations = await running.verify()
    rates = f"{good:.1f}/s alone, {beside:.1f}/s beside a poisoned one"
    print(f"{transport}: {packages} packages, {rates}: {beside / good:.2f}")
    assert not violations, violations


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transport", choices=TRANSPORTS, action="append")
    parser.add_argument("--packages", type=int, default=1_000)
    words = parser.parse_args()
    for transport in words.transport or TRANSPORTS:
        asyncio.run(measure(transport, words.packages))


if __name__ == "__main__":
    main()
