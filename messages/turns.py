"""Turns: how much of one owner's work is under way at a time, so that it never stands before another's.

A push of many or large files puts its first jobs into the table `turn`; those that the owner's window has room for are
said at once, each of the rest when one before it has ended. Queues stay short, and whoever comes finds room in them.

All rows of an owner are moved under one advisory lock, and none is waited for that somebody else has locked: who
cancels a flow holds its rows, and will have them gone. One resource of an owner is always under way, however large.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from messages.datapackage import FlowRef, Resource
from messages.faultpoint import faultpoint
from messages.jobs import STAGES, StageJob
from messages.listening import look_always
from messages.outbox import emit
from messages.settings import TurnSettings

CHANNEL = "flow"
"""NOTIFY channel that tells when something of a flow has changed: when it waits, and when it has ended."""

POLL = 1.0
"""Seconds between two looks, whatever NOTIFY said."""

LOCK = 4_851_700_324
"""Any number that nothing else takes for locks on owners."""

MOST_PLACES = 1_000
"""Places that are counted: whoever stands further behind need not know how far, and the count costs next to nothing."""

_FLOW = ("ownerid", "owner", "dataset", "revision", "findability")


async def line_up(connection: asyncpg.Connection, flow: FlowRef, resources: Sequence[Resource]) -> None:
    """Has these resources of a flow wait for their turn, behind what its owner has waiting."""
    await connection.executemany(
        """
        insert into turn (ownerid, flow_id, index, size) values ($1, $2, $3, $4)
        on conflict (flow_id, index) do update set released = false, id = default
        """,
        [(flow.ownerid, flow.id, resource.index, resource.source.size) for resource in resources],
    )
    await connection.execute("select pg_notify($1, $2)", CHANNEL, flow.id)


async def leave(connection: asyncpg.Connection, flow_id: str) -> None:
    """What still waits of a flow that has ended will have no turn."""
    await connection.execute("delete from turn where flow_id = $1 and not released", flow_id)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a resource stands among those of its owner that wait, from 1; None: behind the first MOST_PLACES. `line`
    counts all that wait, up to MOST_PLACES."""

    place: int | None
    line: int


async def places_of(connection: asyncpg.Connection, ownerid: str, flow_id: str) -> Mapping[int, Place]:
    """The places of a flow's resources whose turn has not come, by their index."""
    rows = await connection.fetch(_PLACES, ownerid, flow_id, MOST_PLACES)
    return {row["index"]: Place(row["place"], row["line"]) for row in rows}


async def waiting_of(connection: asyncpg.Connection, flow_id: str) -> set[int]:
    """The resources of a flow whose turn has not come, by their index."""
    rows = await connection.fetch("select index from turn where flow_id = $1 and not released", flow_id)
    return {row["index"] for row in rows}


class Turns:
    """Says the jobs whose turn has come, until cancelled; several of them share the work."""

    def __init__(self, pool: asyncpg.Pool, window: TurnSettings) -> None:
        self._pool = pool
        self._window = window

    async def run(self) -> None:
        """Until cancelled; survives outages of the database."""
        await look_always("turns", self._pool, CHANNEL, POLL, self._look)

    async def _look(self) -> bool:
        return await self.look() > 0

    async def look(self) -> int:
        """Says what may be said now of every owner who has something waiting; how many jobs."""
        said = 0
        for row in await self._pool.fetch("select distinct ownerid from turn where not released"):
            said += await self._release(row["ownerid"])
        return said

    async def _release(self, ownerid: str) -> int:
        faultpoint("turns", "received")
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, $2))", ownerid, LOCK)
            await connection.execute(_FORGET, ownerid)
            rows = await connection.fetch(_RELEASE, ownerid, self._window.jobs, self._window.bytes)
            if rows:
                await emit(connection, *(_job(row).to_message() for row in rows))
            faultpoint("turns", "before_commit")
        faultpoint("turns", "after_commit")
        return len(rows)


def _job(row: asyncpg.Record) -> StageJob:
    return StageJob(
        flow=FlowRef(**{name: row[name] for name in _FLOW}),
        stage=STAGES[0],
        resource=Resource.from_dict(row["resource"]),
        round=row["round"],
    )


_PLACES = """
with line as (
    select id, row_number() over (order by id) as place
    from (select id from turn where ownerid = $1 and not released order by id limit $3) as first
)
select turn.index, line.place, (select count(*) from line) as line
from turn left join line using (id)
where turn.flow_id = $2 and not turn.released
"""

_FORGET = """
delete from turn where id = any (array(
    select turn.id
    from turn join flow_resource using (flow_id, index)
    where turn.ownerid = $1 and turn.released and flow_resource.state in ('SUCCEEDED', 'FAILED')
    for update of turn skip locked))
"""

_RELEASE = """
with under_way as (
    select count(*) as jobs, coalesce(sum(size), 0) as bytes from turn where ownerid = $1 and released
), next as (
    select id, size from turn where ownerid = $1 and not released
    order by id limit $2
    for update skip locked
), placed as (
    select id, row_number() over (order by id) as place, sum(size) over (order by id) as bytes from next
), due as (
    select placed.id from placed, under_way
    where (under_way.jobs + placed.place <= $2 and under_way.bytes + placed.bytes <= $3)
       or (under_way.jobs = 0 and placed.place = 1)
), released as (
    update turn set released = true from due where turn.id = due.id returning turn.id, turn.flow_id, turn.index
)
select flow.ownerid, flow.owner, flow.dataset, flow.revision, flow.findability,
       flow_resource.resource, flow_resource.round
from released join flow on flow.id = released.flow_id join flow_resource using (flow_id, index)
where flow_resource.state = 'QUEUED'
order by released.id
"""
