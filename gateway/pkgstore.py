"""Reads of the package store: which revision a reader sees, and what it is made of.

One rule of visibility for everything here: a revision is readable by anybody who knows its address unless it, or its
dataset today, is private; then only those who may read its owner's private data do (`gateway/auth/rights`), and for
others it does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from gateway.auth.rights import Actor
from messages.datapackage import BlobRef, PublishedFile, Resource

SUCCESSFUL = "successful"
LATEST = "latest"
LARGEST_REVISION = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRun:
    """A resource of a revision: how far it came, what was learned, what is wrong with it. `errors` counts them all."""

    index: int
    name: str
    tabular: bool
    stage: str
    state: str
    resource: Resource
    facts: Mapping[str, Any]
    rows: int | None
    reason: str | None
    rule: str | None
    errors: int
    findings: tuple[Mapping[str, Any], ...]
    report: BlobRef | None
    files: tuple[PublishedFile, ...] = ()

    def file(self, role: str) -> PublishedFile | None:
        """The file with this role: `data`, `source`, `preview`, `report` of a published one, `summary`, `errors`,
        `annotated` of an invalid one."""
        return next((file for file in (*self.resource.files, *self.files) if file.role == role), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One revision in any state; `package` is the published datapackage.json once it SUCCEEDED, `manifest` its bytes
    (None: published before they were noted)."""

    id: str
    ownerid: str
    owner: str
    dataset: str
    revision: int
    findability: str
    state: str
    reason: str | None
    cancelled: bool
    descriptor: Mapping[str, Any]
    package: Mapping[str, Any] | None
    manifest: BlobRef | None
    created_at: datetime
    finished_at: datetime | None
    dataset_created_at: datetime
    last_revision: int
    published_revision: int | None
    resources: tuple[ResourceRun, ...]

    @property
    def path(self) -> str:
        """The dataset's address on this site."""
        return f"/{self.owner}/{self.dataset}"

    @property
    def whole(self) -> Mapping[str, Any]:
        """The published descriptor, or the publisher's where there is none."""
        return self.package or self.descriptor

    @property
    def private(self) -> bool:
        return self.findability == "private"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionSummary:
    """A line of a dataset's history."""

    revision: int
    state: str
    reason: str | None
    created_at: datetime
    finished_at: datetime | None
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSummary:
    """A line of an owner's list: its newest run, and what readers see. `published_revision` None: nothing yet."""

    owner: str
    name: str
    title: str
    findability: str
    state: str
    last_revision: int
    published_revision: int | None
    updated_at: datetime


_REVISION = """
    select f.*, a.username, d.created_at as dataset_created_at, d.last_revision, d.published_revision,
           narrower(d.findability, f.findability) as shown_findability
    from account a
    join dataset d on d.ownerid = a.id and d.name = $2
    join flow f on f.dataset_id = d.id
    where f.revision = case $3::bigint when 0 then d.published_revision when -1 then d.last_revision else $3 end
      and (f.ownerid = any($4::text[]) or d.id = any($4::text[])
           or (f.findability <> 'private' and d.findability <> 'private'))
"""

_RESOURCES = "select * from flow_resource where flow_id = $1 order by index"

_HISTORY = """
    select f.revision, f.state, f.reason, f.created_at, f.finished_at, f.revision = d.published_revision as current
    from dataset d join flow f on f.dataset_id = d.id
    where d.id = $1 and (f.ownerid = any($2::text[]) or d.id = any($2::text[]) or
          (f.findability <> 'private' and d.findability <> 'private' and f.state = 'SUCCEEDED'))
    order by f.revision desc limit $3
"""

_OWNED = """
    select a.username, d.name, d.findability, d.last_revision, d.published_revision, f.state, f.updated_at,
           coalesce(f.descriptor ->> 'title', d.name) as title
    from dataset d
    join account a on a.id = d.ownerid
    join flow f on f.dataset_id = d.id and f.revision = d.last_revision
    where d.ownerid = any($1::text[]) order by f.updated_at desc limit $2
"""


class PackageStore:
    """Reads revisions as a `viewer` may see them."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def revision(self, owner: str, dataset: str, version: str, viewer: Actor) -> Revision | None:
        """Revision `version` (a number, `latest`, `successful`) of a user's dataset; None where none is to be seen."""
        return await self._revision("lower(a.username) = lower($1)", owner, dataset, version, viewer)

    async def revision_by_id(self, ownerid: str, dataset: str, version: str, viewer: Actor) -> Revision | None:
        """As `revision`, by account id: the addresses of the object store's own layout."""
        return await self._revision("a.id = $1", ownerid, dataset, version, viewer)

    async def _revision(self, whose: str, owner: str, dataset: str, version: str, viewer: Actor) -> Revision | None:
        number = revision_number(version)
        if number is None or "\x00" in owner + dataset:
            return None
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(f"{_REVISION} and {whose}", owner, dataset, number, viewer.reach)
            if row is None:
                return None
            resources = await connection.fetch(_RESOURCES, row["id"])
        return _revision_of(row, [_resource_of(resource) for resource in resources])

    async def history(self, revision: Revision, viewer: Actor, limit: int = 50) -> list[RevisionSummary]:
        """The newest revisions of the dataset: the published ones for everybody, every run for who may read all."""
        dataset_id = f"{revision.ownerid}/{revision.dataset}"
        rows = await self._pool.fetch(_HISTORY, dataset_id, viewer.reach, limit)
        return [RevisionSummary(**{**row, "current": bool(row["current"])}) for row in rows]

    async def owned(self, owners: Sequence[str], limit: int = 200) -> list[DatasetSummary]:
        """Datasets of these owners' ids, private ones and failed runs too, the last changed first: for who may read
        all of them."""
        rows = await self._pool.fetch(_OWNED, owners, limit)
        return [
            DatasetSummary(
                owner=row["username"],
                name=row["name"],
                title=row["title"] or row["name"],
                findability=row["findability"],
                state=row["state"],
                last_revision=row["last_revision"],
                published_revision=row["published_revision"],
                updated_at=row["updated_at"],
            )
            for row in rows
        ]


def revision_number(version: str) -> int | None:
    """The number a version stands for in the queries: 0 `successful`, -1 `latest`; None where it can be none."""
    if version in (SUCCESSFUL, LATEST):
        return 0 if version == SUCCESSFUL else -1
    if not (version.isascii() and version.isdigit() and len(version) <= 10):
        return None
    number = int(version)
    return number if 0 < number <= LARGEST_REVISION else None


def _revision_of(row: asyncpg.Record, resources: list[ResourceRun]) -> Revision:
    return Revision(
        id=row["id"],
        ownerid=row["ownerid"],
        owner=row["username"],
        dataset=row["dataset"],
        revision=row["revision"],
        findability=row["shown_findability"],
        state=row["state"],
        reason=row["reason"],
        cancelled=row["cancelled_at"] is not None,
        descriptor=row["descriptor"],
        package=row["package"],
        manifest=BlobRef.from_dict(row["manifest"]) if row["manifest"] else None,
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        dataset_created_at=row["dataset_created_at"],
        last_revision=row["last_revision"],
        published_revision=row["published_revision"],
        resources=tuple(resources),
    )


def _resource_of(row: asyncpg.Record) -> ResourceRun:
    return ResourceRun(
        index=row["index"],
        name=row["name"],
        tabular=row["tabular"],
        stage=row["stage"],
        state=row["state"],
        resource=Resource.from_dict(row["resource"]),
        facts=row["facts"],
        rows=row["rows"],
        reason=row["reason"],
        rule=row["rule"],
        errors=row["errors"] or 0,
        findings=tuple(row["findings"] or ()),
        report=BlobRef.from_dict(row["report"]) if row["report"] else None,
        files=tuple(PublishedFile.from_dict(file) for file in row["files"] or ()),
    )
