"""Flows that stopped moving start again: a queue that was deleted loses no publish.

A broker that lost everything is noticed at once, by `recollection`.

One process rescues at a time (advisory lock). A flow whose job merely waits in a long queue is left alone: its stage's
queue says so, and slow is not stuck. After MOST attempts the flow fails, with a sentence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg
import structlog

from messages.database import TRANSIENT, alone
from messages.envelope import Message
from messages.errors import TransientError
from messages.faultpoint import faultpoint
from messages.jobs import STAGES, StageJob
from messages.outbox import emit
from messages.topology import STAGE_QUEUES
from messages.transport.port import Transport
from messages.turns import waiting_of
from workers.writers import flow
from workers.writers.flow import LockedFlow, ResourceState

MOST = 3
BATCH = 100
LONGEST_WAIT = 24 * 3600.0
"""Seconds after which a flow counts as lost even where its stage's queue is not empty."""
PAUSE = 60.0
LOCK = 4_851_700_323  # any number that nothing else in this database locks
GAVE_UP = (
    "Trouble on our side: the package did not move for a long time, although it was started again {times} times. "
    "Please push again; operators have been told."
)
UNDER_WAY = """
exists (select from flow_resource
        where flow_id = flow.id and state in ('QUEUED', 'INPROGRESS') and not exists (
            select from turn where turn.flow_id = flow.id and turn.index = flow_resource.index and not released))
"""
"""SQL: the flow has a resource that has not ended and whose job was said: what only waits for its turn is not lost."""
OUTAGE: tuple[type[BaseException], ...] = (*TRANSIENT, TransientError)

log = structlog.get_logger()


class Rescue:
    """Restarts flows that have not moved for `after` seconds."""

    def __init__(self, pool: asyncpg.Pool, transport: Transport, after: float) -> None:
        self._pool = pool
        self._transport = transport
        self._after = after

    async def run(self) -> None:
        """Looks every minute (oftener, for a short `after`), for ever; trouble with a server waits for the next."""
        while True:
            try:
                await self.look()
            except OUTAGE as error:
                log.warning("rescue_interrupted", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(min(PAUSE, self._after / 4))

    async def look(self) -> list[str]:
        """Restarts or fails what has not moved; the ids of those flows. Empty while another process is at it."""
        async with alone(self._pool, LOCK) as connection:
            if connection is None:
                return []
            waiting = [stage for stage in STAGES if await self._transport.depth(STAGE_QUEUES[stage].name)]
            rescued: list[str] = []
            while found := await self._stuck(connection, waiting):
                for flow_id in found:
                    await restart(connection, flow_id)
                rescued.extend(found)
            return rescued

    async def _stuck(self, connection: asyncpg.Connection, waiting: Sequence[str]) -> list[str]:
        rows = await connection.fetch(
            f"""
            select id from flow
            where finished_at is null and updated_at < now() - make_interval(secs => $1)
              and {UNDER_WAY}
              and (updated_at < now() - make_interval(secs => $2) or not exists (
                  select from flow_resource
                  where flow_id = flow.id and state in ('QUEUED', 'INPROGRESS') and stage = any($3)))
            order by updated_at limit $4
            """,  # noqa: S608 constants
            self._after,
            max(LONGEST_WAIT, self._after),
            list(waiting),
            BATCH,
        )
        return [row["id"] for row in rows]


async def restart(connection: asyncpg.Connection, flow_id: str, *, counted: bool = True) -> None:
    """Starts what has not ended of a flow in a new round, or fails a flow that was started again too often.

    Not `counted`: the flow is not to blame, so it is started whatever its count is, and keeps it.
    """
    faultpoint("rescue", "received")
    async with connection.transaction():
        locked = await flow.lock(connection, flow_id)
        if locked is None or locked.finished:
            return
        if counted and locked.rescues >= MOST:
            await flow.fail(connection, locked, GAVE_UP.format(times=MOST))
            log.error("rescue_gave_up", flow=flow_id)
            return
        states = await flow.resources(connection, flow_id)
        waiting = await waiting_of(connection, flow_id)
        unfinished = [
            state for state in states if state.state in ("QUEUED", "INPROGRESS") and state.index not in waiting
        ]
        await emit(connection, *[await _again(connection, locked, state) for state in unfinished])
        rescues = locked.rescues + int(counted)
        await connection.execute("update flow set rescues = $2, updated_at = now() where id = $1", flow_id, rescues)
        await flow.tell(connection, flow_id)
        faultpoint("rescue", "before_commit")
    faultpoint("rescue", "after_commit")
    log.warning("flow_rescued", flow=flow_id, rescues=rescues, resources=len(unfinished))


async def _again(connection: asyncpg.Connection, locked: LockedFlow, state: ResourceState) -> Message:
    """The resource's first job, of a new round: messages of the rounds before are stale from here on."""
    await connection.execute(
        """
        update flow_resource set stage = 'load', state = 'QUEUED', round = $3, updated_at = now()
        where flow_id = $1 and index = $2
        """,
        locked.ref.id,
        state.index,
        state.round + 1,
    )
    job = StageJob(flow=locked.ref, stage=STAGES[0], resource=state.resource, round=state.round + 1)
    return job.to_message()
