"""What the tests of workers stand on: a database with an account, an object store, a transport, and accepted flows."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from messages.blobs import Blobs
from messages.database import open_pool
from messages.datapackage import BlobRef, FlowRef, Resource
from messages.envelope import Message
from messages.jobs import StageJob
from messages.outbox import Relay, emit
from messages.settings import StoreSettings
from messages.spool import Spool
from messages.topology import STAGE_QUEUES, WRITER_QUEUES
from messages.transport.port import Consumer, Delivery, Transport
from workers.pipeline import PIPELINE
from workers.runtime import StageRuntime
from workers.sandbox import Limits, Sandbox
from workers.stage import Outcome, Passed, Report, Stage, StageContext, Tools
from workers.writers.deadletters import DeadLetterWriter
from workers.writers.metastore import MetadataWriter
from workers.writers.pkgstore import PackageWriter
from workers.writers.settling import settling

PUBLIC_URL = "https://data.test"
DEADLINE = 60.0

Pack = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of a package that a test publishes; `descriptor` is what its publisher wrote."""

    name: str
    content: bytes
    path: str = ""
    tabular: bool = True
    descriptor: Mapping[str, Any] | None = None
    declared_size: int | None = None
    uploaded: bool = True


@asynccontextmanager
async def tools(store: StoreSettings, directory: Path, memory: int = 1_500_000_000) -> AsyncIterator[Tools]:
    """Blobs, a spool in `directory`, a sandbox."""
    preload = [module for stage in PIPELINE for module in stage.preload]
    with Spool(directory / "spool", 1_000_000_000) as spool:
        async with Blobs(store) as blobs, Sandbox(Limits(memory), preload) as sandbox:
            yield Tools(blobs=blobs, spool=spool, sandbox=sandbox, store=store)


async def upload(blobs: Blobs, ownerid: str, file: File, index: int = 0) -> Resource:
    """The resource as the gateway posts it, its bytes in the raw store."""
    key = f"{ownerid}/{hashlib.md5(file.content).hexdigest()}"  # noqa: S324 as RawStore names objects
    if file.uploaded:
        await blobs.put(blobs.settings.raw_bucket, key, file.content, "application/octet-stream")
    size = len(file.content) if file.declared_size is None else file.declared_size
    return Resource(
        index=index,
        name=file.name,
        path=file.path or f"data/{file.name}.csv",
        descriptor={"name": file.name, **(file.descriptor or {})},
        source=BlobRef(bucket=blobs.settings.raw_bucket, key=key, size=size),
        tabular=file.tabular,
    )


@dataclass(slots=True)
class Floor:
    """One account's datasets, and the servers of a publish."""

    ownerid: str
    pool: asyncpg.Pool
    blobs: Blobs

    async def accept(
        self, files: Sequence[File], *, dataset: str = "towns", descriptor: Mapping[str, Any] | None = None
    ) -> tuple[FlowRef, list[Resource]]:
        """Does what `POST /source/upload` does, without saying anything yet."""
        resources = [await upload(self.blobs, self.ownerid, file, index) for index, file in enumerate(files)]
        async with self.pool.acquire() as connection, connection.transaction():
            flow = await self._insert_flow(connection, dataset, descriptor or {"name": dataset, "title": "Towns"})
            await connection.executemany(
                "insert into flow_resource (flow_id, index, name, tabular, resource) values ($1, $2, $3, $4, $5)",
                [(flow.id, item.index, item.name, item.tabular, item.to_dict()) for item in resources],
            )
        return flow, resources

    async def _insert_flow(
        self, connection: asyncpg.Connection, dataset: str, descriptor: Mapping[str, Any]
    ) -> FlowRef:
        await connection.execute(
            "insert into account (id, username) values ($1, 'alice') on conflict do nothing", self.ownerid
        )
        revision = await connection.fetchval(
            """
            insert into dataset (id, ownerid, owner, name, findability, last_revision)
            values ($1, $2, 'alice', $3, 'published', 1)
            on conflict (id) do update set last_revision = dataset.last_revision + 1
            returning last_revision
            """,
            f"{self.ownerid}/{dataset}",
            self.ownerid,
            dataset,
        )
        flow = FlowRef(ownerid=self.ownerid, owner="alice", dataset=dataset, revision=revision, findability="published")
        await connection.execute(
            """
            insert into flow (id, dataset_id, revision, ownerid, owner, dataset, findability, spec, descriptor)
            values ($1, $2, $3, $4, 'alice', $5, 'published', '{}', $6)
            """,
            flow.id,
            flow.dataset_id,
            revision,
            self.ownerid,
            dataset,
            dict(descriptor),
        )
        return flow

    async def start(self, flow: FlowRef, resources: Sequence[Resource]) -> None:
        """Puts the first jobs into the outbox."""
        async with self.pool.acquire() as connection, connection.transaction():
            await emit(connection, *[job(flow, resource).to_message() for resource in resources])

    async def flow(self, flow: FlowRef) -> asyncpg.Record:
        """The flow's row."""
        return await self.pool.fetchrow("select * from flow where id = $1", flow.id)

    async def resources(self, flow: FlowRef) -> list[asyncpg.Record]:
        """The rows of its resources, in order."""
        rows: list[asyncpg.Record] = await self.pool.fetch(
            "select * from flow_resource where flow_id = $1 order by index", flow.id
        )
        return rows

    async def said(self) -> list[Message]:
        """What is in the outbox, in order."""
        return [Message.decode(row["body"]) for row in await self.pool.fetch("select body from outbox order by id")]

    async def ended(self, flow: FlowRef) -> asyncpg.Record:
        """The flow's row once it has ended; waits for the writers' notifications, at most DEADLINE seconds."""
        changed = asyncio.Event()

        def wake(*_: object) -> None:
            changed.set()

        async with self.pool.acquire() as connection, asyncio.timeout(DEADLINE):
            await connection.add_listener("flow", wake)
            while (row := await self.flow(flow))["finished_at"] is None:
                await changed.wait()
                changed.clear()
            await connection.remove_listener("flow", wake)
        return row


def job(flow: FlowRef, resource: Resource, stage: str = "load", round: int = 0) -> StageJob:
    """A stage's job."""
    return StageJob(flow=flow, stage=stage, resource=resource, round=round)


def delivered(message: Message, attempt: int = 1) -> Delivery:
    """A delivery of a message, made by hand."""
    return Delivery(message=message, queue="dh.test", attempt=attempt, redelivered=False)


@asynccontextmanager
async def floor(ownerid: str, database_url: str, store: StoreSettings) -> AsyncIterator[Floor]:
    """An account's floor on a database and an object store."""
    pool = await open_pool(database_url)
    try:
        async with Blobs(store) as blobs:
            yield Floor(ownerid, pool, blobs)
    finally:
        await pool.close()


@asynccontextmanager
async def running(
    floor: Floor, transport: Transport, tools: Tools, stages: Sequence[Stage] = PIPELINE
) -> AsyncIterator[list[Consumer]]:
    """All workers, in this process."""
    await transport.declare()
    consumers = [
        await transport.consume(
            STAGE_QUEUES[stage.name].name, StageRuntime(stage, transport, tools, 60.0).handle, slots=2
        )
        for stage in stages
    ]
    packages = PackageWriter(floor.pool, floor.blobs, PUBLIC_URL)
    metadata = MetadataWriter(floor.pool)
    consumers += [
        await transport.consume(WRITER_QUEUES["pkgstore"].name, settling(packages.write), slots=8),
        await transport.consume(WRITER_QUEUES["metastore"].name, settling(metadata.write), slots=2),
        await transport.consume_dead(DeadLetterWriter(floor.pool).handle),
    ]
    relay = asyncio.create_task(Relay(floor.pool, transport).run())
    try:
        yield consumers
    finally:
        await asyncio.gather(*(consumer.stop(5.0) for consumer in consumers))
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)


def silent(_done: int, _total: int | None, _unit: str) -> None:
    """Nobody listens how far a stage is."""


async def through(
    stages: Sequence[str], resource: Resource, tools: Tools, ownerid: str, report: Report = silent
) -> Outcome:
    """The outcome of the last of these stages, or of the first that rejects."""
    flow = FlowRef(ownerid=ownerid, owner="alice", dataset="towns", revision=1, findability="published")
    functions = {stage.name: stage.function for stage in PIPELINE}
    ends_at = asyncio.get_running_loop().time() + DEADLINE
    outcome: Outcome = Passed(resource)
    for name in stages:
        with StageContext(tools, ends_at, report) as context:
            outcome = await functions[name](job(flow, passed(outcome), name), context)
        if not isinstance(outcome, Passed):
            break
    return outcome


def passed(outcome: Outcome) -> Resource:
    """The resource of an outcome that must be Passed."""
    assert isinstance(outcome, Passed), outcome
    return outcome.resource
