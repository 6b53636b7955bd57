"""Outbox and inbox: what is said, and what was heard, in the caller's own transaction; the relay carries it on.

A row leaves the outbox after the transport has confirmed its message: a relay that dies in between says it again, under
the same id, and `claim` collapses the two.
"""

from __future__ import annotations

import asyncio

import asyncpg
import structlog

from messages.database import texts
from messages.envelope import Message
from messages.errors import PermanentError, TransientError, Unroutable
from messages.faultpoint import faultpoint
from messages.listening import look_always
from messages.telemetry import without_secrets
from messages.transport.port import Transport
from messages.transport.trail import grown
from messages.transport.verdict import dead_letter

CHANNEL = "outbox"
"""NOTIFY channel that wakes the relay at commit."""

BATCH = 100
"""Rows that are on their way to the transport together."""

POLL = 1.0
"""Seconds between two sweeps, whatever NOTIFY said."""

LONGEST_WAIT = 300.0
"""Seconds between two attempts at a job that no queue takes; they double up to this."""

INBOX_KEPT = 30
"""Days for which a repeated message is recognised: more than the age of any dead letter that is replayed."""

PRUNE = 3600.0
"""Seconds between two removals of older inbox rows."""

log = structlog.get_logger()


async def emit(connection: asyncpg.Connection, *messages: Message) -> None:
    """Says these messages when, and only when, the caller's transaction commits; the relay then carries them on."""
    await connection.executemany(
        "insert into outbox (message_id, body) values ($1, $2)",
        [(message.id, message.encode()) for message in messages],
    )
    await connection.execute(f"notify {CHANNEL}")


async def claim(connection: asyncpg.Connection, consumer: str, message_id: str) -> bool:
    """True for the one transaction that may act on this message for this consumer; False where handled.

    A second claim at the same time waits for the first transaction to end (unique index): exactly one of them is True.
    """
    status: str = await connection.execute(
        "insert into inbox (consumer, message_id) values ($1, $2) on conflict do nothing",
        consumer,
        message_id,
    )
    return status.endswith(" 1")


class Relay:
    """Carries the outbox to the transport until cancelled; survives outages of both; several of them share the work."""

    def __init__(self, pool: asyncpg.Pool, transport: Transport) -> None:
        self._pool = pool
        self._transport = transport
        self._pruned: float | None = None

    async def run(self) -> None:
        """Until cancelled."""
        await look_always("relay", self._pool, CHANNEL, POLL, self._look)

    async def _look(self) -> bool:
        if await self.sweep():
            return True
        await self._prune_sometimes()
        return False

    async def sweep(self) -> int:
        """Sends a batch of what is due and says how many rows left the outbox; raises TransientError after an outage.

        By state and never by `id > last seen`: ids do not commit in order. Rows that another relay holds are skipped.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(_DUE, BATCH)
            if not rows:
                return 0
            faultpoint("relay", "received")
            failures = await asyncio.gather(*(self._send(row["body"]) for row in rows))
            faultpoint("relay", "after_publish")
            outcomes = list(zip(rows, failures, strict=True))
            dead = [(row, error) for row, error in outcomes if _is_hopeless(error)]
            for row, error in dead:
                await _set_aside(connection, row, str(error))
            gone = [row["id"] for row, error in outcomes if error is None] + [row["id"] for row, _ in dead]
            await connection.execute("delete from outbox where id = any($1::text[]::bigint[])", texts(gone))
            unroutable = [row["id"] for row, error in outcomes if isinstance(error, Unroutable)]
            await connection.execute(_LATER, texts(unroutable), LONGEST_WAIT)
            faultpoint("relay", "before_commit")
        faultpoint("relay", "after_commit")
        outage = next((error for error in failures if isinstance(error, TransientError)), None)
        if outage is not None:
            raise outage
        return len(gone)

    async def _send(self, body: bytes) -> PermanentError | TransientError | None:
        try:
            await self._transport.publish(Message.decode(body))
        except Unroutable as error:
            log.error("outbox_unroutable", reason=str(error))
            return error
        except (PermanentError, TransientError) as error:
            return error
        return None

    async def prune(self) -> None:
        """Forgets what was heard more than INBOX_KEPT days ago."""
        await self._pool.execute(_PRUNE, INBOX_KEPT)

    async def _prune_sometimes(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._pruned is None or now - self._pruned > PRUNE:
            self._pruned = now
            await self.prune()


def _is_hopeless(error: Exception | None) -> bool:
    """Not even a new queue or a new broker would help."""
    return isinstance(error, PermanentError) and not isinstance(error, Unroutable)


async def _set_aside(connection: asyncpg.Connection, row: asyncpg.Record, reason: str) -> None:
    record = dead_letter(row["body"], "outbox", reason, row["attempts"] + 1)
    log.error("outbox_row_set_aside", message_id=row["message_id"], dead_letter=record.id, reason=reason)
    message = record.message
    await connection.execute(
        _SET_ASIDE,
        record.id,
        record.queue,
        row["message_id"],
        record.body,
        without_secrets(record.reason),
        record.attempts,
        message.kind if message else None,
        message.flow if message else None,
        [attempt.to_dict() for attempt in grown((), record.attempts, record.reason)],
    )


_DUE = """
select id, message_id, body, attempts from outbox
where not_before <= now()
order by not_before, id
limit $1
for update skip locked
"""

_LATER = """
update outbox
set attempts = attempts + 1, not_before = now() + make_interval(secs => least(power(2, least(attempts, 20)), $2))
where id = any($1::text[]::bigint[])
"""

_SET_ASIDE = """
insert into dead_letter (id, queue, message_id, body, reason, attempts, kind, flow_id, ownerid, trail)
values ($1, $2, $3, $4, $5, $6, $7, $8, split_part($8, '/', 1), $9)
on conflict (id) do update
set last_at = now(), attempts = excluded.attempts, trail = dead_letter.trail || excluded.trail, state = 'waiting'
"""

_PRUNE = """
delete from inbox where ctid = any (array(
    select ctid from inbox where at < now() - make_interval(days => $1) limit 10000))
"""
