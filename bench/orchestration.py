"""Five empty stages and the join of a flow over RabbitMQ: what it costs to move work. `python -m bench.orchestration`.

`ours` is the workers' runtime on the production transport: every hop publishes the stage's event, confirmed by the
queues of the next stage and of the join, before its own job is settled; the join hears every event. `bare` is a
hand-written aio-pika chain with confirms with fewer promises: one message a hop to one queue, no events, retries, dead
letters or supervision; `bare-events` is the same with the event of each stage. Two worker processes with 8 slots a
stage each, on the same broker, in turns. Processor time is that of the broker, the workers and the join together.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Protocol, cast

import aio_pika
import psutil
import uvloop

from bench.servers import percentile
from messages import telemetry
from messages.datapackage import BlobRef, FlowRef, Resource
from messages.jobs import STAGES, StageJob, next_stage
from messages.stageevents import StagePassed
from messages.topology import STAGE_QUEUES, WRITER_QUEUES
from messages.transport import transport_at
from messages.transport.port import Ack, Delivery, Verdict
from tests import services
from workers.runtime import StageRuntime
from workers.stage import Passed, Stage, StageContext, Tools

PROCESSES, SLOTS = 2, 8
STARTING = 200
"""Flows whose first message may be on its way to the broker at the same time: its confirm has a deadline."""
BARE_JOIN = "bare.join"

Joined = Callable[[str], None]


class Chain(Protocol):
    """A way to carry flows from the first stage to the join."""

    async def work(self) -> None:
        """Serves the stages, in a worker process; returns when it is ready."""

    async def open(self, joined: Joined) -> None:
        """Begins to hear of joined flows, in the measuring process."""

    async def start(self, number: int) -> str:
        """Starts a flow; its id."""

    async def close(self) -> None:
        """Hears no more."""


class Ours:
    """Runtime and transport as the workers run them."""

    def __init__(self, url: str) -> None:
        self._transport = transport_at(url)

    async def work(self) -> None:
        async def empty(job: StageJob, _context: StageContext) -> Passed:
            return Passed(job.resource)

        await self._transport.declare()
        for name in STAGES:
            runtime = StageRuntime(Stage(name, empty), self._transport, cast("Tools", None), timeout=60)
            await self._transport.consume(STAGE_QUEUES[name].name, runtime.handle, slots=SLOTS)

    async def open(self, joined: Joined) -> None:
        async def join(delivery: Delivery) -> Verdict:
            event = StagePassed.from_message(delivery.message)
            if next_stage(event.stage) is None:
                joined(event.flow.id)
            return Ack()

        await self._transport.declare()
        await self._transport.consume(WRITER_QUEUES["pkgstore"].name, join, slots=PROCESSES * SLOTS)

    async def start(self, number: int) -> str:
        job = first_job(number)
        await self._transport.publish(job.to_message())
        return job.flow.id

    async def close(self) -> None:
        await self._transport.close()


class Bare:
    """The least that a chain with confirms takes; with `events` it says as much as ours does."""

    def __init__(self, url: str, *, events: bool = False) -> None:
        self._url = url
        self._events = events

    async def work(self) -> None:
        publisher = await self._publisher()
        following = {f"bare.{stage}": f"bare.{next_stage(stage) or 'join'}" for stage in STAGES}
        for queue, target in following.items():
            await self._consume(queue, SLOTS, self._forwarding(publisher, target))

    async def open(self, joined: Joined) -> None:
        self._exchange = await self._publisher()

        async def join(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            if message.type != "passed":
                joined(json.loads(message.body)["subject"])
            await message.ack()

        await self._consume(BARE_JOIN, PROCESSES * SLOTS, join)

    async def start(self, number: int) -> str:
        message = first_job(number).to_message()
        await self._exchange.publish(persistent(message.encode()), f"bare.{STAGES[0]}")
        return message.flow

    async def close(self) -> None:
        await self._connection.close()

    def _forwarding(self, publisher: aio_pika.abc.AbstractExchange, target: str) -> Callable[..., Any]:
        async def forward(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            body = json.dumps(json.loads(message.body)).encode()
            says = [publisher.publish(persistent(body), target)]
            if self._events and target != BARE_JOIN:
                says.append(publisher.publish(persistent(body, "passed"), BARE_JOIN))
            await asyncio.gather(*says)
            await message.ack()

        return forward

    async def _publisher(self) -> aio_pika.abc.AbstractExchange:
        self._connection = await aio_pika.connect_robust(self._url)
        self._channel = await self._connection.channel(on_return_raises=True)
        return self._channel.default_exchange

    async def _consume(self, name: str, prefetch: int, callback: Callable[..., Any]) -> None:
        channel = await self._connection.channel()
        await channel.set_qos(prefetch_count=prefetch)
        queue = await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})
        await queue.consume(callback)


CHAINS: dict[str, Callable[[str], Chain]] = {"ours": Ours, "bare": Bare, "bare-events": partial(Bare, events=True)}


def persistent(body: bytes, kind: str | None = None) -> aio_pika.Message:
    return aio_pika.Message(body, type=kind, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)


def first_job(number: int) -> StageJob:
    flow = FlowRef(
        ownerid="bench", owner="bench", dataset=f"d{time.time_ns()}", revision=number, findability="published"
    )
    source = BlobRef(bucket="rawstore", key="bench/" + "0" * 64, size=1_000_000, sha256="0" * 64, md5="0" * 32)
    descriptor = {"name": "table", "path": "table.csv", "schema": {"fields": [{"name": "a", "type": "string"}]}}
    resource = Resource(index=0, name="table", path="table.csv", descriptor=descriptor, source=source, tabular=True)
    return StageJob(flow=flow, stage=STAGES[0], resource=resource)


class Measured:
    """Flows started and joined."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._starting = asyncio.Semaphore(STARTING)
        self._joined: dict[str, asyncio.Future[float]] = {}

    async def open(self) -> None:
        await self._chain.open(self._note)

    def _note(self, flow: str) -> None:
        joined = self._future(flow)
        if not joined.done():  # at least once
            joined.set_result(time.perf_counter())

    def _future(self, flow: str) -> asyncio.Future[float]:
        return self._joined.setdefault(flow, asyncio.get_running_loop().create_future())

    async def flow(self, number: int) -> float:
        """Seconds from the publish of the first job to the join."""
        began = time.perf_counter()
        async with self._starting:
            flow = await self._chain.start(number)
        return await self._future(flow) - began

    async def rate(self, flows: int) -> float:
        """Flows per second, all started at once."""
        began = time.perf_counter()
        await asyncio.gather(*(self.flow(number) for number in range(flows)))
        return flows / (time.perf_counter() - began)

    async def latencies(self, flows: int) -> list[float]:
        """Seconds for each of some flows, one after the other."""
        return [await self.flow(number) for number in range(flows)]


@asynccontextmanager
async def measured(name: str, url: str) -> AsyncIterator[Measured]:
    """A chain with its worker processes."""
    chain = CHAINS[name](url)
    measured = Measured(chain)
    await measured.open()
    command = [sys.executable, "-m", "bench.orchestration", "--work", name]
    environment = {**os.environ, "AMQP_URL": url}
    workers = [
        await asyncio.create_subprocess_exec(*command, env=environment, stdout=PIPE, stderr=DEVNULL)
        for _ in range(PROCESSES)
    ]
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert await worker.stdout.readline() == b"ready\n"
        await measured.rate(100)  # warms up
        yield measured
    finally:
        for worker in workers:
            worker.kill()
            await worker.wait()
        await chain.close()


async def serve_and_compare(flows: int, rounds: int) -> None:
    async with services.broker() as broker:
        # In a thread with a loop of its own: uvloop, as the workers use it, starts no servers under other accounts.
        await asyncio.to_thread(uvloop.run, compare(await broker.empty(), flows, rounds))


async def compare(url: str, flows: int, rounds: int) -> None:
    rates: dict[str, list[float]] = {name: [] for name in CHAINS}
    latencies: dict[str, list[float]] = {name: [] for name in CHAINS}
    costs: dict[str, list[float]] = {name: [] for name in CHAINS}
    for _ in range(rounds):
        for name in CHAINS:
            async with measured(name, url) as chain:
                before = processor_time()
                rates[name].append(await chain.rate(flows))
                costs[name].append((processor_time() - before) / flows)
                latencies[name] += await chain.latencies(100)
    for name in CHAINS:
        rounded = ", ".join(f"{rate:.0f}" for rate in rates[name])
        p50, p95 = (percentile(latencies[name], share) * 1000 for share in (0.5, 0.95))
        cost = percentile(costs[name], 0.5) * 1000
        print(
            f"{name}: {percentile(rates[name], 0.5):.0f} flows/s (rounds: {rounded}), {cost:.1f} ms of CPU a flow;",
            end=" ",
        )
        print(f"one flow at a time: p50 {p50:.1f} ms, p95 {p95:.1f} ms")
    for name in ("bare", "bare-events"):
        rate = percentile(rates["ours"], 0.5) / percentile(rates[name], 0.5)
        cost = percentile(costs[name], 0.5) / percentile(costs["ours"], 0.5)
        print(f"ours / {name}: {rate:.2f} (by processor time: {cost:.2f})")


def processor_time() -> float:
    """Seconds that this process and all that it has started and that still run have used."""
    used = 0.0
    this = psutil.Process()
    for process in (this, *this.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used += times.user + times.system
    return used


async def work(name: str) -> None:
    telemetry.configure("json", "info", service=name)
    await CHAINS[name](os.environ["AMQP_URL"]).work()
    print("ready", flush=True)
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flows", type=int, default=1000, help="flows of a round, all started at once")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", choices=CHAINS, help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.work:
        uvloop.run(work(words.work))
    else:
        asyncio.run(serve_and_compare(words.flows, words.rounds))


if __name__ == "__main__":
    main()
