"""Runs by hand: a publisher cancels one that moves, or has a failed one run again from the bytes that are there.

Both are decided under the row lock on the flow, as its end is by the writers: whoever comes second finds it decided.
What is still on its way for a cancelled run, or for the run before, is stale: a resource that runs again has a new
round, and the writers take nothing of another one.
"""

from __future__ import annotations

import asyncpg
import structlog

from gateway.auth.audit import Origin, record
from gateway.live import CHANNEL
from gateway.problems import Problem
from messages.datapackage import FlowRef, Resource
from messages.events import FlowRestarted, PackageFailed
from messages.jobs import STAGES
from messages.outbox import emit
from messages.turns import leave, line_up
from messages.usage import count

CANCELLED = "Cancelled by its publisher."
ABANDONED = "abandoned"
"""The rule of a resource that failed by a fault of ours."""

log = structlog.get_logger()

_KEEP = "select from account where id = $1 for key share"
_LOCK = "select * from flow where id = $1 for update"
_CANCEL_RESOURCES = """
    update flow_resource set state = 'FAILED', reason = $2, rule = 'cancelled', updated_at = now()
    where flow_id = $1 and state in ('QUEUED', 'INPROGRESS')
"""
_CANCEL = """
    update flow
    set state = 'FAILED', reason = $2, updated_at = now(), finished_at = now(), cancelled_at = now()
    where id = $1
"""
_FAILED = "select name from flow_resource where flow_id = $1 and state = 'FAILED' order by index"
_AGAIN = """
    update flow_resource
    set stage = $3, state = 'QUEUED', round = round + 1, facts = '{}', rows = null, reason = null, rule = null,
        errors = null, findings = null, report = null, files = null, updated_at = now()
    where flow_id = $1 and state <> 'SUCCEEDED' and ($2::text is null or rule = $2)
    returning resource
"""
_REOPEN = """
    update flow
    set state = 'QUEUED', reason = null, finished_at = null, cancelled_at = null, rescues = 0, run = run + 1,
        updated_at = now()
    where id = $1 returning run
"""


async def cancel(pool: asyncpg.Pool, flow_id: str, origin: Origin) -> None:
    """Ends a run that moves, as FAILED; raises Problem 409 where it has ended, a member of TRANSIENT."""
    async with pool.acquire() as connection, connection.transaction():
        flow = await connection.fetchrow(_LOCK, flow_id)
        if flow["finished_at"] is not None:
            raise Problem(409, "run-has-ended", f"There is nothing to cancel: {_end(flow)}.")
        await _cancel(connection, flow)
        await record(connection, flow["ownerid"], "cancelled", _subject(flow), origin)
    log.info("run_cancelled", flow=flow_id)


async def rerun(pool: asyncpg.Pool, flow_id: str, origin: Origin) -> None:
    """Has a failed run run again; raises Problem 409 where it moves or has succeeded, a member of TRANSIENT."""
    async with pool.acquire() as connection, connection.transaction():
        flow = await locked(connection, flow_id)
        if flow is None or flow["state"] != "FAILED":
            raise Problem(409, "run-has-not-failed", f"Only a failed run can run again: {_end(flow)}.")
        names = await restart(connection, flow)
        await record(connection, flow["ownerid"], "rerun", _subject(flow), origin)
    log.info("run_restarted", flow=flow_id, resources=len(names))


async def locked(connection: asyncpg.Connection, flow_id: str) -> asyncpg.Record | None:
    """The flow's row, locked for a `restart`: nothing of its owner's is swept until the transaction ends."""
    await connection.execute(_KEEP, flow_id.partition("/")[0])
    return await connection.fetchrow(_LOCK, flow_id)


async def restart(connection: asyncpg.Connection, flow: asyncpg.Record, rule: str | None = None) -> list[str]:
    """Has the resources of a `locked` flow that have not succeeded (of `rule`, where given) run again from `load`.

    Returns their names; changes nothing where there is none. What has succeeded stays as it is.
    """
    rows = await connection.fetch(_AGAIN, flow["id"], rule, STAGES[0])
    if not rows:
        return []
    run = await connection.fetchval(_REOPEN, flow["id"])
    ref = _ref(flow)
    again = sorted((Resource.from_dict(row["resource"]) for row in rows), key=lambda resource: resource.index)
    names = tuple(resource.name for resource in again)
    await emit(connection, FlowRestarted(flow=ref, run=run, resources=names).to_message())
    await line_up(connection, ref, again)
    return list(names)


async def _cancel(connection: asyncpg.Connection, flow: asyncpg.Record) -> None:
    await connection.execute(_CANCEL_RESOURCES, flow["id"], CANCELLED)
    await connection.execute(_CANCEL, flow["id"], CANCELLED)
    await count(connection, flow["id"])
    await leave(connection, flow["id"])
    failed = [row["name"] for row in await connection.fetch(_FAILED, flow["id"])]
    event = PackageFailed(flow=_ref(flow), reason=CANCELLED, resources=tuple(failed), run=flow["run"], cancelled=True)
    await emit(connection, event.to_message())
    await connection.execute("select pg_notify($1, $2)", CHANNEL, flow["id"])


def _ref(flow: asyncpg.Record) -> FlowRef:
    names = ("ownerid", "owner", "dataset", "revision", "findability")
    return FlowRef(**{name: flow[name] for name in names})


def _subject(flow: asyncpg.Record) -> str:
    return f"{flow['dataset']}/{flow['revision']}"


def _end(flow: asyncpg.Record) -> str:
    """How a run has ended, or that it has not, in words."""
    if flow["finished_at"] is None:
        return "this one has not ended"
    if flow["cancelled_at"] is not None:
        return "this run was cancelled already"
    return "this revision is published" if flow["state"] == "SUCCEEDED" else "this run has failed already"
