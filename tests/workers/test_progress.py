"""How far a stage is, told while it runs: on both transports, in order, and never in its way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from gateway.lines import Lines
from messages.jobs import StageJob
from messages.stageevents import StageProgressed
from messages.transport import transport_at
from messages.transport.port import Ack, Transport
from tests.gateway.gate import gate_to
from tests.workers.floor import File, Floor, delivered, job
from workers.progress import ProgressReporter
from workers.runtime import StageRuntime
from workers.stage import Outcome, Passed, Stage, StageContext, Tools

FILES = [File(name="towns", content=b"a,b\n1,2\n")]


class Ear:
    """What a watcher of progress hears."""

    def __init__(self) -> None:
        self.heard: list[StageProgressed] = []
        self._came = asyncio.Event()

    def __call__(self, progress: StageProgressed) -> None:
        self.heard.append(progress)
        self._came.set()

    async def until(self, done: int, unit: str) -> None:
        """Returns when so much was told to be done."""
        async with asyncio.timeout(20):
            while not any((each.done, each.unit) == (done, unit) for each in self.heard):
                self._came.clear()
                await self._came.wait()


@pytest_asyncio.fixture
async def ear(transport: Transport) -> AsyncIterator[Ear]:
    ear = Ear()
    await transport.declare()
    watching = await transport.watch([StageProgressed.KIND], lambda message: ear(StageProgressed.from_message(message)))
    yield ear
    await watching.stop(0)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.progress.INTERVAL", 0.05)


async def test_progress_is_told_while_a_stage_runs_and_only_goes_on(
    floor: Floor, transport: Transport, tools: Tools, ear: Ear
) -> None:
    async def slow(stage_job: StageJob, context: StageContext) -> Outcome:
        for done in (10, 50):
            context.report(done, 100, "bytes")
            await ear.until(done, "bytes")
        for done in (2, 5):
            context.report(done, 9, "rows")
            await ear.until(done, "rows")
        context.report(1, 9, "rows")  # and once more from the start
        await ear.until(1, "rows")
        return Passed(stage_job.resource)

    flow, resources = await floor.accept(FILES)
    runtime = StageRuntime(Stage("dump", slow), transport, tools, 60.0)
    message = job(flow, resources[0], "dump", 3).to_message()
    assert await runtime.handle(delivered(message)) == Ack()
    last = len(ear.heard)
    # What is said after the stage's end is heard next: nothing of it was left behind.
    await transport.publish(StageProgressed.to_message(ear.heard[-1]))
    async with asyncio.timeout(20):
        while len(ear.heard) == last:
            await asyncio.sleep(0.01)
    orders = [progress.order for progress in ear.heard[:last]]
    assert orders == sorted(set(orders))
    (first, *_), final = ear.heard, ear.heard[-1]
    assert (first.flow, first.index, first.name, first.stage) == (flow, 0, "towns", "dump")
    assert {(told.round, told.attempt, told.size) for told in ear.heard} == {(3, 1, 8)}
    assert (final.reading, final.done, final.total, final.unit) == (3, 1, 9, "rows")
    assert any(progress.rate is None for progress in ear.heard)  # too soon to tell


async def test_a_broker_that_hangs_holds_nobody(floor: Floor, broker_url: str | None, database_url: str) -> None:
    flow, resources = await floor.accept(FILES)
    async with gate_to(broker_url or database_url) as gate:
        transport = transport_at(gate.url)
        await transport.declare()
        gate.block()
        async with asyncio.timeout(5):  # less than any deadline of the transports
            with ProgressReporter(transport, job(flow, resources[0]), 1) as report:
                for done in range(200):
                    report(done, 200, "bytes")
                    await asyncio.sleep(0.001)
        await gate.open()
        await transport.close()


async def test_the_length_of_a_queue_is_known_a_moment_later_and_nobody_waits_for_it(
    floor: Floor, transport: Transport
) -> None:
    flow, resources = await floor.accept(FILES)
    await transport.declare()
    for round in range(3):
        await transport.publish(job(flow, resources[0], round=round).to_message())
    clock = [0.0]
    lines = Lines(transport, lambda: clock[0])
    for now in (0.0, 60.0):
        clock[0] = now
        assert lines.length("load") is None  # nothing is known yet, or only what is old
        async with asyncio.timeout(20):
            while lines.length("load") is None:
                await asyncio.sleep(0.01)
        assert lines.length("load") == 3
