"""Fencing: whatever a cancelled, rescued or restarted run still has on its way, a flow has one result."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Awaitable, Callable

import pytest

from gateway.auth.audit import OPERATOR
from gateway.problems import Problem
from gateway.runs import cancel, rerun
from messages.datapackage import FlowRef, Resource
from messages.envelope import Message
from messages.settings import TurnSettings
from messages.transport.port import Ack
from messages.transport.postgres import PostgresTransport
from messages.turns import Turns
from tests.workers.floor import PUBLIC_URL, Floor, job
from tests.workers.test_writers import FILES, dead, dumped, ends, moved, refused, tell
from workers.rescue import Rescue
from workers.writers.deadletters import DeadLetterWriter
from workers.writers.pkgstore import PackageWriter

STEPS = 20
SCHEDULES = 12


@pytest.fixture
def writer(floor: Floor) -> PackageWriter:
    return PackageWriter(floor.pool, floor.blobs, PUBLIC_URL)


async def states(floor: Floor, flow: FlowRef) -> list[str]:
    return [(await floor.flow(flow))["state"], *(row["state"] for row in await floor.resources(flow))]


async def test_late_results_of_a_cancelled_run_change_nothing(floor: Floor, writer: PackageWriter) -> None:
    flow, (a, b) = await floor.accept(FILES)
    await tell(writer, dumped(flow, a), moved(flow, b, "load"))
    await cancel(floor.pool, flow.id, OPERATOR)
    before = [tuple(row) for row in (await floor.flow(flow), *await floor.resources(flow))]
    await tell(writer, moved(flow, b, "encoding"), dumped(flow, b), refused(flow, b), dumped(flow, a))
    letter = dead(job(flow, b, "csvkind").to_message(), "dh.job.csvkind")
    assert await DeadLetterWriter(floor.pool).handle(letter) == Ack()
    assert [tuple(row) for row in (await floor.flow(flow), *await floor.resources(flow))] == before
    assert await ends(floor) == ["event.package.failed"]
    assert await floor.blobs.head("pkgstore", f"{flow.id}/datapackage.json") is None


async def test_results_of_the_run_before_are_not_those_of_the_run_after(floor: Floor, writer: PackageWriter) -> None:
    flow, (a, b) = await floor.accept(FILES)
    await tell(writer, dumped(flow, a), refused(flow, b))
    await rerun(floor.pool, flow.id, OPERATOR)
    assert await states(floor, flow) == ["QUEUED", "SUCCEEDED", "QUEUED"]
    await tell(writer, dumped(flow, b), refused(flow, b), moved(flow, b, "validate"), refused(flow, a))
    assert await states(floor, flow) == ["QUEUED", "SUCCEEDED", "QUEUED"]
    await tell(writer, moved(flow, b, "load", round=1), dumped(flow, b, round=1), dumped(flow, b))
    assert await states(floor, flow) == ["SUCCEEDED", "SUCCEEDED", "SUCCEEDED"]
    assert await ends(floor) == ["event.package.failed", "event.package.published"]


async def test_dead_letter_of_the_run_before_does_not_fail_the_run_after(floor: Floor, writer: PackageWriter) -> None:
    flow, (a, b) = await floor.accept(FILES)
    await tell(writer, refused(flow, a), dumped(flow, b))
    await rerun(floor.pool, flow.id, OPERATOR)
    letters = DeadLetterWriter(floor.pool)
    for record in (
        dead(refused(flow, a), "dh.writer.pkgstore"),
        dead(moved(flow, b, "load"), "dh.writer.pkgstore"),
        dead(job(flow, a, "validate").to_message(), "dh.job.validate"),
    ):
        assert await letters.handle(record) == Ack()
    await tell(writer, *[message for message in await floor.said() if message.kind == "event.stage.rejected"])
    assert await states(floor, flow) == ["QUEUED", "QUEUED", "SUCCEEDED"]


async def test_one_result_whatever_comes_whenever(floor: Floor, writer: PackageWriter, database_url: str) -> None:
    """Random schedules of late events, cancels, restarts and rescues: published once and for good, or not."""
    transport = PostgresTransport(database_url)
    await transport.declare()
    for seed in range(SCHEDULES):
        flow, resources = await floor.accept(FILES, dataset=f"set{seed}")
        await _run(floor, writer, flow, resources, Rescue(floor.pool, transport, 3600.0), random.Random(seed))
        published = [message for message in await floor.said() if message.kind == "event.package.published"]
        ended = (await floor.flow(flow))["state"] == "SUCCEEDED"
        assert sum(message.flow == flow.id for message in published) == ended, seed
    await transport.close()
    assert await floor.pool.fetchval("select count(*) from flow where state = 'SUCCEEDED'") > 3


async def _run(
    floor: Floor,
    writer: PackageWriter,
    flow: FlowRef,
    resources: list[Resource],
    rescue: Rescue,
    chance: random.Random,
) -> None:
    async def rescued() -> None:
        await floor.pool.execute("update flow set updated_at = now() - interval '2 hours' where id = $1", flow.id)
        await rescue.look()

    acts: list[Callable[[], Awaitable[object]]] = [
        lambda: cancel(floor.pool, flow.id, OPERATOR),
        lambda: rerun(floor.pool, flow.id, OPERATOR),
        Turns(floor.pool, TurnSettings(jobs=1, bytes=1)).look,
        rescued,
    ]
    published = False
    for _ in range(STEPS):
        if chance.random() < 0.3:
            with contextlib.suppress(Problem):  # 409: there is nothing to cancel, or to run again
                await chance.choice(acts)()
        else:
            resource = chance.choice(resources)
            current = (await floor.resources(flow))[resource.index]["round"]
            await tell(writer, _event(flow, resource, chance.choice([current, chance.randrange(4)]), chance))
        state = (await floor.flow(flow))["state"]
        assert not published or state == "SUCCEEDED"
        published = state == "SUCCEEDED"


def _event(flow: FlowRef, resource: Resource, round: int, chance: random.Random) -> Message:
    events = [dumped(flow, resource, round), refused(flow, resource, round), moved(flow, resource, "encoding", round)]
    return chance.choices(events, (2, 1, 1))[0]
