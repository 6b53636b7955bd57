"""100,000 jobs in one queue: how fast they are accepted and handed out, and what a gateway beside them answers.

`python -m bench.queued`: the stages are off, jobs are published in a relay's batches, some of them at the rate that is
promised, the others as fast as it goes; then one consumer takes them all. With `--apart` whoever publishes and RabbitMQ
share one processor, and everything else has the other, as on two machines.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import time

import psutil

from bench.looking import looking
from bench.servers import TRANSPORTS, percentile, publisher, system
from messages.datapackage import BlobRef, FlowRef, Resource
from messages.jobs import StageJob
from messages.outbox import BATCH
from messages.topology import STAGE_QUEUES
from messages.transport import transport_at
from messages.transport.port import Ack, Delivery, Transport, Verdict
from tests.publisher import small_package

SLOTS = 32
PROMISED = 1_000.0
"""Jobs a second that are accepted at least (issue 4)."""
PACED = 30_000
"""Jobs that are published at that rate."""
CALM = 30.0
"""Seconds for which the gateway is looked at while nothing is published: a measurement, not a wait."""


def job(number: int) -> StageJob:
    """One of about a kilobyte."""
    flow = FlowRef(ownerid="0" * 32, owner="bench", dataset=f"queued-{number}", revision=1, findability="published")
    source = BlobRef(bucket="rawstore", key=f"{'0' * 32}/{number}", size=1, md5="0" * 32)
    resource = Resource(
        index=0, name="numbers", path="numbers.csv", tabular=True, descriptor={"filler": "x" * 400}, source=source
    )
    return StageJob(flow=flow, stage="load", resource=resource, round=0)


async def publish(transport: Transport, jobs: int, rate: float = math.inf) -> float:
    """Jobs a second, each confirmed; at most `rate`."""
    start = time.perf_counter()
    for first in range(0, jobs, BATCH):
        await asyncio.sleep(first / rate - (time.perf_counter() - start))
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


def brokers() -> list[psutil.Process]:
    """RabbitMQ; nobody on the embedded transport."""
    return [each for each in psutil.Process().children(recursive=True) if each.name() == "beam.smp"]


def set_apart() -> None:
    """Give this process and the broker the first processor, all others the second."""
    apart = {os.getpid(), *(broker.pid for broker in brokers())}
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        for thread in process.threads():
            os.sched_setaffinity(thread.id, {0 if process.pid in apart else 1})


async def measure(transport_name: str, jobs: int, is_apart: bool) -> None:
    async with system(transport_name, DH_RATE_ACCOUNT="0") as stack, publisher(stack) as user:
        await user.ended(await user.push(*small_package("calm")))
        await stack.kill("stages")
        if is_apart:
            set_apart()
        transport = transport_at(stack.environment.get("AMQP_URL", stack.environment["DATABASE_URL"]))
        page = f"{stack.url}/bench/calm"
        try:
            async with looking(page) as idle:
                await asyncio.sleep(CALM)
            async with looking(page) as paced:
                slowly = await publish(transport, PACED, PROMISED)
            async with looking(page) as filling:
                accepted = await publish(transport, jobs - PACED)
            async with looking(page) as full:
                await asyncio.sleep(CALM)
            broker = sum(process.memory_info().rss for process in brokers())
            gateway = psutil.Process(stack.processes["gateway"].pid).memory_info().rss
            drained = await drain(transport, jobs)
        finally:
            await transport.close()
    calm, steady, meanwhile, beside = (percentile(taken, 0.99) * 1000 for taken in (idle, paced, filling, full))
    print(f"{transport_name}: {jobs:,} jobs accepted {accepted:,.0f}/s, handed out {drained:,.0f}/s")
    print(
        f"  gateway's p99: {calm:.0f} ms idle, {steady:.0f} ms at {slowly:,.0f} jobs/s,"
        f" {meanwhile:.0f} ms at full speed, {beside:.0f} ms beside the full queue"
    )
    print(f"  memory: broker {broker / 1e6:.0f} MB, gateway {gateway / 1e6:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transport", choices=TRANSPORTS, action="append")
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--apart", action="store_true", help="the broker has a processor of its own")
    words = parser.parse_args()
    if words.jobs <= PACED:
        parser.error(f"--jobs: more than {PACED:,}, for so many are published at {PROMISED:,.0f} a second")
    for transport in words.transport or TRANSPORTS:
        asyncio.run(measure(transport, words.jobs, words.apart))


if __name__ == "__main__":
    main()
