"""The MetaStore's writer: what is published becomes searchable, and what happened is in the log of events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import asyncpg
import structlog

from messages.datapackage import FlowRef
from messages.envelope import Message
from messages.events import FlowAccepted, MetadataIndexed, PackageFailed, PackagePublished, VisibilityChanged
from messages.faultpoint import faultpoint
from messages.outbox import claim, emit
from messages.transport.port import Delivery
from workers.writers.flow import tell

CONSUMER = "metastore"
LONGEST_TEXT = 200_000
"""Characters of one part of a document: a tsvector holds at most 1 MB (PostgreSQL, Text Search Limitations)."""

log = structlog.get_logger()


class MetadataWriter:
    """Writes the tables `metadata` and `event_log`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def write(self, delivery: Delivery) -> None:
        """Acts on `event.flow.accepted`, `event.package.*` and `event.visibility.changed`; else raises DecodeError."""
        message = delivery.message
        async with self._pool.acquire() as connection, connection.transaction():
            if not await claim(connection, CONSUMER, message.id):
                return
            await _note(connection, message)
            faultpoint(delivery.queue, "before_commit")
        faultpoint(delivery.queue, "after_commit")


async def _note(connection: asyncpg.Connection, message: Message) -> None:
    if message.kind == PackagePublished.KIND:
        published = PackagePublished.from_message(message)
        await _index(connection, published, message.id)
        await _log(connection, message, published.flow, "finish", "OK", [])
    elif message.kind == PackageFailed.KIND:
        failed = PackageFailed.from_message(message)
        await _log(connection, message, failed.flow, "finish", "FAIL", [failed.reason])
    elif message.kind == VisibilityChanged.KIND:
        await _log(connection, message, VisibilityChanged.from_message(message).flow, "visibility", "OK", [])
    else:
        await _log(connection, message, FlowAccepted.from_message(message).flow, "create", "OK", [])


async def _index(connection: asyncpg.Connection, event: PackagePublished, message_id: str) -> None:
    # Locked: who sees it may be switched at this moment, and the event says what was so at the push.
    row = await connection.fetchrow("select package, findability from flow where id = $1 for share", event.flow.id)
    if row is None or row["package"] is None:
        log.warning("event_of_unknown_flow", flow=event.flow.id)
        return
    package = row["package"]
    await connection.execute(
        """
        insert into metadata (dataset_id, revision, ownerid, owner, name, title, description, findability, package,
                              size, rows, document)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
                setweight(to_tsvector('dataset_text', $12), 'A') || setweight(to_tsvector('dataset_text', $13), 'B') ||
                setweight(to_tsvector('dataset_text', $14), 'C'))
        on conflict (dataset_id) do update
        set revision = excluded.revision, ownerid = excluded.ownerid, owner = excluded.owner, name = excluded.name,
            title = excluded.title, description = excluded.description, findability = excluded.findability,
            package = excluded.package, size = excluded.size, rows = excluded.rows, document = excluded.document,
            indexed_at = now()
        where metadata.revision < excluded.revision
        """,
        event.flow.dataset_id,
        event.flow.revision,
        event.flow.ownerid,
        event.flow.owner,
        event.flow.dataset,
        event.title,
        text_of(package.get("description")),
        row["findability"],
        package,
        event.size,
        event.rows,
        *weighted(package, event.flow),
    )
    await emit(connection, MetadataIndexed(flow=event.flow).to_message(message_id))
    await tell(connection, event.flow.id)


def weighted(package: Mapping[str, Any], flow: FlowRef) -> tuple[str, str, str]:
    """The texts of a package by weight: A title and name; B owner, keywords, description; C readme and field names."""
    keywords = package.get("keywords")
    first = (text_of(package.get("title")), flow.dataset)
    second = (flow.owner, *(map(text_of, keywords) if isinstance(keywords, list) else ()))
    third = (text_of(package.get("readme")), *_field_names(package))
    # A name is found by its parts too: PostgreSQL reads `co2-ppm` as one word and its parts, `co2_ppm` as one alone.
    texts = (first, (*second, text_of(package.get("description"))), third)
    joined = [" ".join(text)[:LONGEST_TEXT].replace("_", " ") for text in texts]
    return joined[0], joined[1], joined[2]


def text_of(value: object) -> str:
    """The value where it is a text, else nothing: publishers write anything into a descriptor."""
    return value if isinstance(value, str) else ""


def _field_names(package: Mapping[str, Any]) -> Iterator[str]:
    for resource in package.get("resources", []):
        yield text_of(resource.get("name"))
        schema = resource.get("schema")
        for field in schema.get("fields", []) if isinstance(schema, dict) else []:
            yield text_of(field.get("name"))
            yield text_of(field.get("title"))


async def _log(
    connection: asyncpg.Connection, message: Message, flow: FlowRef, action: str, status: str, errors: list[str]
) -> None:
    """The document that `/metastore/search/events` answers: the original service's, one for start and one for end."""
    document = {
        "id": message.id,
        "event_entity": "dataset" if action == "visibility" else "flow",
        "event_action": action,
        "status": status,
        "timestamp": message.time,
        "owner": flow.owner,
        "ownerid": flow.ownerid,
        "userid": flow.ownerid,
        "dataset": flow.dataset,
        "flow": flow.id,
        "pipeline": flow.id,
        "findability": flow.findability,
        "payload": {"flow-id": flow.id, "errors": errors},
    }
    await connection.execute(
        """
        insert into event_log (id, kind, at, flow_id, ownerid, owner, dataset, findability, event)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing
        """,
        message.id,
        message.kind,
        datetime.fromisoformat(message.time),
        flow.id,
        flow.ownerid,
        flow.owner,
        flow.dataset,
        flow.findability,
        document,
    )
