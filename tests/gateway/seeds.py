"""Rows and objects as the workers leave them, written directly: the readers' side can be tested by itself."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from messages.blobs import Blobs
from messages.datapackage import BlobRef, PublishedFile, Resource

BUCKET = "pkgstore"


@dataclass(slots=True, kw_only=True)
class Table:
    """A table of a seeded revision; with `findings` it was rejected in `stage`."""

    name: str = "prices"
    header: Sequence[str] = ("date", "price")
    rows: Sequence[Sequence[str]] = (("2018-01-01", "1.5"), ("2018-01-02", "2"))
    fields: Sequence[Mapping[str, Any]] = ({"name": "date", "type": "date"}, {"name": "price", "type": "number"})
    descriptor: Mapping[str, Any] = field(default_factory=dict)
    source: bytes | None = None
    state: str = "SUCCEEDED"
    stage: str = "dump"
    reason: str | None = None
    rule: str | None = None
    findings: Sequence[Mapping[str, Any]] = ()
    errors: int | None = None
    report: Mapping[str, Any] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def csv(self) -> bytes:
        """The canonical bytes."""
        return "".join(",".join(row) + "\n" for row in (self.header, *self.rows)).encode()


class Seeds:
    """Writes accounts, datasets and revisions."""

    def __init__(self, pool: asyncpg.Pool, blobs: Blobs) -> None:
        self.pool = pool
        self.blobs = blobs

    async def account(self, ownerid: str, username: str) -> str:
        """An account without a password; its id."""
        await self.pool.execute("insert into account (id, username) values ($1, $2)", ownerid, username)
        return ownerid

    async def revision(
        self,
        ownerid: str,
        name: str,
        *,
        tables: Sequence[Table] = (Table(),),
        findability: str = "published",
        state: str = "SUCCEEDED",
        reason: str | None = None,
        indexed: bool = True,
        **package: Any,
    ) -> int:
        """The next revision of a dataset, ended or moving as the tables say; its number."""
        username = await self.pool.fetchval("select username from account where id = $1", ownerid)
        resources = [await self._resource(f"{ownerid}/{name}", index, table) for index, table in enumerate(tables)]
        descriptor = {"name": name, "title": name.title(), **package}
        descriptor["resources"] = [{**resource.descriptor, "name": resource.name} for resource in resources]
        rows = sum(len(table.rows) for table in tables)
        size = sum(file.blob.size for resource in resources for file in resource.files if file.role == "data")
        facts = {"ownerid": ownerid, "owner": username, "findability": findability}
        facts |= {"stats": {"rowcount": rows, "bytes": size}, "modified": "2026-11-23T10:00:00+00:00"}
        ended = state in ("SUCCEEDED", "FAILED")
        published = {**descriptor, "datahub": facts} if state == "SUCCEEDED" else None
        async with self.pool.acquire() as connection, connection.transaction():
            number: int = await connection.fetchval(
                """
                insert into dataset (id, ownerid, owner, name, findability, last_revision)
                values ($1, $2, $3, $4, $5, 1)
                on conflict (id) do update set last_revision = dataset.last_revision + 1, findability = $5
                returning last_revision
                """,
                *(f"{ownerid}/{name}", ownerid, username, name, findability),
            )
            flow_id = f"{ownerid}/{name}/{number}"
            await connection.execute(
                """
                insert into flow (id, dataset_id, revision, ownerid, owner, dataset, findability, state, reason, spec,
                                  descriptor, package, finished_at, manifest)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, case when $13 then now() end, $14)
                """,
                *(flow_id, f"{ownerid}/{name}", number, ownerid, username, name, findability, state, reason),
                *({"meta": {"dataset": name}}, descriptor, published, ended),
                await self._manifest(flow_id, published) if published else None,
            )
            for resource, table in zip(resources, tables, strict=True):
                await self._insert_resource(connection, flow_id, resource, table)
            if published:
                await connection.execute(
                    "update dataset set published_revision = $2 where id = $1", f"{ownerid}/{name}", number
                )
        if published and indexed:
            await self.index(ownerid, name, number, published, rows, size)
        return number

    async def _manifest(self, flow_id: str, package: Mapping[str, Any]) -> dict[str, Any]:
        content = json.dumps(package).encode()
        blob = BlobRef(
            bucket=BUCKET,
            key=f"{flow_id}/datapackage.json",
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        await self.blobs.put(blob.bucket, blob.key, content, "application/json")
        return blob.to_dict()

    async def index(
        self, ownerid: str, name: str, revision: int, package: Mapping[str, Any], rows: int, size: int
    ) -> None:
        """What the MetaStore's writer leaves."""
        facts = package["datahub"]
        await self.pool.execute(
            """
            insert into metadata (dataset_id, revision, ownerid, owner, name, title, description, findability, package,
                                  size, rows, document)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
                    setweight(to_tsvector('dataset_text', $6 || ' ' || $5), 'A') ||
                    setweight(to_tsvector('dataset_text', $7), 'B') || to_tsvector('dataset_text', $12))
            on conflict (dataset_id) do update set revision = $2, package = $9, findability = $8, title = $6
            """,
            *(f"{ownerid}/{name}", revision, ownerid, facts["owner"], name, package.get("title", name)),
            *(package.get("description", ""), facts["findability"], dict(package), size, rows),
            package.get("readme", ""),
        )

    async def event(self, ownerid: str, name: str, kind: str, findability: str = "published") -> None:
        """A line of the event log."""
        username = await self.pool.fetchval("select username from account where id = $1", ownerid)
        document = {"event_entity": "flow", "event_action": kind, "dataset": name, "owner": username}
        await self.pool.execute(
            "insert into event_log values ($1, $2, now(), $3, $4, $5, $6, $7, $8)",
            *(hashlib.sha256(f"{ownerid}{name}{kind}".encode()).hexdigest(), kind, f"{ownerid}/{name}/1"),
            *(ownerid, username, name, findability, document),
        )

    async def _resource(self, dataset_id: str, index: int, table: Table) -> Resource:
        preview = {"header": list(table.header), "rows": [list(row) for row in table.rows]}
        preview |= {"more_rows": False, "more_columns": False, "cut_cells": False}
        files = []
        if table.state == "SUCCEEDED":
            shown = json.dumps(preview).encode()
            files = [
                await self._file(dataset_id, "data", f"{table.name}.csv", "text/csv", table.csv),
                await self._file(dataset_id, "preview", "preview.json", "application/json", shown),
            ]
            if table.source is not None:
                files.append(await self._file(dataset_id, "source", f"{table.name}.txt", "text/plain", table.source))
        descriptor = {
            "name": table.name,
            "path": f"{table.name}.csv",
            "format": "csv",
            "bytes": len(table.csv),
            "hash": f"sha256:{hashlib.sha256(table.csv).hexdigest()}",
            "schema": {"fields": [dict(one) for one in table.fields]},
            **table.descriptor,
        }
        source = BlobRef(bucket="rawstore", key=f"{dataset_id}/{table.name}", size=len(table.csv))
        return Resource(
            index=index,
            name=table.name,
            path=f"{table.name}.csv",
            descriptor=descriptor,
            source=source,
            tabular=True,
            rows=len(table.rows),
            files=tuple(files),
        )

    async def _file(self, dataset_id: str, role: str, filename: str, mediatype: str, content: bytes) -> PublishedFile:
        sha256 = hashlib.sha256(content).hexdigest()
        key = f"{dataset_id}/data/{sha256}/{filename}"
        await self.blobs.put(BUCKET, key, content, mediatype)
        blob = BlobRef(bucket=BUCKET, key=key, size=len(content), sha256=sha256)
        return PublishedFile(role=role, filename=filename, mediatype=mediatype, blob=blob)

    async def _insert_resource(
        self, connection: asyncpg.Connection, flow_id: str, resource: Resource, table: Table
    ) -> None:
        report = None
        if table.report is not None:
            content = json.dumps(table.report).encode()
            dataset_id = flow_id.rpartition("/")[0]
            report = (await self._file(dataset_id, "report", "report.json", "application/json", content)).blob.to_dict()
        facts = {
            "encoding": {"encoding": "utf-8", "source": "ascii", "certain": True, "evidence": {}},
            "csvkind": {"columns": len(table.header), "records": len(table.rows) + 1, "evidence": {"header": "told"}},
            **table.facts,
        }
        await connection.execute(
            """
            insert into flow_resource (flow_id, index, name, tabular, stage, state, resource, facts, rows, reason, rule,
                                       errors, findings, report)
            values ($1, $2, $3, true, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
            """,
            *(flow_id, resource.index, resource.name, table.stage, table.state, resource.to_dict(), facts),
            *(len(table.rows) if table.state == "SUCCEEDED" else None, table.reason, table.rule),
            table.errors if table.errors is not None else len(table.findings),
            *([dict(one) for one in table.findings] or None, report),
        )


async def organisation(pool: asyncpg.Pool, username: str) -> str:
    """An organisation without members; its id."""
    ownerid = secrets.token_hex(16)
    query = "insert into account (id, username, name, kind) values ($1, $2, $2, 'organisation')"
    await pool.execute(query, ownerid, username)
    return ownerid


async def join(pool: asyncpg.Pool, organisation_id: str, account_id: str, role: str | None) -> None:
    """Makes an account a member with this role, or none any more."""
    await pool.execute(
        "delete from membership where (organisation_id, account_id) = ($1, $2)", organisation_id, account_id
    )
    if role is not None:
        query = "insert into membership (organisation_id, account_id, role) values ($1, $2, $3)"
        await pool.execute(query, organisation_id, account_id, role)
