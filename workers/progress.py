"""Progress within a stage, told to whoever watches: best effort, never in the stage's way."""

from __future__ import annotations

import asyncio
import time

import structlog

from messages.errors import PermanentError, TransientError
from messages.jobs import StageJob
from messages.stageevents import StageProgressed
from messages.transport.port import Transport
from workers.pace import Pace

INTERVAL = 1.0
"""Seconds between two events of one job at the least; a stage that takes less says nothing."""
STILL = 5.0
"""Seconds after which a stage that is no further says that it is still there."""

log = structlog.get_logger()


class ProgressReporter:
    """`with`: called as often as the work likes, which costs it a comparison; what it said last is told by a task of
    its own, one event at a time. Whatever keeps an event on its way keeps only the next one waiting."""

    def __init__(self, transport: Transport, job: StageJob, attempt: int) -> None:
        self._transport = transport
        self._job = job
        self._attempt = attempt
        self._began = time.time_ns() // 1_000_000
        self._reading = self._done = 0
        self._total: int | None = None
        self._unit = "bytes"
        self._pace = Pace(time.monotonic())
        self._timer = asyncio.get_running_loop().call_later(INTERVAL, self._start)
        self._telling: asyncio.Task[None] | None = None

    def __enter__(self) -> ProgressReporter:
        return self

    def __exit__(self, *_error: object) -> None:
        self._timer.cancel()
        if self._telling is not None:
            self._telling.cancel()

    def __call__(self, done: int, total: int | None, unit: str) -> None:
        """How far the stage is; see `workers.stage.Report`. What begins anew is another reading."""
        if not self._reading or done < self._done or total != self._total or unit != self._unit:
            self._reading += 1
            self._pace = Pace(time.monotonic())
        self._done, self._total, self._unit = done, total, unit

    def _start(self) -> None:
        self._telling = asyncio.create_task(self._tell_always())

    async def _tell_always(self) -> None:
        told, when = None, 0.0
        while True:
            event, now = self._event(), time.monotonic()
            if event.order != told or now - when >= STILL:
                told, when = event.order, now
                await self._tell(event)
            await asyncio.sleep(INTERVAL)

    def _event(self) -> StageProgressed:
        resource, total = self._job.resource, self._total
        return StageProgressed(
            flow=self._job.flow,
            index=resource.index,
            name=resource.name,
            stage=self._job.stage,
            done=self._done,
            total=None if total is None or total < self._done else total,
            unit=self._unit,
            round=self._job.round,
            attempt=self._attempt,
            began=self._began,
            reading=self._reading,
            rate=self._pace.reach(self._done, time.monotonic()),
            size=resource.table.size,
        )

    async def _tell(self, event: StageProgressed) -> None:
        try:
            await self._transport.publish(event.to_message())
        except (TransientError, PermanentError) as error:
            log.info("progress_not_told", flow=self._job.flow.id, error=str(error))
