"""What nobody needs any more: uploads that were never posted, and objects of runs that failed.

Kept is whatever a row names, of any flow in any state: a failed one can run again without uploading again. What stages
make is named by a row only at the end, so nothing of a dataset (or, of derived bytes, of an owner) whose flow moves is
touched (docs/decisions/0020-sweep.md). Three races are closed by the row lock on the owner's account, under which
everything is looked at once more:

* a push that found the upload and is about to commit waits for the lock, sees `swept_at`, and looks again;
* a flow that is about to run again (publisher, replay) waits, and its stages then find out what is gone;
* a stage that found an object of an earlier run belongs to a flow that moves, so the object stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import asyncpg

from messages.blobs import Blobs, StoredObject
from messages.datapackage import BlobRef
from messages.storecalls import BlobMissing
from messages.usage import forget

A_DAY = timedelta(days=1)
BATCH = 100
"""Objects that are deleted under one lock: pushes of their owner wait for so long."""


@dataclass(slots=True, kw_only=True)
class Leftovers:
    """What nothing needs; `strange` are keys that are none of ours, which are left alone."""

    objects: list[StoredObject] = field(default_factory=list)
    strange: list[StoredObject] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of the objects."""
        return sum(found.size for found in self.objects)


@dataclass(frozen=True, slots=True)
class _Needed:
    """What an owner's rows name, as (bucket, key), and the datasets whose flows move."""

    blobs: frozenset[tuple[str, str]]
    moving: frozenset[str]


class Sweep:
    """Finds and deletes what is older than `age` and needed by nothing."""

    def __init__(self, pool: asyncpg.Pool, blobs: Blobs, age: timedelta = A_DAY) -> None:
        self._pool = pool
        self._blobs = blobs
        self._age = age

    async def look(self) -> Leftovers:
        """Changes nothing; raises TransientError, a member of TRANSIENT."""
        before = await self._before()
        found = Leftovers()
        owners = {row["id"] for row in await self._pool.fetch("select id from account")}
        owner, needed = "", _Needed(frozenset(), frozenset())
        async for each in self._old(before):
            if each.upload is None and _owner(each) not in owners:
                found.strange.append(each)
                continue
            if each.upload is None and _owner(each) != owner:
                owner, needed = _owner(each), await self._needed(self._pool, _owner(each))
            if each.upload is not None or self._is_left(each, needed):
                found.objects.append(each)
        return found

    async def sweep(self, leftovers: Leftovers) -> list[StoredObject]:
        """Deletes what is still left over; returns that. Raises as `look`: what went before is gone."""
        pending = [found for found in leftovers.objects if found.upload is not None]
        before = await self._before()
        gone = []
        for upload in pending:
            if (still := await self._with_parts(upload)) and still.modified < before:
                await self._blobs.delete(upload)
                gone.append(upload)
        owners: dict[str, list[StoredObject]] = {}
        for found in leftovers.objects:
            if found.upload is None:
                owners.setdefault(_owner(found), []).append(found)
        for owner, objects in owners.items():
            for first in range(0, len(objects), BATCH):
                gone += await self._sweep_owner(owner, objects[first : first + BATCH])
            await self._count_anew(owner)
        return gone

    async def _sweep_owner(self, owner: str, objects: Sequence[StoredObject]) -> list[StoredObject]:
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("select from account where id = $1 for update", owner)
            needed = await self._needed(connection, owner)
            left = [found for found in objects if self._is_left(found, needed)]
            unchanged = await asyncio.gather(*(self._is_unchanged(found) for found in left))
            gone = [found for found, same in zip(left, unchanged, strict=True) if same]
            if gone:
                await connection.execute("update account set swept_at = clock_timestamp() where id = $1", owner)
            await asyncio.gather(*(self._blobs.delete(found) for found in gone))
        return gone

    async def _count_anew(self, owner: str) -> None:
        """What was deleted is no longer on the owner's account."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("select from account where id = $1 for update", owner)
            await forget(connection, owner)

    async def _is_unchanged(self, found: StoredObject) -> bool:
        """False for what was uploaded anew since it was listed."""
        head = await self._blobs.head(found.bucket, found.key)
        return head is not None and head.modified <= found.modified

    async def _before(self) -> datetime:
        now: datetime = await self._pool.fetchval("select now()")
        return now - self._age

    async def _with_parts(self, upload: StoredObject) -> StoredObject | None:
        """With the bytes that arrived, and the time of the last: a large file may take days. None: it is gone."""
        size, modified = 0, upload.modified
        blob = BlobRef(bucket=upload.bucket, key=upload.key, size=0)
        try:
            async for part in self._blobs.multipart.parts(blob, str(upload.upload)):
                size, modified = size + part.size, max(modified, part.modified)
        except BlobMissing:
            return None
        return replace(upload, size=size, modified=modified)

    async def _old(self, before: datetime) -> AsyncGenerator[StoredObject, None]:
        for bucket in (self._blobs.settings.raw_bucket, self._blobs.settings.package_bucket):
            async for begun in self._blobs.uploads(bucket):
                if begun.modified < before and (upload := await self._with_parts(begun)) and upload.modified < before:
                    yield upload
            async for found in self._blobs.objects(bucket):
                if found.modified < before:
                    yield found

    def _is_left(self, found: StoredObject, needed: _Needed) -> bool:
        if (found.bucket, found.key) in needed.blobs:
            return False
        _, _, rest = found.key.partition("/")
        folder = rest.partition("/")[0]
        if found.bucket == self._blobs.settings.raw_bucket:
            return folder != "derived" or not needed.moving
        return folder not in needed.moving

    async def _needed(self, connection: asyncpg.Connection | asyncpg.Pool, owner: str) -> _Needed:
        blobs = await connection.fetch(_NAMED, owner, self._blobs.settings.package_bucket)
        moving = await connection.fetch(_MOVING, owner)
        return _Needed(
            frozenset((row["bucket"], row["key"]) for row in blobs), frozenset(row["dataset"] for row in moving)
        )


def _owner(found: StoredObject) -> str:
    return found.key.partition("/")[0]


_NAMED = """
    select blob ->> 'bucket' as bucket, blob ->> 'key' as key
    from flow f join flow_resource r on r.flow_id = f.id,
         jsonb_path_query(jsonb_build_array(r.resource - 'descriptor' - 'facts', r.report, r.files),
                          '$.** ? (@.bucket.type() == "string" && @.key.type() == "string")') as blob
    where f.ownerid = $1
    union all
    select $2, id || '/datapackage.json' from flow where ownerid = $1 and state = 'SUCCEEDED'
"""
_MOVING = "select dataset from flow where ownerid = $1 and finished_at is null"
