"""Progress within a stage, told to whoever watches: best effort, never in the stage's way."""

from __future__ import annotations

import asyncio

import structlog

from messages.errors import PermanentError, TransientError
from messages.jobs import StageJob
from messages.stageevents import StageProgressed
from messages.transport.port import Transport

INTERVAL = 0.5
"""Seconds between two events of one job at the least."""

log = structlog.get_logger()


class ProgressReporter:
    """`with`: called as often as the work likes; at most one event is on its way, what comes meanwhile is dropped."""

    def __init__(self, transport: Transport, job: StageJob) -> None:
        self._transport = transport
        self._job = job
        self._due = asyncio.get_running_loop().time() + INTERVAL
        self._sending: asyncio.Task[None] | None = None

    def __enter__(self) -> ProgressReporter:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._sending is not None:
            self._sending.cancel()

    def __call__(self, done: int, total: int | None, unit: str) -> None:
        """How far the stage is; see `workers.stage.Report`."""
        now = asyncio.get_running_loop().time()
        if now < self._due or (self._sending is not None and not self._sending.done()):
            return
        self._due = now + INTERVAL
        event = StageProgressed(
            flow=self._job.flow,
            index=self._job.resource.index,
            name=self._job.resource.name,
            stage=self._job.stage,
            done=done,
            total=total,
            unit=unit,
        )
        self._sending = asyncio.create_task(self._send(event))

    async def _send(self, event: StageProgressed) -> None:
        try:
            await self._transport.publish(event.to_message())
        except (TransientError, PermanentError) as error:
            log.info("progress_not_told", flow=self._job.flow.id, error=str(error))
