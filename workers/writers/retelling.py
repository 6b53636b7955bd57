"""The beginnings and ends of flows that are in no log of events: said again, under the ids that they had.

Whoever has heard them after all knows them by their ids.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

import asyncpg
import structlog

from messages.blobs import Blobs
from messages.datapackage import BlobRef, FlowRef
from messages.envelope import Message
from messages.errors import PermanentError
from messages.events import FlowAccepted, PackageFailed, PackagePublished
from messages.outbox import INBOX_KEPT, emit

BATCH = 100

log = structlog.get_logger()


async def retell(connection: asyncpg.Connection, blobs: Blobs, before: datetime) -> int:
    """Says again what the log should have of flows that were touched before then; the number of messages.

    Goes back INBOX_KEPT days. Raises what the database and the object store raise.
    """
    told, last = 0, ""
    while rows := await connection.fetch(_UNHEARD, before, INBOX_KEPT, last, BATCH):
        messages = [message for row in rows for message in await _messages(row, blobs)]
        async with connection.transaction():
            await emit(connection, *messages)
        told, last = told + len(messages), rows[-1]["id"]
    return told


async def _messages(row: asyncpg.Record, blobs: Blobs) -> list[Message]:
    names = ("ownerid", "owner", "dataset", "revision", "findability")
    flow = FlowRef(**{name: row[name] for name in names})
    said = []
    if row["begun"] == 0:
        title = row["descriptor"].get("title")
        title = title if isinstance(title, str) and title else flow.dataset
        said.append(FlowAccepted(flow=flow, title=title, resources=tuple(row["resources"])).to_message())
    if row["state"] == "SUCCEEDED" and row["published"] == 0:
        try:
            said.append((await _published(flow, row, blobs)).to_message())
        except PermanentError as error:  # damage, for `dh-server check` to tell of: it holds nothing else back
            log.error("end_not_told_again", flow=flow.id, error=str(error))
    if row["state"] == "FAILED" and row["failed"] <= row["run"]:
        failed = PackageFailed(
            flow=flow,
            reason=row["reason"],
            resources=tuple(row["rejected"]),
            run=row["run"],
            cancelled=row["cancelled_at"] is not None,
        )
        said.append(failed.to_message())
    return said


async def _published(flow: FlowRef, row: asyncpg.Record, blobs: Blobs) -> PackagePublished:
    """As the package store's writer has said it; the object is read, for a row has its members in another order."""
    bucket, key = blobs.settings.package_bucket, f"{flow.id}/datapackage.json"
    content = await blobs.get(BlobRef(bucket=bucket, key=key, size=0))
    stats = row["package"]["datahub"]["stats"]
    return PackagePublished(
        flow=flow,
        title=str(row["package"].get("title") or flow.dataset),
        descriptor=BlobRef(bucket=bucket, key=key, size=len(content), sha256=hashlib.sha256(content).hexdigest()),
        rows=stats["rowcount"],
        size=stats["bytes"],
        files=len(row["resources"]),
    )


# A flow that was run again has failed once for each run before this one, and each is in the log.
_UNHEARD = """
select flow.*, heard.*, part.*
from flow,
    lateral (
        select count(*) filter (where kind = 'event.flow.accepted') as begun,
               count(*) filter (where kind = 'event.package.published') as published,
               count(*) filter (where kind = 'event.package.failed') as failed
        from event_log e where e.owner = flow.owner and e.dataset = flow.dataset and e.flow_id = flow.id
    ) heard,
    lateral (
        select array_agg(name order by index) as resources,
               coalesce(array_agg(name order by index) filter (where state = 'FAILED'), '{}') as rejected
        from flow_resource where flow_id = flow.id
    ) part
where flow.updated_at < $1 and flow.updated_at > now() - make_interval(days => $2) and flow.id > $3
  and (begun = 0 or state = 'SUCCEEDED' and published = 0 or state = 'FAILED' and failed <= run)
order by flow.id limit $4
"""
