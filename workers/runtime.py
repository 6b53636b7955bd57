"""From a delivery to a verdict: runs a stage, announces its outcome, and only then settles the job.

Killed anywhere, the job comes again and its announcement has the same id: whoever keeps ids does not see it twice.
"""

from __future__ import annotations

import asyncio

import structlog

from messages.envelope import Message
from messages.errors import PermanentError, TransientError
from messages.faultpoint import faultpoint
from messages.jobs import StageJob
from messages.settings import timeout_setting
from messages.stageevents import StagePassed, StageRejected
from messages.transport.port import Ack, DeadLetter, Delivery, Transport, Verdict
from workers.progress import ProgressReporter
from workers.retry import verdict_on
from workers.stage import Outcome, Refused, Rejected, Stage, StageContext, Tools

SPARE = 0.05
"""The part of a stage's time that is kept for storing and announcing what its computation found."""

log = structlog.get_logger()


class StageRuntime:
    """The handler of one stage's queue. `timeout` in seconds, for one job from delivery to verdict."""

    def __init__(self, stage: Stage, transport: Transport, tools: Tools, timeout: float) -> None:
        self._stage = stage
        self._transport = transport
        self._tools = tools
        self._timeout = timeout

    async def handle(self, delivery: Delivery) -> Verdict:
        """Exactly one verdict; raises only when it is cancelled, which gives the job back."""
        try:
            job = StageJob.from_message(delivery.message)
        except PermanentError as error:
            log.warning("job_not_understood", queue=delivery.queue, message=delivery.message.id, error=str(error))
            return DeadLetter(str(error))
        bound = log.bind(flow=job.flow.id, resource=job.resource.name, stage=job.stage, attempt=delivery.attempt)
        try:
            faultpoint(delivery.queue, "before_effect")
            outcome = await self._outcome(job, delivery.attempt)
            faultpoint(delivery.queue, "after_effect")
            await self._transport.publish(announcement(job, outcome, delivery.message.id))
            faultpoint(delivery.queue, "after_publish")
        except Exception as error:
            expected = isinstance(error, TransientError | PermanentError)
            verdict = verdict_on(error, delivery.attempt)
            bound.warning("stage_failed", verdict=type(verdict).__name__, error=str(error), exc_info=not expected)
            return verdict
        bound.info("stage_done", outcome=type(outcome).__name__)
        return Ack()

    async def _outcome(self, job: StageJob, attempt: int) -> Outcome:
        ends_at = asyncio.get_running_loop().time() + self._timeout * (1 - SPARE)
        try:
            async with asyncio.timeout(self._timeout):
                with (
                    ProgressReporter(self._transport, job, attempt) as report,
                    StageContext(self._tools, ends_at, report) as context,
                ):
                    return await self._stage.function(job, context)
        except TimeoutError as error:
            raise TransientError(f"stage {job.stage} did not end within {self._limit}") from error
        except Refused as refusal:
            told = f" The stage {job.stage} has {self._limit}." if refusal.rule == "time-limit" else ""
            return Rejected(reason=refusal.reason + told, rule=refusal.rule)

    @property
    def _limit(self) -> str:
        """The stage's time, and where it is set."""
        return f"{self._timeout:g} seconds (the server's {timeout_setting(self._stage.name)})"


def announcement(job: StageJob, outcome: Outcome, cause: str) -> Message:
    """What is said after a stage: one event, which is the next stage's job as well where the resource has passed."""
    if isinstance(outcome, Rejected):
        return _rejected(job, outcome).to_message(cause)
    return StagePassed(flow=job.flow, stage=job.stage, resource=outcome.resource, round=job.round).to_message(cause)


def _rejected(job: StageJob, outcome: Rejected) -> StageRejected:
    return StageRejected(
        flow=job.flow,
        index=job.resource.index,
        name=job.resource.name,
        stage=job.stage,
        round=job.round,
        reason=outcome.reason,
        rule=outcome.rule,
        errors=outcome.errors,
        findings=outcome.findings,
        facts=outcome.facts,
        report=outcome.report,
        files=outcome.files,
    )
