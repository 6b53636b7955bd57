"""Is what was published still what was published? Every object's bytes, and rows that nothing stands behind."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from messages.blobs import INLINE, Blobs
from messages.datapackage import BlobRef, PublishedFile, Resource
from messages.storecalls import BlobMissing

AT_ONCE = 8
"""Objects that are read at a time."""
BATCH = 200
"""Revisions that are held at a time."""
LARGEST_DESCRIPTOR = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Something is not as it was published; `kind` is a stable name, `what` the object or row, `flow` whose it is."""

    kind: str
    what: str
    flow: str
    words: str


@dataclass(slots=True, kw_only=True)
class Findings:
    """What an audit has looked at, and what is wrong with it. `size` in bytes."""

    revisions: int = 0
    objects: int = 0
    size: int = 0
    damages: list[Damage] = field(default_factory=list)


class Audit:
    """Reads only. With `fast` an object's length is compared, not its hash."""

    def __init__(self, pool: asyncpg.Pool, blobs: Blobs, *, fast: bool = False) -> None:
        self._pool = pool
        self._blobs = blobs
        self._fast = fast
        self._found = Findings()

    async def run(self) -> Findings:
        """Raises TransientError or a member of TRANSIENT where a server does not answer: then nothing is known."""
        slots = asyncio.Semaphore(AT_ONCE)
        dataset, seen = "", set[str]()
        async for flow, files in self._revisions():
            if flow["dataset_id"] != dataset:  # objects are shared by the revisions of a dataset, and by no others
                dataset, seen = flow["dataset_id"], set()
            fresh = [file for file in files if file.blob.key not in seen]
            seen.update(file.blob.key for file in fresh)
            self._compare(flow, files)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._descriptor(flow))
                for file in fresh:
                    group.create_task(self._object(flow["id"], file.blob, slots))
            self._found.revisions += 1
        await self._rows()
        return self._found

    async def _revisions(self) -> AsyncGenerator[tuple[asyncpg.Record, list[PublishedFile]], None]:
        place: tuple[str, int] = ("", 0)
        while rows := await self._pool.fetch(_REVISIONS, *place, BATCH):
            for row in rows:
                yield row, [file for each in row["resources"] for file in Resource.from_dict(each).files]
            place = (rows[-1]["dataset_id"], rows[-1]["revision"])

    def _compare(self, flow: asyncpg.Record, files: Sequence[PublishedFile]) -> None:
        """The published descriptor and the rows must name the same bytes."""
        data = [f"sha256:{file.blob.sha256}" for file in files if file.role == "data"]
        told = [resource.get("hash") for resource in (flow["package"] or {}).get("resources", ())]
        if told != data:
            self._say("descriptor-differs", "flow.package", flow["id"], "its hashes are not those of its files")

    async def _descriptor(self, flow: asyncpg.Record) -> None:
        bucket, key = self._blobs.settings.package_bucket, f"{flow['id']}/datapackage.json"
        head = await self._blobs.head(bucket, key)
        self._found.objects += 1
        if head is None:
            self._say("missing", f"{bucket}/{key}", flow["id"], "the object is not there")
            return
        self._found.size += head.size
        content = await self._blobs.get(BlobRef(bucket=bucket, key=key, size=head.size), LARGEST_DESCRIPTOR)
        if _json(content) != flow["package"]:
            self._say("altered", f"{bucket}/{key}", flow["id"], "it is not the descriptor that was published")

    async def _object(self, flow_id: str, blob: BlobRef, slots: asyncio.Semaphore) -> None:
        async with slots:
            words = await self._difference(blob)
        self._found.objects += 1
        self._found.size += blob.size
        if words is not None:
            kind = "missing" if words == MISSING else "altered"
            self._say(kind, f"{blob.bucket}/{blob.key}", flow_id, words)

    async def _difference(self, blob: BlobRef) -> str | None:
        head = await self._blobs.head(blob.bucket, blob.key)
        if head is None:
            return MISSING
        if head.size != blob.size:
            return f"it has {head.size} bytes, published were {blob.size}"
        if self._fast:
            return None
        sha256 = hashlib.sha256()
        try:
            async with aclosing(self._blobs.stream(blob)) as chunks:
                async for chunk in chunks:
                    await asyncio.to_thread(sha256.update, chunk) if len(chunk) > INLINE else sha256.update(chunk)
        except BlobMissing:
            return MISSING
        found = sha256.hexdigest()
        return None if found == blob.sha256 else f"its SHA-256 is {found}, published was {blob.sha256}"

    async def _rows(self) -> None:
        for kind, (words, query) in ROWS.items():
            for row in await self._pool.fetch(query):
                self._say(kind, row["what"], row["flow"] or "", words)

    def _say(self, kind: str, what: str, flow: str, words: str) -> None:
        self._found.damages.append(Damage(kind=kind, what=what, flow=flow, words=words))


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


MISSING = "the object is not there"
_REVISIONS = """
    select f.id, f.dataset_id, f.revision, f.package,
           (select coalesce(jsonb_agg(r.resource order by r.index), '[]')
            from flow_resource r where r.flow_id = f.id) as resources
    from flow f
    where f.state = 'SUCCEEDED' and (f.dataset_id, f.revision) > ($1, $2)
    order by f.dataset_id, f.revision limit $3
"""

ROWS: Mapping[str, tuple[str, str]] = {
    "flow-without-resources": (
        "no resource belongs to it",
        """
        select 'flow' as what, id as flow from flow f
        where not exists (select from flow_resource where flow_id = f.id)
        """,
    ),
    "published-in-part": (
        "it counts as published, and this resource of it does not",
        """
        select 'flow_resource ' || r.name as what, f.id as flow from flow f join flow_resource r on r.flow_id = f.id
        where f.state = 'SUCCEEDED' and r.state <> 'SUCCEEDED'
        """,
    ),
    "wrong-published-revision": (
        "readers are shown another revision than the highest that succeeded",
        """
        select 'dataset ' || id as what, id || '/' || coalesce(published_revision, 0) as flow from dataset d
        where published_revision is distinct from
              (select max(revision) from flow where dataset_id = d.id and state = 'SUCCEEDED')
        """,
    ),
    "revisions-not-contiguous": (
        "the numbers of its revisions have gaps",
        """
        select 'dataset ' || id as what, null as flow from dataset d
        where last_revision <> (select count(*) from flow where dataset_id = d.id)
           or last_revision <> (select coalesce(max(revision), 0) from flow where dataset_id = d.id)
        """,
    ),
    "found-but-not-published": (
        "search finds a revision that is not published",
        """
        select 'metadata ' || dataset_id as what, dataset_id || '/' || revision as flow from metadata m
        where not exists (select from flow where dataset_id = m.dataset_id and revision = m.revision
                          and state = 'SUCCEEDED')
        """,
    ),
    "published-but-not-found": (
        "search does not find it an hour after it was published",
        """
        select 'metadata ' || f.dataset_id as what, f.id as flow
        from dataset d join flow f on f.dataset_id = d.id and f.revision = d.published_revision
        where f.finished_at < now() - interval '1 hour' and not exists (
              select from metadata where dataset_id = d.id and revision >= f.revision)
        """,
    ),
    "event-of-no-flow": (
        "the log tells of a flow that is not there",
        """
        select 'event_log ' || id as what, flow_id as flow from event_log e
        where not exists (select from flow where id = e.flow_id)
        """,
    ),
    "delivery-without-queue": (
        "a message lies in a queue that nobody declared",
        """
        select 'delivery ' || id || ' in ' || queue as what, null as flow from delivery l
        where not exists (select from queue where name = l.queue)
        """,
    ),
}
"""By the name of the damage: what it means, and the rows that have it."""
