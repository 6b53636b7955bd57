"""The package store's writer: stage events become progress, and the last one of a flow its end.

The end is decided under the row lock on the flow. datapackage.json is stored still under it, before the commit: a crash
in between repeats the same bytes, and nobody reads a revision that is not whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import asyncpg
import structlog

from messages.blobs import Blobs
from messages.datapackage import BlobRef
from messages.events import PackagePublished
from messages.faultpoint import faultpoint
from messages.jobs import next_stage
from messages.outbox import emit
from messages.stageevents import StagePassed, StageRejected
from messages.topology import WRITER_QUEUES
from messages.transport.port import Delivery
from workers.writers import descriptor, flow
from workers.writers.flow import LockedFlow, ResourceState
from workers.writers.steps import Step, Steps

QUEUE = WRITER_QUEUES["pkgstore"].name

log = structlog.get_logger()


class PackageWriter:
    """Writes flows' rows. `public_url` is the gateway's, for the addresses in descriptors."""

    def __init__(self, pool: asyncpg.Pool, blobs: Blobs, public_url: str) -> None:
        self._pool = pool
        self._blobs = blobs
        self._public_url = public_url
        self._steps = Steps(pool)

    async def write(self, delivery: Delivery) -> None:
        """Acts on `event.stage.passed.*` and `event.stage.rejected`; raises DecodeError for anything else."""
        message = delivery.message
        if message.kind == StageRejected.KIND:
            await self._end(StageRejected.from_message(message), message.id)
            return
        event = StagePassed.from_message(message)
        if next_stage(event.stage) is None:
            await self._end(event, message.id)
        else:
            await self._steps.take(Step.of(event))

    async def _end(self, event: StagePassed | StageRejected, message_id: str) -> None:
        """Ends the event's resource, and the flow with the last of them."""
        bound = log.bind(flow=event.flow.id, resource=event.name, stage=event.stage, round=event.round)
        async with self._pool.acquire() as connection, connection.transaction():
            locked = await flow.lock(connection, event.flow.id)
            if locked is None or locked.ref.ownerid != event.flow.ownerid:
                bound.warning("event_of_unknown_flow")
                return
            if locked.finished or not await _end_resource(connection, event, message_id):
                bound.info("event_is_late")  # handled before, or of an earlier round
                return
            states = await flow.resources(connection, event.flow.id)
            if any(state.state in ("QUEUED", "INPROGRESS") for state in states):
                await flow.touch(connection, event.flow.id)
            elif failed := [state for state in states if state.state == "FAILED"]:
                await flow.fail(connection, locked, reason_of(failed, len(states)))
                bound.info("flow_failed")
            else:
                await self._publish(connection, locked, states)
                bound.info("flow_succeeded")
            faultpoint(QUEUE, "before_commit")
        faultpoint(QUEUE, "after_commit")

    async def _publish(
        self, connection: asyncpg.Connection, locked: LockedFlow, states: Sequence[ResourceState]
    ) -> None:
        resources = [state.resource for state in states]
        package = descriptor.published(locked, resources, self._public_url)
        content = descriptor.encoded(package)
        blob = BlobRef(
            bucket=self._blobs.settings.package_bucket,
            key=f"{locked.ref.id}/datapackage.json",
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        faultpoint(QUEUE, "before_effect")
        await self._blobs.put(blob.bucket, blob.key, content, "application/json")
        faultpoint(QUEUE, "after_effect")
        await flow.succeed(connection, locked, package, blob)
        stats = package["datahub"]["stats"]
        event = PackagePublished(
            flow=locked.ref,
            title=str(package.get("title") or locked.ref.dataset),
            descriptor=blob,
            rows=stats["rowcount"],
            size=stats["bytes"],
            files=len(resources),
        )
        await emit(connection, event.to_message())


async def _end_resource(connection: asyncpg.Connection, event: StagePassed | StageRejected, message_id: str) -> bool:
    if isinstance(event, StageRejected):
        return await flow.resource_rejected(connection, event, message_id)
    return await flow.resource_passed(connection, event, message_id)


def reason_of(failed: Sequence[ResourceState], total: int) -> str:
    """Why a flow failed, in a sentence for the publisher that names resources and rules."""
    if len(failed) == 1:
        return f"Resource {failed[0].name!r} ({failed[0].rule}): {failed[0].reason}"
    named = ", ".join(f"{state.name!r} ({state.rule})" for state in failed[:5])
    more = f" and {len(failed) - 5} more" if len(failed) > 5 else ""
    return f"{len(failed)} of {total} resources were not accepted: {named}{more}. The first: {failed[0].reason}"
