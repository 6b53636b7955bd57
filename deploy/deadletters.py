"""Dead letters in an operator's hands: found, shown, brought back once, or put away; who did what is kept with each.

What a dead letter means decides how it comes back (docs/decisions/0017-replay.md):

* of a stage or the package store's writer, where its flow has failed for it: what was given up of the flow runs again,
  in a new round. The old message would find its round ended, and its id in the inbox;
* of the relay: to the outbox, as it is;
* of any other queue: to that queue alone, the same bytes under the same id, which the inbox collapses.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import asyncpg

from deploy.operatorwords import MOST, WAITING
from gateway.runs import ABANDONED, locked, restart
from messages.datapackage import dict_of
from messages.envelope import Message
from messages.errors import DecodeError
from messages.topology import STAGE_QUEUES, WRITER_QUEUES

Put = Callable[[str, bytes], Awaitable[None]]
"""Puts bytes into one queue (`Transport.put`)."""

OF_FLOWS = {*(queue.name for queue in STAGE_QUEUES.values()), WRITER_QUEUES["pkgstore"].name}
OUTBOX = "outbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which dead letters; None or empty: whichever. `reason` is a part of it, `owner` a user name or account id."""

    ids: Sequence[str] = ()
    queue: str | None = None
    owner: str | None = None
    reason: str | None = None
    state: str | None = WAITING
    limit: int = MOST


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What is done, by whom, and why."""

    name: Literal["replay", "discard"]
    by: str
    why: str = ""

    @property
    def state(self) -> str:
        """Of a dead letter afterwards."""
        return "replayed" if self.name == "replay" else "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one dead letter; `done` False: nothing was changed."""

    id: str
    done: bool
    words: str


class DeadLetters:
    """The table `dead_letter`; `put` is the transport's."""

    def __init__(self, pool: asyncpg.Pool, put: Put) -> None:
        self._pool = pool
        self._put = put

    async def find(self, choice: Choice) -> list[asyncpg.Record]:
        """The chosen ones, the oldest first, without their bodies."""
        rows: list[asyncpg.Record] = await self._pool.fetch(
            _FIND, list(choice.ids), choice.queue, choice.owner, choice.reason, choice.state, choice.limit
        )
        return rows

    async def read(self, id: str) -> asyncpg.Record | None:
        """One with everything; None where there is none."""
        return await self._pool.fetchrow(_READ, id)

    async def act(self, ids: Sequence[str], act: Act, *, dry_run: bool = False) -> list[Outcome]:
        """Does it to each, in a transaction of its own; with `dry_run` says what would be done, and changes nothing.

        Raises TransientError, a member of TRANSIENT: those before it are done, and a repetition leaves them out.
        """
        async with self._pool.acquire() as connection:
            whole = connection.transaction() if dry_run else None
            if whole is None:
                return [await self._act(connection, id, act, self._put) for id in ids]
            await whole.start()
            try:
                return [await self._act(connection, id, act, _nowhere) for id in ids]
            finally:
                await whole.rollback()

    async def _act(self, connection: asyncpg.Connection, id: str, act: Act, put: Put) -> Outcome:
        async with connection.transaction():
            letter = await connection.fetchrow("select * from dead_letter where id = $1 for update", id)
            if letter is None:
                return Outcome(id=id, done=False, words="there is no such dead letter")
            if letter["state"] != WAITING:
                return Outcome(id=id, done=False, words=f"was {letter['state']} before")
            words = "put away" if act.name == "discard" else await _again(connection, letter, put)
            if words is None:
                return Outcome(id=id, done=False, words="its flow is just being ended: again in a moment")
            await connection.execute(_NOTE, id, act.state, act.name, words, act.by, act.why)
        return Outcome(id=id, done=True, words=words)


async def _again(connection: asyncpg.Connection, letter: asyncpg.Record, put: Put) -> str | None:
    """What was done to bring it back; None where it is too early for that."""
    message = _message(letter["body"])
    if letter["queue"] == OUTBOX:
        await connection.execute(
            "insert into outbox (message_id, body) values ($1, $2)", letter["message_id"], letter["body"]
        )
        return "put back into the outbox"
    if message is None or letter["queue"] not in OF_FLOWS:
        await put(letter["queue"], letter["body"])
        return f"put back into {letter['queue']}"
    flow = await locked(connection, message.flow)
    if flow is None:
        return "nothing to do: there is no such flow"
    if await connection.fetchval(_IS_AWAITED, message.flow, *_place(message)):
        return None
    names = await restart(connection, flow, ABANDONED)
    if names:
        return f"runs again: {', '.join(names)} of {message.flow}"
    return f"nothing to do: {message.flow} is {flow['state']}, and nothing of it was given up since"


def _message(body: bytes) -> Message | None:
    try:
        return Message.decode(body)
    except DecodeError:
        return None


def _place(message: Message) -> tuple[int | None, int]:
    """The resource that a message of a flow speaks of, and its round."""
    try:
        index = message.data["index"] if "index" in message.data else dict_of(message.data, "resource")["index"]
    except (DecodeError, KeyError):
        return None, 0
    round: Any = message.data.get("round", 0)
    return (index, round) if isinstance(index, int) and isinstance(round, int) else (None, 0)


async def _nowhere(_queue: str, _body: bytes) -> None:
    """Where a dry run puts things."""


_COLUMNS = """
    dead_letter.id, queue, dead_letter.kind, coalesce(username, ownerid) as owner, ownerid, flow_id, message_id, state,
    reason, attempts, first_at, last_at
"""
_FIND = f"""
    select {_COLUMNS}
    from dead_letter left join account on account.id = ownerid
    where (cardinality($1::text[]) = 0 or dead_letter.id = any($1)) and ($2::text is null or queue = $2)
      and ($3::text is null or ownerid = $3 or lower(username) = lower($3))
      and ($4::text is null or strpos(lower(reason), lower($4)) > 0) and ($5::text is null or state = $5)
    order by first_at, dead_letter.id limit $6
"""  # noqa: S608 constants
_READ = f"""
    select {_COLUMNS}, trail, acts, body from dead_letter left join account on account.id = ownerid
    where dead_letter.id = $1
"""  # noqa: S608 constants
_NOTE = """
    update dead_letter
    set state = $2, acts = acts || jsonb_build_array(jsonb_build_object(
        'act', $3::text, 'outcome', $4::text, 'by', $5::text, 'why', $6::text, 'at', now()))
    where id = $1
"""
_IS_AWAITED = """
    select exists (select from flow_resource
                   where flow_id = $1 and index = $2 and round = $3 and state in ('QUEUED', 'INPROGRESS'))
"""
