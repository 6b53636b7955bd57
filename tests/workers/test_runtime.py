"""What becomes of a job: duplicates, errors of every class, shutdown and crashes, on both transports."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from messages.envelope import Message
from messages.errors import PermanentError, TransientError
from messages.jobs import STAGES, StageJob
from messages.stageevents import StagePassed
from messages.topology import STAGE_QUEUES
from messages.transport.port import Ack, DeadLetter, Retry, Transport
from tests.contract.factory import factory_of
from tests.workers.floor import File, Floor, delivered, job, running
from workers.pipeline import PIPELINE
from workers.rescue import Rescue
from workers.retry import BUG_ATTEMPTS, TRANSIENT_ATTEMPTS, verdict_on
from workers.runtime import StageRuntime
from workers.stage import Outcome, Passed, Refused, Rejected, Stage, StageContext, Tools

FILES = [File(name="notes", content=b"made up\n", path="notes.txt", tabular=False)]
"""No table: its stages cost little, and what is tested here is not what they do."""

Act = Callable[[int], Awaitable[None]]


class Encoding:
    """The stage `encoding`, with something happening first: `act` is told how often it was called."""

    def __init__(self, act: Act) -> None:
        self.calls = 0
        self._act = act

    async def __call__(self, stage_job: StageJob, context: StageContext) -> Outcome:
        self.calls += 1
        await self._act(self.calls)
        return Passed(stage_job.resource.learned("encoding", {}))

    def pipeline(self) -> list[Stage]:
        return [replace(stage, function=self) if stage.name == "encoding" else stage for stage in PIPELINE]


async def nothing(_call: int) -> None:
    pass


async def published_events(floor: Floor) -> list[str]:
    rows = await floor.pool.fetch("select kind from event_log where kind like 'event.package.%'")
    return [row["kind"] for row in rows]


async def indexed(floor: Floor) -> None:
    """Returns when the MetaStore's writer has heard of the flow's end."""
    async with asyncio.timeout(20):
        while not await published_events(floor):
            await asyncio.sleep(0.05)


async def test_job_said_twice_at_the_same_time_and_again_later_ends_its_flow_once(
    floor: Floor, transport: Transport, tools: Tools
) -> None:
    flow, resources = await floor.accept(FILES)
    message = job(flow, resources[0]).to_message()
    async with running(floor, transport, tools):
        await transport.publish(message, message)
        await floor.ended(flow)
        await indexed(floor)
        await transport.publish(message)
        await drained(transport)
    assert await published_events(floor) == ["event.package.published"]
    assert (await floor.flow(flow))["state"] == "SUCCEEDED"


async def drained(transport: Transport) -> None:
    """Returns when no stage has anything waiting."""
    async with asyncio.timeout(20):
        for stage in STAGES:
            while await transport.depth(STAGE_QUEUES[stage].name):
                await asyncio.sleep(0.05)


async def test_outcome_published_without_ack_is_harmless(floor: Floor, transport: Transport, tools: Tools) -> None:
    flow, resources = await floor.accept(FILES)
    message = job(flow, resources[0]).to_message()
    await transport.declare()
    await transport.publish(message)
    dying = StageRuntime(PIPELINE[0], transport, tools, 60.0)
    assert await dying.handle(delivered(message)) == Ack()  # and here it is killed: nobody settles
    async with running(floor, transport, tools):
        await floor.ended(flow)
        await indexed(floor)
        await drained(transport)
    assert await published_events(floor) == ["event.package.published"]


async def test_transient_trouble_is_tried_again(floor: Floor, transport: Transport, tools: Tools) -> None:
    async def twice(call: int) -> None:
        if call < 3:
            raise TransientError("not now")

    stage = Encoding(twice)
    flow, resources = await floor.accept(FILES)
    async with running(floor, transport, tools, stage.pipeline()):
        await floor.start(flow, resources)
        row = await floor.ended(flow)
    assert (row["state"], stage.calls) == ("SUCCEEDED", 3)


@pytest.mark.parametrize(("error", "calls"), [(PermanentError("never"), 1), (KeyError("bug"), BUG_ATTEMPTS)])
async def test_hopeless_job_is_a_dead_letter_and_its_flow_fails_with_a_sentence(
    floor: Floor, transport: Transport, tools: Tools, error: Exception, calls: int
) -> None:
    async def always(_call: int) -> None:
        raise error

    stage = Encoding(always)
    flow, resources = await floor.accept(FILES)
    async with running(floor, transport, tools, stage.pipeline()):
        await floor.start(flow, resources)
        row = await floor.ended(flow)
    assert (row["state"], stage.calls) == ("FAILED", calls)
    assert "Trouble on our side" in row["reason"]
    assert "notes" in row["reason"]
    assert str(error) not in row["reason"]
    letter = await floor.pool.fetchrow("select * from dead_letter")
    assert (letter["queue"], letter["flow_id"]) == ("dh.job.encoding", flow.id)
    assert type(error).__name__ in letter["reason"]


async def test_passed_event_that_no_stage_takes_for_a_job_is_set_aside(
    floor: Floor, transport: Transport, tools: Tools
) -> None:
    flow, resources = await floor.accept(FILES)
    runtime = StageRuntime(PIPELINE[0], transport, tools, 60.0)
    last = StagePassed(flow=flow, stage="dump", resource=resources[0]).to_message()
    foreign = replace(last, kind="event.stage.passed.sort", data={**last.data, "stage": "sort"})
    for message in (last, foreign, replace(last, kind="event.stage.passed")):
        assert isinstance(await runtime.handle(delivered(message)), DeadLetter)


async def test_queue_that_was_deleted_while_others_worked_is_made_good_by_rescue(
    floor: Floor, transport: Transport, tools: Tools, broker_url: str | None, database_url: str
) -> None:
    """The event of the stage before still has the writers' queue: its publish is no error, though no stage took it."""
    flow, resources = await floor.accept(FILES)
    others = [stage for stage in PIPELINE if stage.name != "encoding"]
    async with running(floor, transport, tools, others):
        await factory_of(broker_url or database_url).delete_queue(STAGE_QUEUES["encoding"].name)
        await floor.start(flow, resources)
        async with asyncio.timeout(20):
            while [row["stage"] for row in await floor.resources(flow)] != ["encoding"]:
                await asyncio.sleep(0.05)
        await transport.declare()
        runtime = StageRuntime(PIPELINE[1], transport, tools, 60.0)
        await transport.consume(STAGE_QUEUES["encoding"].name, runtime.handle)
        await floor.pool.execute("update flow set updated_at = now() - interval '2 hours'")
        assert await Rescue(floor.pool, transport, 3600.0).look() == [flow.id]
        row = await floor.ended(flow)
        await indexed(floor)
    assert (row["state"], row["rescues"]) == ("SUCCEEDED", 1)
    assert await published_events(floor) == ["event.package.published"]


async def test_garbage_is_set_aside_and_the_next_job_done(floor: Floor, transport: Transport, tools: Tools) -> None:
    flow, resources = await floor.accept(FILES)
    async with running(floor, transport, tools):
        await transport.publish(
            Message(id="not-a-job", kind="job.load", flow="nobody/nothing/1", data={"flow": [], "resource": 7}),
            Message(id="not-an-event", kind="event.stage.passed.dump", flow="nobody/nothing/1", data={"flow": None}),
        )
        await floor.start(flow, resources)
        row = await floor.ended(flow)
        async with asyncio.timeout(20):
            while await floor.pool.fetchval("select count(*) from dead_letter") < 2:
                await asyncio.sleep(0.05)
    assert row["state"] == "SUCCEEDED"


async def test_shutdown_gives_unfinished_work_back(floor: Floor, transport: Transport, tools: Tools) -> None:
    begun = asyncio.Event()

    async def never(_call: int) -> None:
        begun.set()
        await asyncio.Event().wait()

    flow, resources = await floor.accept(FILES)
    await transport.declare()
    stuck = Encoding(never)
    runtime = StageRuntime(Stage("encoding", stuck), transport, tools, 60.0)
    consumer = await transport.consume(STAGE_QUEUES["encoding"].name, runtime.handle)
    others = [stage for stage in PIPELINE if stage.name != "encoding"]
    async with running(floor, transport, tools, others):
        await floor.start(flow, resources)
        async with asyncio.timeout(20):
            await begun.wait()
        await consumer.stop(grace=0.1)
        healthy = Encoding(nothing)
        await transport.consume(
            STAGE_QUEUES["encoding"].name,
            StageRuntime(Stage("encoding", healthy), transport, tools, 60.0).handle,
        )
        row = await floor.ended(flow)
    assert (row["state"], stuck.calls, healthy.calls) == ("SUCCEEDED", 1, 1)


async def test_stage_that_does_not_end_in_its_time_is_tried_again(
    floor: Floor, transport: Transport, tools: Tools
) -> None:
    async def hang(_call: int) -> None:
        await asyncio.Event().wait()

    flow, resources = await floor.accept(FILES)
    runtime = StageRuntime(Stage("encoding", Encoding(hang)), transport, tools, 0.2)
    verdict = await runtime.handle(delivered(job(flow, resources[0], "encoding").to_message()))
    assert isinstance(verdict, Retry)
    assert verdict.reason.endswith("did not end within 0.2 seconds (the server's DH_STAGE_TIMEOUT_ENCODING)")


async def test_what_takes_too_long_is_refused_by_the_name_of_the_stage_and_its_setting(
    floor: Floor, transport: Transport, tools: Tools
) -> None:
    async def refuse(_call: int) -> None:
        raise Refused("time-limit", "The file could not be processed: it took too long.")

    stage = Encoding(refuse)
    flow, resources = await floor.accept(FILES)
    async with running(floor, transport, tools, stage.pipeline()):
        await floor.start(flow, resources)
        row = await floor.ended(flow)
    assert "(time-limit): The file could not be processed: it took too long." in row["reason"]
    assert row["reason"].endswith("The stage encoding has 60 seconds (the server's DH_STAGE_TIMEOUT_ENCODING).")


async def test_refusal_from_within_is_a_rejection(floor: Floor, transport: Transport, tools: Tools) -> None:
    async def refuse(_call: int) -> None:
        raise Refused("memory-limit", "The file could not be processed: too much.")

    stage = Encoding(refuse)
    flow, resources = await floor.accept(FILES)
    async with running(floor, transport, tools, stage.pipeline()):
        await floor.start(flow, resources)
        row = await floor.ended(flow)
    assert row["reason"] == "Resource 'notes' (memory-limit): The file could not be processed: too much."
    assert await floor.pool.fetchval("select count(*) from dead_letter") == 0


def test_rejection_is_a_value_with_the_finding_it_is_made_of() -> None:
    finding = {"rule": "not-csv", "message": "The file is a PNG."}
    made = Rejected.because(finding, {"seen": 1})
    assert (made.rule, made.reason, made.findings, made.facts) == (
        "not-csv",
        "The file is a PNG.",
        (finding,),
        {"seen": 1},
    )


def highest(_low: float, high: float) -> float:
    return high


@pytest.mark.parametrize(
    ("attempt", "delay"), [(1, 1), (2, 5), (3, 30), (4, 120), (5, 120), (TRANSIENT_ATTEMPTS - 1, 120)]
)
def test_transient_errors_climb_the_ladder(attempt: int, delay: float) -> None:
    assert verdict_on(TransientError("x"), attempt, highest) == Retry(delay, "TransientError: x")


@pytest.mark.parametrize(
    ("error", "attempt"),
    [(TransientError("x"), TRANSIENT_ATTEMPTS), (ValueError("x"), BUG_ATTEMPTS), (PermanentError("x"), 1)],
)
def test_nothing_is_tried_for_ever(error: Exception, attempt: int) -> None:
    assert isinstance(verdict_on(error, attempt), DeadLetter)


def test_jitter_is_full() -> None:
    delays = [verdict for _ in range(200) if isinstance(verdict := verdict_on(TransientError("x"), 4), Retry)]
    assert min(verdict.delay for verdict in delays) < 30
    assert max(verdict.delay for verdict in delays) > 90
