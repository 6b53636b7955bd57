"""Progress of flows between their start and end: many small steps, written together.

While one batch is being written the next gathers, so that a busy writer makes one commit for many events and an idle
one loses no time. A step may come twice, late or out of order: a resource never goes back a stage.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import structlog

from messages.database import json_text, texts
from messages.jobs import STAGES, next_stage
from messages.stageevents import StagePassed
from workers.writers.flow import CHANNEL

LARGEST = 500
"""Steps of one batch."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Step:
    """A resource has passed a stage and is in the next one, `stage`."""

    flow_id: str
    index: int
    round: int
    stage: str
    rows: int | None
    facts: Mapping[str, Any]

    @classmethod
    def of(cls, event: StagePassed) -> Step:
        """The step that an event of any stage but the last speaks of."""
        stage = next_stage(event.stage)
        assert stage is not None
        resource, facts = event.resource, {event.stage: dict(event.facts)}
        return cls(event.flow.id, resource.index, event.round, stage, resource.rows, facts)


class Steps:
    """Writes steps; `take` returns when its step is committed, or is found to be of no flow that still moves."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._waiting: list[tuple[Step, asyncio.Future[bool]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def take(self, step: Step) -> None:
        """Raises what the database raises."""
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((step, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        # A flow that somebody is ending, and perhaps storing the descriptor of, keeps only its own step waiting.
        if not await written and await _write(self._pool, [step], wait=True):
            log.info("step_of_no_moving_flow", flow=step.flow_id, index=step.index, stage=step.stage)

    async def _write_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:LARGEST], self._waiting[LARGEST:]
            try:
                locked = await _write(self._pool, merged([step for step, _ in batch]), wait=False)
            except Exception as error:
                for _, written in batch:
                    if not written.done():
                        written.set_exception(error)
            else:
                for step, written in batch:
                    if not written.done():
                        written.set_result(step.flow_id not in locked)


def merged(steps: Sequence[Step]) -> list[Step]:
    """One step for each resource and round: the furthest stage, all facts."""
    furthest: dict[tuple[str, int, int], Step] = {}
    for step in sorted(steps, key=lambda step: STAGES.index(step.stage)):
        key = (step.flow_id, step.index, step.round)
        before = furthest.get(key)
        facts = {**before.facts, **step.facts} if before else step.facts
        rows = step.rows if step.rows is not None or before is None else before.rows
        furthest[key] = Step(step.flow_id, step.index, step.round, step.stage, rows, facts)
    return list(furthest.values())


async def _write(pool: asyncpg.Pool, steps: Sequence[Step], *, wait: bool) -> set[str]:
    """Writes the steps of flows that still move; the ids of those that others have locked, unless it is to `wait`."""
    rows = await pool.fetch(
        _WRITE.format(locking="" if wait else "skip locked"),
        [step.flow_id for step in steps],
        texts(step.index for step in steps),
        texts(step.round for step in steps),
        [step.stage for step in steps],
        texts(step.rows for step in steps),
        [json_text(dict(step.facts)) for step in steps],
        list(STAGES),
    )
    return {step.flow_id for step in steps} - {row["id"] for row in rows}


# One statement, one transaction. Progress that a crash of the database server loses comes again or does not matter: no
# reason to wait for its disk. The flow is locked before its resources, as everywhere.
_WRITE = f"""
with step as (
    select * from unnest($1::text[], $2::text[]::int[], $3::text[]::int[], $4::text[], $5::text[]::bigint[],
                         $6::text[]::jsonb[]) as step (flow_id, index, round, stage, rows, facts)
), mine as (
    select id from flow where id = any($1) and finished_at is null order by id for no key update {{locking}}
), moved as (
    update flow_resource
    set stage = case when array_position($7::text[], flow_resource.stage) < array_position($7::text[], step.stage)
                then step.stage else flow_resource.stage end,
        state = 'INPROGRESS', facts = flow_resource.facts || step.facts,
        rows = coalesce(step.rows, flow_resource.rows), updated_at = now()
    from step join mine on mine.id = step.flow_id
    where flow_resource.flow_id = step.flow_id and flow_resource.index = step.index
      and flow_resource.round = step.round and flow_resource.state in ('QUEUED', 'INPROGRESS')
    returning flow_resource.flow_id
), touched as (
    update flow set state = 'INPROGRESS', updated_at = now() where id in (select flow_id from moved) returning id
)
select mine.id, pg_notify('{CHANNEL}', touched.id), set_config('synchronous_commit', 'off', true)
from mine left join touched on touched.id = mine.id
"""  # noqa: S608 the only thing put in is a constant
