"""Publishing: what is said at the same time is written together, one statement and one commit for all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg

from messages.envelope import Message
from messages.errors import TransientError, Unroutable
from messages.topology import matches
from messages.transport.postgres.database import Database
from messages.transport.verdict import body_of

LARGEST, MOST_BYTES = 500, 4_000_000
"""Publishes of one statement, and their bytes."""

Row = tuple[str, str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """Messages of one publish with their bodies; `written` tells whoever said them what became of them."""

    messages: Sequence[tuple[Message, bytes]]
    written: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(len(body) for _, body in self.messages)

    def end(self, error: Exception | None = None) -> None:
        """It is written, or has failed; whoever was cancelled is not told."""
        if self.written.done():
            return
        if error is None:
            self.written.set_result(None)
        else:
            self.written.set_exception(error)


class Sending:
    """While one statement is on its way the next one gathers, so an idle process loses no time by it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[Said] = []
        self._writing: asyncio.Task[None] | None = None

    async def publish(self, messages: Sequence[Message]) -> None:
        """One row per message and queue that takes it, all or none. Raises Unroutable for a job without a queue,
        PermanentError for a message that is too large, TransientError where the database does not answer in time."""
        said = Said([(message, body_of(message)) for message in messages])
        self._waiting.append(said)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        await said.written

    async def _write_all(self) -> None:
        while self._waiting:
            await self._write(self._batch())

    def _batch(self) -> list[Said]:
        """The first that waits, and what fits beside it."""
        size = count = 0
        for said in self._waiting[:LARGEST]:
            size += said.size
            if count and size > MOST_BYTES:
                break
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return [said for said in batch if not said.written.cancelled()]

    async def _write(self, batch: Sequence[Said]) -> None:
        try:
            bindings = await self._database.fetch("select queue, pattern from binding")
            placed = [(said, rows) for said in batch if (rows := _rows(said, bindings)) is not None]
            if rows := [row for _, rows in placed for row in rows]:
                await self._database.fetch(_PUBLISH, *map(list, zip(*rows, strict=True)))
        except TransientError as error:
            for said in batch:
                said.end(error)
        except Exception as error:
            # The database will not have one of them: the others must not suffer for it.
            if len(batch) == 1:
                batch[0].end(error)
                return
            for said in batch:
                await self._write([said])
        else:
            for said, _ in placed:
                said.end()


def _rows(said: Said, bindings: Sequence[asyncpg.Record]) -> list[Row] | None:
    """(queue, id, body) for each queue that takes a message: a job by its exact kind, an event by topic. None where one
    has no queue, of which whoever said it is told."""
    rows: list[Row] = []
    for message, body in said.messages:
        if message.is_job:
            queues = {row["queue"] for row in bindings if row["pattern"] == message.kind}
            if not queues:
                said.end(Unroutable(f"no queue takes {message.kind}"))
                return None
        else:
            queues = {row["queue"] for row in bindings if matches(row["pattern"], message.kind)}
        text = body.decode()
        rows += [(queue, message.id, text) for queue in sorted(queues)]
    return rows


# The bell is rung by the very statement, hence at its commit; one notification per queue, with the number of messages,
# because equal notifications of one transaction are merged into one.
_PUBLISH = """
with sent as (
    insert into delivery (queue, message_id, body)
    select queue, message_id, convert_to(body, 'UTF8')
    from unnest($1::text[], $2::text[], $3::text[]) as said (queue, message_id, body)
    returning queue
)
select pg_notify('delivery', queue || ' ' || count(*)) from sent group by queue
"""
