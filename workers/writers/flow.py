"""The rows of a flow and its resources: how they move, and how they end. Always in the caller's transaction.

Lock order: the flow, then its resources. Who holds the flow's row decides alone whether the flow has ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from messages.datapackage import BlobRef, FlowRef, Resource
from messages.events import PackageFailed
from messages.outbox import emit
from messages.stageevents import StagePassed, StageRejected
from messages.turns import leave
from messages.usage import count

CHANNEL = "flow"
"""NOTIFY channel that tells the ids of flows whose rows have changed; the gateway's live pages listen."""
CONSUMER = "pkgstore"
"""The name of this table's writer in the inbox."""


@dataclass(frozen=True, slots=True)
class LockedFlow:
    """A flow whose row this transaction has locked. `created`: of the dataset, `modified`: of the push, ISO 8601.

    `run` counts how often somebody had it run again.
    """

    ref: FlowRef
    finished: bool
    rescues: int
    run: int
    descriptor: Mapping[str, Any]
    created: str
    modified: str


@dataclass(frozen=True, slots=True)
class ResourceState:
    """A resource of a flow, as its row has it."""

    index: int
    name: str
    state: str
    round: int
    resource: Resource
    reason: str | None
    rule: str | None


async def lock(connection: asyncpg.Connection, flow_id: str) -> LockedFlow | None:
    """The flow with this id, its row locked until the transaction ends; None where there is none."""
    row = await connection.fetchrow(
        """
        select flow.ownerid, flow.owner, flow.dataset, flow.revision, flow.findability, flow.finished_at, flow.rescues,
               flow.run, flow.descriptor, flow.created_at, dataset.created_at as dataset_created_at
        from flow join dataset on dataset.id = flow.dataset_id
        where flow.id = $1
        for update of flow
        """,
        flow_id,
    )
    if row is None:
        return None
    names = ("ownerid", "owner", "dataset", "revision", "findability")
    return LockedFlow(
        ref=FlowRef(**{name: row[name] for name in names}),
        finished=row["finished_at"] is not None,
        rescues=row["rescues"],
        run=row["run"],
        descriptor=row["descriptor"],
        created=row["dataset_created_at"].isoformat(),
        modified=row["created_at"].isoformat(),
    )


async def resources(connection: asyncpg.Connection, flow_id: str) -> list[ResourceState]:
    """The flow's resources in their order."""
    rows = await connection.fetch(
        "select index, name, state, round, resource, reason, rule from flow_resource where flow_id = $1 order by index",
        flow_id,
    )
    return [
        ResourceState(
            index=row["index"],
            name=row["name"],
            state=row["state"],
            round=row["round"],
            resource=Resource.from_dict(row["resource"]),
            reason=row["reason"],
            rule=row["rule"],
        )
        for row in rows
    ]


async def resource_passed(connection: asyncpg.Connection, event: StagePassed, message_id: str) -> bool:
    """Ends a resource with success; False where the message was handled before, or is of another round."""
    resource = event.resource
    status: str = await connection.execute(
        f"""
        {_CLAIM}
        update flow_resource
        set state = 'SUCCEEDED', stage = $6, resource = $7, facts = facts || $8, rows = $9, updated_at = now()
        {_OF_THIS_ROUND}
        """,  # noqa: S608 constants
        CONSUMER,
        message_id,
        event.flow.id,
        resource.index,
        event.round,
        event.stage,
        resource.to_dict(),
        dict(resource.facts),
        resource.rows,
    )
    return status.endswith(" 1")


async def resource_rejected(connection: asyncpg.Connection, event: StageRejected, message_id: str) -> bool:
    """Ends a resource with its reason; False where the message was handled before, or is of another round."""
    status: str = await connection.execute(
        f"""
        {_CLAIM}
        update flow_resource
        set state = 'FAILED', stage = $6, facts = facts || $7, reason = $8, rule = $9, errors = $10, findings = $11,
            report = $12, files = $13, updated_at = now()
        {_OF_THIS_ROUND}
        """,  # noqa: S608 constants
        CONSUMER,
        message_id,
        event.flow.id,
        event.index,
        event.round,
        event.stage,
        {event.stage: dict(event.facts)},
        event.reason,
        event.rule,
        event.errors,
        [dict(finding) for finding in event.findings],
        event.report.to_dict() if event.report else None,
        [file.to_dict() for file in event.files],
    )
    return status.endswith(" 1")


# The inbox's claim (`messages.outbox.claim`) and what it guards, in one round trip.
_CLAIM = """
with claimed as (insert into inbox (consumer, message_id) values ($1, $2) on conflict do nothing returning message_id)
"""
_OF_THIS_ROUND = """
from claimed
where flow_id = $3 and index = $4 and round = $5 and state in ('QUEUED', 'INPROGRESS')
"""


async def fail(connection: asyncpg.Connection, flow: LockedFlow, reason: str) -> None:
    """Ends a locked flow, and whatever of its resources has not ended, with a sentence for the publisher."""
    await connection.execute(
        """
        update flow_resource set state = 'FAILED', reason = $2, rule = 'abandoned', updated_at = now()
        where flow_id = $1 and state in ('QUEUED', 'INPROGRESS')
        """,
        flow.ref.id,
        reason,
    )
    await connection.execute(
        """
        update flow set state = 'FAILED', reason = $2, updated_at = now(), finished_at = now()
        where id = $1
        """,
        flow.ref.id,
        reason,
    )
    await count(connection, flow.ref.id)
    await leave(connection, flow.ref.id)
    failed = [state.name for state in await resources(connection, flow.ref.id) if state.state == "FAILED"]
    event = PackageFailed(flow=flow.ref, reason=reason, resources=tuple(failed), run=flow.run)
    await emit(connection, event.to_message())
    await tell(connection, flow.ref.id)


async def succeed(
    connection: asyncpg.Connection, flow: LockedFlow, package: Mapping[str, Any], manifest: BlobRef
) -> None:
    """Ends a locked flow with its published descriptor, whose bytes are `manifest`; readers see it unless they see a
    higher revision already."""
    await connection.execute(
        """
        with ended as (
            update flow set state = 'SUCCEEDED', package = $2, manifest = $6, updated_at = now(), finished_at = now()
            where id = $1
        ), shown as (
            update dataset set published_revision = greatest(published_revision, $4), updated_at = now() where id = $3
        )
        select pg_notify($5, $1)
        """,
        flow.ref.id,
        dict(package),
        flow.ref.dataset_id,
        flow.ref.revision,
        CHANNEL,
        manifest.to_dict(),
    )
    await count(connection, flow.ref.id)


async def touch(connection: asyncpg.Connection, flow_id: str) -> None:
    """Notes that a locked flow has moved."""
    await connection.execute(
        """
        with moved as (update flow set state = 'INPROGRESS', updated_at = now() where id = $1)
        select pg_notify($2, $1)
        """,
        flow_id,
        CHANNEL,
    )


async def tell(connection: asyncpg.Connection, flow_id: str) -> None:
    """Wakes who watches this flow, at commit."""
    await connection.execute("select pg_notify($1, $2)", CHANNEL, flow_id)
