"""Dead letters are kept for the operator, and the flow of a dead message ends: nothing is `processing` for ever."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg
import structlog

from messages.envelope import Message
from messages.errors import PermanentError
from messages.faultpoint import faultpoint
from messages.jobs import StageJob
from messages.outbox import emit
from messages.stageevents import StageRejected
from messages.telemetry import without_secrets
from messages.topology import DEAD_QUEUE, STAGE_QUEUES, WRITER_QUEUES
from messages.transport.port import Ack, DeadLetterRecord, Retry, Verdict
from workers.writers import flow
from workers.writers.flow import ResourceState
from workers.writers.settling import known

AGAIN = 30.0
"""Seconds until a dead letter that could not be written is tried again, however often."""

OUR_FAULT = (
    "Trouble on our side: {what} could not be processed, though nothing is known to be wrong with it. "
    "Please push again; operators have been told."
)

JOB_QUEUES = {queue.name for queue in STAGE_QUEUES.values()}
"""What dies there was a job, whether it was said as one or as the event of the stage before."""

log = structlog.get_logger()


class DeadLetterWriter:
    """Writes the table `dead_letter`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def handle(self, record: DeadLetterRecord) -> Verdict:
        """Acks what is written; never gives up."""
        try:
            await self._write(record)
        except Exception as error:
            log.warning("dead_letter_not_written", id=record.id, error=str(error), exc_info=known(error) is error)
            return Retry(AGAIN, str(error))
        return Ack()

    async def _write(self, record: DeadLetterRecord) -> None:
        message = record.message
        log.error(
            "dead_letter",
            queue=record.queue,
            reason=record.reason,
            attempts=record.attempts,
            kind=message.kind if message else None,
            flow=message.flow if message else None,
        )
        async with self._pool.acquire() as connection, connection.transaction():
            await _keep(connection, record)
            if message is not None and record.queue in JOB_QUEUES:
                await _reject(connection, record)
            elif message is not None and record.queue == WRITER_QUEUES["pkgstore"].name:
                await _fail(connection, message)
            faultpoint(DEAD_QUEUE.name, "before_commit")
        faultpoint(DEAD_QUEUE.name, "after_commit")


async def _keep(connection: asyncpg.Connection, record: DeadLetterRecord) -> None:
    """Writes the row, or what is new of it; one that comes again after it was written says nothing new."""
    message = record.message
    await connection.execute(
        """
        insert into dead_letter (id, queue, kind, flow_id, ownerid, message_id, body, reason, attempts, trail)
        values ($1, $2, $3, $4, split_part($4, '/', 1), $5, $6, $7, $8, $9)
        on conflict (id) do update
        set reason = excluded.reason, attempts = excluded.attempts, last_at = now(),
            trail = dead_letter.trail || excluded.trail, state = 'waiting'
        where not dead_letter.trail @> excluded.trail or excluded.trail = '[]'
        """,
        record.id,
        record.queue,
        message.kind if message else None,
        message.flow if message else None,
        message.id if message else None,
        record.body,
        _clean(record.reason),
        record.attempts,
        [{**attempt.to_dict(), "error": _clean(attempt.error)} for attempt in record.trail],
    )


def _clean(text: str) -> str:
    """A text that a column takes, without secrets: whatever an error says, operators read it."""
    return without_secrets(text.replace("\0", "\ufffd"))


async def _reject(connection: asyncpg.Connection, record: DeadLetterRecord) -> None:
    """A dead job ends its resource, through the writer that ends all of them; the flow when the others have ended."""
    assert record.message is not None
    try:
        job = StageJob.from_message(record.message)
    except PermanentError:
        # No stage can say more of it, and the flow that it names would wait for it.
        await _fail(connection, record.message)
        return
    # Flows that are not in our tables are somebody's forgery: nothing is said about them.
    if not await connection.fetchval("select true from flow where id = $1 and finished_at is null", job.flow.id):
        return
    event = StageRejected(
        flow=job.flow,
        index=job.resource.index,
        name=job.resource.name,
        stage=job.stage,
        round=job.round,
        reason=OUR_FAULT.format(what=f"the file {job.resource.path}"),
        rule="abandoned",
        errors=0,
        abandoned=True,
    )
    await emit(connection, event.to_message(record.message.id))


async def _fail(connection: asyncpg.Connection, message: Message) -> None:
    """An event that even the package store's writer could not handle: the flow would wait for it for ever."""
    locked = await flow.lock(connection, message.flow)
    if locked is None or locked.finished or not _is_awaited(message, await flow.resources(connection, message.flow)):
        return
    await flow.fail(connection, locked, OUR_FAULT.format(what="the package"))


def _is_awaited(message: Message, states: Sequence[ResourceState]) -> bool:
    """False for an event of a resource that has ended, or of another round: nobody waits for it any more."""
    resource = message.data.get("resource")
    index = message.data.get("index", resource.get("index") if isinstance(resource, dict) else None)
    round = message.data.get("round")
    named = [state for state in states if state.index == index]
    return not named or any(round in (None, state.round) and state.state in ("QUEUED", "INPROGRESS") for state in named)
