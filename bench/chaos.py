"""The campaign: kill -9 at every step of every process, round after round, in random order, on each transport.

`python -m bench.chaos --rounds 20 --output chaos.json`; the sets are compared after every round.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path

import asyncpg

from bench.servers import TRANSPORTS, percentile
from deploy.embedded import rabbitmq
from tests import services
from tests.crash.campaign import CELLS, COMMANDS, Campaign, campaign

LIBRARIES = ("aio-pika", "aiormq", "aiohttp", "aiobotocore", "asyncpg", "uvloop")


@dataclass(slots=True)
class Result:
    """What one transport went through. `recovery`: seconds from a death to the end of all that was under way;
    `leaving`: seconds from SIGTERM to the end of a process, under load."""

    transport: str
    seed: int
    rounds: int = 0
    accepted: int = 0
    doomed: int = 0
    violations: list[str] = field(default_factory=list)
    recovery: dict[str, list[float]] = field(default_factory=dict)
    leaving: list[float] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    def summary(self) -> dict[str, object]:
        """The figures."""
        times = [seconds for cell in self.recovery.values() for seconds in cell]
        return {
            "kills": len(times),
            "cells": len(self.recovery),
            "recovery_p50": round(percentile(times, 0.5), 2) if times else None,
            "recovery_p95": round(percentile(times, 0.95), 2) if times else None,
            "recovery_max": round(max(times), 2) if times else None,
            "restarts": len(self.leaving),
            "leaving_max": round(max(self.leaving), 2) if self.leaving else None,
        }


async def suffer(result: Result, rounds: int, restarts: int, seconds: float) -> None:
    """Rounds over all cells, until their number or the time is up, then restarts in order; stops at the first broken
    promise."""
    order = random.Random(result.seed)
    ends_at = time.monotonic() + seconds
    async with system(result) as running:
        while result.rounds < rounds and time.monotonic() < ends_at and not result.violations:
            cells = list(CELLS)
            order.shuffle(cells)
            await _round(running, result, cells, ends_at)
            result.violations += await running.verify()
            result.rounds += 1
            result.accepted = len(running.history.accepted)
            result.doomed = len(running.history.doomed)
            print(f"{result.transport}: round {result.rounds}, {json.dumps(result.summary())}", flush=True)
        if not result.violations:
            await _roll(running, result, restarts)
            result.violations += await running.verify()
            print(f"{result.transport}: {json.dumps(result.summary())}", flush=True)


async def _roll(running: Campaign, result: Result, restarts: int) -> None:
    """Restarts in order, each role in its turn; who does not leave with code 0 has broken a promise."""
    for role in islice(cycle(COMMANDS), restarts):
        code, seconds = await running.roll(role)
        result.leaving.append(round(seconds, 3))
        if code != 0:
            result.violations.append(f"{role} left with code {code} when it was told to stop")


async def _round(running: Campaign, result: Result, cells: Sequence[tuple[str, str]], ends_at: float) -> None:
    for place, step in cells:
        if time.monotonic() > ends_at:
            return
        taken = await running.strike(place, step)
        result.recovery.setdefault(f"{place} {step}", []).append(round(taken, 3))


@asynccontextmanager
async def system(result: Result) -> AsyncIterator[Campaign]:
    """The real servers, and the system on them."""
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="datahub-chaos-")))
        database = await stack.enter_async_context(services.database_server())
        store = await stack.enter_async_context(services.object_store())
        amqp_url = None
        if result.transport == "rabbitmq":
            amqp_url = await (await stack.enter_async_context(services.broker())).empty()
        url = await database.clone()
        result.versions = await versions(url)
        yield await stack.enter_async_context(campaign(url, store, amqp_url, directory))


async def versions(database_url: str) -> dict[str, str]:
    """Of all that took part."""
    connection = await asyncpg.connect(database_url)
    try:
        server = await connection.fetchval("show server_version")
    finally:
        await connection.close()
    found = {name: version(name) for name in LIBRARIES}
    return {
        "python": platform.python_version(),
        "postgresql": server,
        "rabbitmq": rabbitmq.installed_version(),
        **found,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transport", choices=TRANSPORTS, action="append")
    parser.add_argument("--rounds", type=int, default=20, help="kills of each cell")
    parser.add_argument("--restarts", type=int, default=50, help="in order, under load, after the rounds")
    parser.add_argument("--minutes", type=float, default=600.0, help="for each transport, at the most")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--output", type=Path, help="where the result goes, as JSON")
    words = parser.parse_args()
    results = [Result(name, words.seed) for name in words.transport or TRANSPORTS]
    try:
        for result in results:
            asyncio.run(suffer(result, words.rounds, words.restarts, words.minutes * 60))
    finally:
        told = [{**asdict(result), **result.summary()} for result in results]
        report = {"machine": f"{os.cpu_count()} cores", "at": time.strftime("%Y-%m-%d"), "transports": told}
        if words.output:
            words.output.parent.mkdir(parents=True, exist_ok=True)
            words.output.write_text(json.dumps(report, indent=1) + "\n")
    for result in results:
        print(f"{result.transport}: {result.violations or 'every promise kept'}")
    return 1 if any(result.violations for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
