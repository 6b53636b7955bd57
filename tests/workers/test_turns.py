"""Turns of owners: a window of jobs and bytes for each, whatever the others have waiting."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import replace

import asyncpg
import pytest
from typing_extensions import override

from gateway.auth.audit import OPERATOR
from gateway.runs import cancel, rerun
from messages.database import texts
from messages.datapackage import FlowRef, Resource
from messages.envelope import Message
from messages.jobs import StageJob
from messages.settings import TurnSettings
from messages.transport.port import Transport
from messages.turns import Turns, line_up
from tests.turns import WIDE
from tests.workers.floor import File, Floor
from workers.rescue import Rescue

HOUR = 3600.0


async def waiting(floor: Floor, count: int, dataset: str, size: int = 1) -> tuple[FlowRef, list[Resource]]:
    """A flow whose resources wait for their turn; as large as it is said."""
    files = [File(name=f"r{number}", content=b"x" * size, uploaded=False) for number in range(count)]
    flow, resources = await floor.accept(files, dataset=dataset)
    async with floor.pool.acquire() as connection, connection.transaction():
        await line_up(connection, flow, resources)
    return flow, resources


async def said(floor: Floor) -> list[tuple[str, int, int]]:
    """Flow, index and round of the jobs in the outbox, taken out of it."""
    gone = await floor.pool.fetch("with gone as (delete from outbox returning *) select body from gone order by id")
    messages = [Message.decode(row["body"]) for row in gone]
    jobs = [StageJob.from_message(message) for message in messages if message.is_job]
    return [(job.flow.id, job.resource.index, job.round) for job in jobs]


async def end(floor: Floor, flow: FlowRef, *indexes: int) -> None:
    await floor.pool.execute(
        "update flow_resource set state = 'SUCCEEDED' where flow_id = $1 and index = any($2::text[]::int[])",
        flow.id,
        texts(indexes),
    )


def first(flow: FlowRef, indexes: Sequence[int], round: int = 0) -> list[tuple[str, int, int]]:
    return [(flow.id, index, round) for index in indexes]


async def test_an_owner_has_so_many_jobs_under_way_and_the_next_when_one_has_ended(floor: Floor) -> None:
    turns = Turns(floor.pool, replace(WIDE, jobs=3))
    one, _ = await waiting(floor, 4, "one")
    two, _ = await waiting(floor, 2, "two")
    assert await turns.look() == 3
    assert await said(floor) == first(one, [0, 1, 2])
    assert await turns.look() == 0

    await end(floor, one, 1, 2)
    assert await turns.look() == 2
    assert await said(floor) == [*first(one, [3]), *first(two, [0])]


async def test_large_files_come_one_after_the_other_but_one_always_comes(floor: Floor) -> None:
    turns = Turns(floor.pool, replace(WIDE, bytes=25))
    flow, _ = await waiting(floor, 4, "large", size=10)
    assert await turns.look() == 2
    await end(floor, flow, 0, 1)
    await floor.pool.execute("update turn set size = 1000 where index = 2")
    assert await turns.look() == 1
    assert await said(floor) == first(flow, [0, 1, 2])
    assert await turns.look() == 0
    await end(floor, flow, 2)
    assert await turns.look() == 1


async def test_what_one_owner_has_waiting_is_nothing_to_another(floor: Floor) -> None:
    turns = Turns(floor.pool, replace(WIDE, jobs=2))
    await waiting(floor, 50, "many")
    assert await turns.look() == 2
    await said(floor)
    other = Floor(secrets.token_hex(16), floor.pool, floor.blobs)
    await floor.pool.execute("update account set username = 'bob' where id = $1", floor.ownerid)
    small, _ = await waiting(other, 1, "small")
    assert await turns.look() == 1
    assert await said(floor) == first(small, [0])


async def test_a_cancelled_flow_waits_no_more_and_waits_again_when_it_runs_again(floor: Floor) -> None:
    turns = Turns(floor.pool, replace(WIDE, jobs=1))
    one, _ = await waiting(floor, 3, "one")
    two, _ = await waiting(floor, 1, "two")
    assert await turns.look() == 1
    await cancel(floor.pool, one.id, OPERATOR)
    assert await turns.look() == 1
    assert await said(floor) == [*first(one, [0]), *first(two, [0])]

    await rerun(floor.pool, one.id, OPERATOR)
    assert await turns.look() == 0
    await end(floor, two, 0)
    assert await turns.look() == 1
    assert await said(floor) == first(one, [0], round=1)


async def test_who_waits_for_a_turn_is_not_rescued(floor: Floor, transport: Transport) -> None:
    turns, rescue = Turns(floor.pool, replace(WIDE, jobs=1)), Rescue(floor.pool, transport, HOUR)
    one, _ = await waiting(floor, 3, "one")
    two, _ = await waiting(floor, 1, "two")
    assert await turns.look() == 1
    await said(floor)
    await floor.pool.execute("update flow set updated_at = now() - interval '30 hours'")
    assert await rescue.look() == [one.id]
    assert await said(floor) == first(one, [0], round=1)
    assert (await floor.flow(two))["rescues"] == 0


async def test_looks_at_the_same_time_say_each_job_once(floor: Floor) -> None:
    flow, _ = await waiting(floor, 40, "once")
    several = [Turns(floor.pool, replace(WIDE, jobs=30)) for _ in range(4)]
    assert sum(await asyncio.gather(*(turns.look() for turns in several))) == 30
    assert await said(floor) == first(flow, range(30))


async def test_a_flow_that_somebody_holds_keeps_no_other_waiting(floor: Floor) -> None:
    turns = Turns(floor.pool, WIDE)
    held, _ = await waiting(floor, 2, "held")
    free, _ = await waiting(floor, 1, "free")
    async with floor.pool.acquire() as connection, connection.transaction():
        await connection.execute("delete from turn where flow_id = $1", held.id)
        assert await asyncio.wait_for(turns.look(), 10) == 1
    assert await said(floor) == first(free, [0])


class Watched(Turns):
    """`looked` is set after the first look."""

    def __init__(self, pool: asyncpg.Pool, window: TurnSettings) -> None:
        super().__init__(pool, window)
        self.looked = asyncio.Event()

    @override
    async def look(self) -> int:
        said = await super().look()
        self.looked.set()
        return said


async def test_a_push_is_said_as_soon_as_it_waits(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("messages.turns.POLL", HOUR)
    turns = Watched(floor.pool, WIDE)
    running = asyncio.create_task(turns.run())
    try:
        async with asyncio.timeout(30):
            await turns.looked.wait()
            flow, _ = await waiting(floor, 1, "now")
            while not (jobs := await said(floor)):
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
    assert jobs == first(flow, [0])
