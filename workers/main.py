"""The composition root of a worker process: opens what its workers need, serves until SIGTERM, gives back the rest."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeVar

import structlog

from messages.ending import dismiss
from messages.errors import TransientError
from messages.jobs import STAGES
from messages.settings import Settings
from messages.topology import STAGE_QUEUES, WRITER_QUEUES
from messages.transport import open_transport
from workers.alive import beat

if TYPE_CHECKING:  # each costs a tenth of a second or more to import, and not every worker needs it
    import asyncpg

    from messages.blobs import Blobs
    from messages.transport.port import Consumer, Transport
    from workers.stage import Tools

WRITERS = ("pkgstore", "metastore", "webhooks", "deadletters", "rescue")
GROUPS = {"stages": STAGES, "writers": WRITERS, "all": (*STAGES, *WRITERS)}
PKGSTORE_SLOTS, METASTORE_SLOTS, WEBHOOKS_SLOTS = 16, 4, 4
"""Deliveries at a time: what writers wait for is the database's commit, and their steps are written together."""
PATIENCE = 60.0
"""Seconds that a server may take to come up at the start."""

Opened = TypeVar("Opened")

log = structlog.get_logger()


class SideTaskDied(Exception):
    """A task that the process cannot do its work without has ended: better to start again than to limp."""


async def serve(names: Sequence[str], settings: Settings) -> None:
    """Runs stages and writers (or the groups `stages`, `writers`, `all`) until SIGTERM or SIGINT.

    Then no delivery is taken any more, running work may end within `grace`, and the rest is given back. Raises
    SideTaskDied, PermanentError (a stale schema), or TransientError where a server does not come up.
    """
    wanted = {worker for name in names for worker in GROUPS.get(name, (name,))}
    stopped = _stop_signal()
    async with AsyncExitStack() as stack:
        worker = _Worker(settings, stack)
        await worker.open(wanted)
        await worker.consume(wanted)
        log.info("worker_started", workers=sorted(wanted))
        await worker.until(stopped)


class _Worker:
    """What a process has open, and what it runs."""

    def __init__(self, settings: Settings, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._transport: Transport = open_transport(settings)
        self._consumers: list[Consumer] = []
        self._side_tasks: list[asyncio.Task[None]] = []
        self._blobs: Blobs | None = None
        self._tools: Tools | None = None
        self._pool: asyncpg.Pool | None = None

    async def open(self, wanted: set[str]) -> None:
        """Connects to what these workers need: a stage needs no database, a writer no spool."""
        self._stack.push_async_callback(self._transport.close)
        if wanted & {*STAGES, "pkgstore", "rescue"}:
            from messages.blobs import Blobs

            self._blobs = await self._stack.enter_async_context(Blobs(self._settings.store))
        if wanted & set(STAGES):
            self._tools = await self._open_tools(wanted)
        if wanted & set(WRITERS):
            self._pool = await self._open_pool()
        await patiently("broker", self._transport.declare)

    async def _open_tools(self, wanted: set[str]) -> Tools:
        from messages.spool import Spool
        from workers.pipeline import PIPELINE
        from workers.sandbox import Limits, Sandbox
        from workers.stage import Tools

        assert self._blobs is not None
        settings = self._settings.worker
        preload = [module for stage in PIPELINE if stage.name in wanted for module in stage.preload]
        limits = Limits(settings.memory, settings.file_size)
        sandbox = await self._stack.enter_async_context(Sandbox(limits, preload))
        await sandbox.start()
        spool = self._stack.enter_context(Spool(settings.spool_dir, settings.spool_capacity))
        return Tools(
            blobs=self._blobs,
            spool=spool,
            sandbox=sandbox,
            store=self._settings.store,
            limits=asdict(settings.limits),
        )

    async def _open_pool(self) -> asyncpg.Pool:
        from messages.database import TRANSIENT, open_pool, require_schema

        async def connect() -> asyncpg.Pool:
            try:
                return await open_pool(self._settings.database_url)
            except TRANSIENT as error:
                raise TransientError(str(error)) from error

        pool = await patiently("database", connect)
        self._stack.push_async_callback(pool.close)
        await require_schema(pool)
        return pool

    async def consume(self, wanted: set[str]) -> None:
        """Starts the consumers and the side tasks."""
        if self._tools is not None:
            await self._consume_stages(wanted, self._tools)
        if self._pool is not None:
            await self._consume_events(wanted, self._pool)

    async def _consume_stages(self, wanted: set[str], tools: Tools) -> None:
        from workers.pipeline import PIPELINE
        from workers.runtime import StageRuntime

        worker = self._settings.worker
        for stage in PIPELINE:
            if stage.name in wanted:
                runtime = StageRuntime(stage, self._transport, tools, worker.stage_timeouts[stage.name])
                queue = STAGE_QUEUES[stage.name].name
                self._consumers.append(await self._transport.consume(queue, runtime.handle, slots=worker.slots))

    async def _consume_events(self, wanted: set[str], pool: asyncpg.Pool) -> None:
        from messages.outbox import Relay
        from messages.turns import Turns
        from workers.recollection import Recollection
        from workers.rescue import Rescue
        from workers.writers.deadletters import DeadLetterWriter
        from workers.writers.metastore import MetadataWriter
        from workers.writers.pkgstore import PackageWriter
        from workers.writers.settling import settling

        consume = self._transport.consume
        if "pkgstore" in wanted:
            assert self._blobs is not None
            packages = PackageWriter(pool, self._blobs, self._settings.gateway.public_url)
            queue = WRITER_QUEUES["pkgstore"].name
            self._consumers.append(await consume(queue, settling(packages.write), slots=PKGSTORE_SLOTS))
        if "metastore" in wanted:
            queue = WRITER_QUEUES["metastore"].name
            write = settling(MetadataWriter(pool).write)
            self._consumers.append(await consume(queue, write, slots=METASTORE_SLOTS))
        if "webhooks" in wanted:
            await self._consume_for_webhooks(pool)
        if "deadletters" in wanted:
            self._consumers.append(await self._transport.consume_dead(DeadLetterWriter(pool).handle))
        if "rescue" in wanted:
            rescue = Rescue(pool, self._transport, self._settings.worker.rescue_after)
            self._side_tasks.append(asyncio.create_task(rescue.run(), name="rescue"))
            assert self._blobs is not None
            recollection = Recollection(pool, self._transport, self._blobs)
            self._side_tasks.append(asyncio.create_task(recollection.run(), name="recollection"))
        self._side_tasks.append(asyncio.create_task(Turns(pool, self._settings.turns).run(), name="turns"))
        self._side_tasks.append(asyncio.create_task(Relay(pool, self._transport).run(), name="relay"))

    async def _consume_for_webhooks(self, pool: asyncpg.Pool) -> None:
        from messages.webhooks.addresses import Addresses
        from workers.webhooks.courier import Courier
        from workers.webhooks.sender import Sender
        from workers.writers.settling import settling
        from workers.writers.webhooks import WebhookWriter

        write = settling(WebhookWriter(pool).write)
        queue = WRITER_QUEUES["webhooks"].name
        self._consumers.append(await self._transport.consume(queue, write, slots=WEBHOOKS_SLOTS))
        sender = Sender(pool, Courier(Addresses(self._settings.webhook_networks)))
        self._side_tasks.append(asyncio.create_task(sender.run(), name="webhooks"))

    async def until(self, stopped: asyncio.Event) -> None:
        """Returns after `stopped` and a graceful end; raises SideTaskDied as soon as one has."""
        stopping = asyncio.create_task(stopped.wait())
        if alive_file := self._settings.worker.alive_file:
            self._side_tasks.append(asyncio.create_task(beat(alive_file), name="alive"))
        # A consumer that could not be restored must not leave a process behind that looks alive and takes nothing.
        restored = [asyncio.create_task(consumer.closed(), name="consumer") for consumer in self._consumers]
        tasks = [stopping, *self._side_tasks, *restored]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            died = [task for task in tasks if task.done() and task is not stopping]
            log.info("worker_stopping")
            grace = self._settings.worker.grace
            await asyncio.gather(*(consumer.stop(grace) for consumer in self._consumers))
        finally:
            await dismiss(*tasks)
        for task in died:
            raise SideTaskDied(f"{task.get_name()} ended: {task.exception()!r}")


async def patiently(what: str, connect: Callable[[], Awaitable[Opened]]) -> Opened:
    """What `connect` returns, tried for PATIENCE seconds: services start in any order. Raises TransientError."""
    ends_at = asyncio.get_running_loop().time() + PATIENCE
    pause = 0.1
    while True:
        try:
            return await connect()
        except (TransientError, OSError, TimeoutError) as error:
            if asyncio.get_running_loop().time() + pause > ends_at:
                raise TransientError(f"the {what} does not answer: {error}") from error
            log.warning("waiting_for_server", server=what, error=f"{type(error).__name__}: {error}")
        await asyncio.sleep(pause)
        pause = min(pause * 2, 2.0)


def _stop_signal() -> asyncio.Event:
    """Is set by the first SIGTERM or SIGINT; a second one has no further meaning, the grace is bounded."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped
