"""From a delivery to a verdict: runs a stage, announces its outcome, and only then settles the job.

Killed anywhere, the job comes again and its announcements have the same ids: whoever keeps ids does not see them twice.
"""

from __future__ import annotations

import asyncio

import structlog

from messages.envelope import Message
from messages.errors import PermanentError, TransientError
from messages.events import StagePassed, StageRejected
from messages.jobs import StageJob, next_stage
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
            outcome = await self._outcome(job)
            await self._transport.publish(*announcements(job, outcome, delivery.message.id))
        except Exception as error:
            expected = isinstance(error, TransientError | PermanentError)
            verdict = verdict_on(error, delivery.attempt)
            bound.warning("stage_failed", verdict=type(verdict).__name__, error=str(error), exc_info=not expected)
            return verdict
        bound.info("stage_done", outcome=type(outcome).__name__)
        return Ack()

    async def _outcome(self, job: StageJob) -> Outcome:
        ends_at = asyncio.get_running_loop().time() + self._timeout * (1 - SPARE)
        try:
            async with asyncio.timeout(self._timeout):
                with (
                    ProgressReporter(self._transport, job) as report,
                    StageContext(self._tools, ends_at, report) as context,
                ):
                    return await self._stage.function(job, context)
        except TimeoutError as error:
            raise TransientError(f"stage {job.stage} did not end within {self._timeout:.0f} s") from error
        except Refused as refusal:
            return Rejected(reason=refusal.reason, rule=refusal.rule)


def announcements(job: StageJob, outcome: Outcome, cause: str) -> list[Message]:
    """What is said after a stage: the next stage's job, if any, and the event."""
    if isinstance(outcome, Rejected):
        return [_rejected(job, outcome).to_message(cause)]
    following = next_stage(job.stage)
    resource = outcome.resource
    event = StagePassed(
        flow=job.flow,
        index=resource.index,
        name=resource.name,
        stage=job.stage,
        round=job.round,
        rows=resource.rows,
        facts=resource.facts.get(job.stage, {}),
        resource=None if following else resource,
    )
    if following is None:
        return [event.to_message(cause)]
    successor = StageJob(flow=job.flow, stage=following, resource=resource, round=job.round)
    return [successor.to_message(cause), event.to_message(cause)]


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
