"""100,000 jobs in one queue: how fast they are accepted and handed out, and what a gateway beside them answers.

`python -m bench.queued`: the stages are off, jobs are published in a relay's batches, then one consumer takes them all.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import psutil

from bench.servers import TRANSPORTS, percentile, publisher, system
from messages.datapackage import BlobRef, FlowRef, Resource
from messages.jobs import StageJob
from messages.outbox import BATCH
from messages.topology import STAGE_QUEUES
from messages.transport import transport_at
from messages.transport.port import Ack, Delivery, Transport, Verdict
from tests.publisher import small_package

SLOTS = 32
CALM = 10.0
"""Seconds for which the gateway is looked at while nothing is published: a measurement, not a wait."""
PAUSE = 0.02
"""Seconds between two looks at the gateway."""


def job(number: int) -> StageJob:
    """One of about a kilobyte."""
    flow = FlowRef(ownerid="0" * 32, owner="bench", dataset=f"queued-{number}", revision=1, findability="published")
    source = BlobRef(bucket="rawstore", key=f"{'0' * 32}/{number}", size=1, md5="0" * 32)
    resource = Resource(
        index=0, name="numbers", path="numbers.csv", tabular=True, descriptor={"filler": "x" * 400}, source=source
    )
    return StageJob(flow=flow, stage="load", resource=resource, round=0)


async def publish(transport: Transport, jobs: int) -> float:
    """Jobs a second, each confirmed."""
    start = time.perf_counter()
    for first in range(0, jobs, BATCH):
        await asyncio.gather(*(transport.publish(job(number).to_message()) for number in range(first, first + BATCH)))
    return jobs / (time.perf_counter() - start)


async def drain(transport: Transport, jobs: int) -> float:
    """Jobs a second, each settled."""
    done = asyncio.Event()
    taken = 0

    async def take(_delivery: Delivery) -> Verdict:
        nonlocal taken
        taken += 1
        if taken == jobs:
            done.set()
        return Ack()

    start = time.perf_counter()
    consumer = await transport.consume(STAGE_QUEUES["load"].name, take, slots=SLOTS)
    await done.wait()
    rate = jobs / (time.perf_counter() - start)
    await consumer.stop(5)
    return rate


@asynccontextmanager
async def watched(url: str) -> AsyncIterator[list[float]]:
    """Latencies of a page of the gateway meanwhile, in seconds."""
    taken: list[float] = []

    async def look() -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                start = time.perf_counter()
                async with session.get(f"{url}/bench/calm") as answer:
                    await answer.read()
                    assert answer.status == 200
                taken.append(time.perf_counter() - start)
                await asyncio.sleep(PAUSE)

    looking = asyncio.create_task(look())
    try:
        yield taken
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


def broker_bytes() -> int:
    """Memory of RabbitMQ; 0 on the embedded transport."""
    return sum(
        process.memory_info().rss
        for process in psutil.Process().children(recursive=True)
        if process.name() == "beam.smp"
    )


async def measure(transport_name: str, jobs: int) -> None:
    async with system(transport_name, DH_RATE_ACCOUNT="0") as stack, publisher(stack) as user:
        await user.ended(await user.push(*small_package("calm")))
        await stack.kill("stages")
        transport = transport_at(stack.environment.get("AMQP_URL", stack.environment["DATABASE_URL"]))
        try:
            async with watched(stack.url) as idle:
                await asyncio.sleep(CALM)
            async with watched(stack.url) as filling:
                accepted = await publish(transport, jobs)
            async with watched(stack.url) as full:
                await asyncio.sleep(CALM)
            broker = broker_bytes()
            gateway = psutil.Process(stack.processes["gateway"].pid).memory_info().rss
            drained = await drain(transport, jobs)
        finally:
            await transport.close()
    calm, meanwhile, beside = (percentile(taken, 0.99) * 1000 for taken in (idle, filling, full))
    print(f"{transport_name}: {jobs:,} jobs accepted {accepted:,.0f}/s, handed out {drained:,.0f}/s")
    print(f"  gateway's p99: {calm:.0f} ms idle, {meanwhile:.0f} ms meanwhile, {beside:.0f} ms beside the full queue")
    print(f"  memory: broker {broker / 1e6:.0f} MB, gateway {gateway / 1e6:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transport", choices=TRANSPORTS, action="append")
    parser.add_argument("--jobs", type=int, default=100_000)
    words = parser.parse_args()
    for transport in words.transport or TRANSPORTS:
        asyncio.run(measure(transport, words.jobs))


if __name__ == "__main__":
    main()
