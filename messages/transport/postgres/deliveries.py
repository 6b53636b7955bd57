"""The rows of the queues: every statement of the transport on the tables `queue`, `binding` and `delivery`.

A row is ready (no lease), or leased to one claim until `lease_until`. A claim has a name of its own and every later
statement on the row repeats it, so that a taker whose lease ran out can no longer settle (fencing). Only the clock of
the database counts.

The name begins with the number of the taker's session, an advisory lock that its listening connection holds: when a
process is killed the server notices at once, and what it had leased is given back without waiting for the lease. A
restart of the server ends all sessions but no taker: for the time of a lease after it nothing is given back that was
claimed before it, which the second part of the name, the server's start, tells.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from messages.database import texts
from messages.errors import Unroutable
from messages.topology import DEAD_QUEUE, DELIVERY_LIMIT
from messages.transport.postgres.database import Database
from messages.transport.trail import LONGEST_ERROR

CHANNEL = "delivery"
"""NOTIFY channel; the payload is `{queue} {number of messages}`."""

NO_SESSION = "0.0"
"""While there is no listening connection: claims of that time end by their lease alone."""

WATCHER_UNSEEN = 60.0
"""Seconds after which the queue of a watcher that is gone is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Claimed:
    """A row that is leased to us. `taken` counts the deliveries of this very row, this one included."""

    id: int
    owner: str
    queue: str
    body: bytes
    attempt: int
    taken: int
    reason: str | None
    origin: str | None
    trail: list[dict[str, Any]]

    @property
    def is_suspect(self) -> bool:
        """Its last taker died with it."""
        return self.taken > 1


class Deliveries:
    """Statements, each its own transaction; all raise TransientError where the database does not answer in time."""

    def __init__(self, database: Database, lease: float) -> None:
        self._database = database
        self._lease = lease
        self.session = NO_SESSION

    async def claim(self, queue: str, *, suspects: bool = True) -> Claimed | None:
        """Leases the message of the queue that has waited longest, None where none is ready.

        Without `suspects`, only among those that no taker has died with.
        """
        owner = f"{self.session}.{secrets.token_hex(8)}"
        rows = await self._database.fetch(_CLAIM, queue, owner, self._lease, suspects)
        return Claimed(owner=owner, queue=queue, **rows[0]) if rows else None

    async def ack(self, claimed: Claimed) -> bool:
        """Done for good; False where the lease was lost."""
        return bool(await self._database.fetch(_ACK, claimed.id, claimed.owner))

    async def put_back(self, claimed: Claimed) -> bool:
        """As if it had never been taken; False where the lease was lost."""
        return bool(await self._database.fetch(_PUT_BACK, claimed.id, claimed.owner))

    async def put(self, queue: str, body: bytes) -> None:
        """A row in one queue; raises Unroutable where there is no such queue."""
        if not await self._database.fetch(_PUT, queue, body):
            raise Unroutable(f"there is no queue {queue}")

    async def retry(self, claimed: Claimed, delay: float, error: str) -> bool:
        """Again after `delay` seconds, as a next attempt (a dead letter keeps its count); False as above."""
        counted = 0 if claimed.queue == DEAD_QUEUE.name else 1
        error = error[:LONGEST_ERROR]
        return bool(await self._database.fetch(_RETRY, claimed.id, claimed.owner, delay, counted, error))

    async def bury(self, claimed: Claimed, reason: str) -> bool:
        """To the dead letters; False where the lease was lost."""
        error = reason[:LONGEST_ERROR]
        return bool(await self._database.fetch(_BURY, claimed.id, claimed.owner, reason, DEAD_QUEUE.name, error))

    async def renew(self, held: Iterable[Claimed]) -> set[int]:
        """Prolongs the leases; the ids of those that are still ours."""
        held = list(held)
        ids, owners = texts(claimed.id for claimed in held), [claimed.owner for claimed in held]
        return {row["id"] for row in await self._database.fetch(_RENEW, ids, owners, self._lease)}

    async def reap(self) -> None:
        """Gives back what was leased by takers that are gone, to the dead letters where that happened too often."""
        await self._database.fetch(_REAP, DELIVERY_LIMIT, DEAD_QUEUE.name, self._lease)

    async def ready(self, queues: Sequence[str]) -> dict[str, int]:
        """How many messages can be claimed now, per queue, counted up to 100."""
        return {row["queue"]: row["ready"] for row in await self._database.fetch(_READY, list(queues))}

    async def depth(self, queue: str, most: int | None = None) -> int:
        """Messages that can be claimed now, counted up to `most`."""
        count: int = (await self._database.fetch(_DEPTH, queue, most))[0]["ready"]
        return count

    async def declare(self, queue: str, patterns: Sequence[str], *, durable: bool = True) -> None:
        """Makes a queue with its bindings exist, and marks it as seen."""
        await self._database.fetch(_DECLARE, queue, list(patterns), durable)

    async def drain(self, queue: str) -> list[bytes]:
        """Takes all bodies of a watcher's queue, in order."""
        rows = await self._database.fetch(_DRAIN, queue)
        return [row["body"] for row in rows]

    async def drop(self, queue: str) -> None:
        """Removes a watcher's queue."""
        await self._database.fetch(_DROP, queue)

    async def drop_unseen(self) -> None:
        """Removes the queues of watchers that are gone, and the rows of a publish that raced with that."""
        await self._database.fetch(_DROP_UNSEEN, WATCHER_UNSEEN)


# `any(array(...))` makes the subquery run exactly once; in a join it could lock more rows than it returns.
_CLAIM = """
update delivery
set taken = taken + 1, lease_owner = $2, lease_until = now() + make_interval(secs => $3)
where id = any (array(
    select id from delivery
    where queue = $1 and lease_owner is null and run_at <= now() and ($4 or taken = 0)
    order by run_at, id
    limit 1
    for update skip locked))
returning id, body, attempt, taken, reason, origin, trail
"""

_ACK = "delete from delivery where id = $1 and lease_owner = $2 returning id"

_PUT_BACK = """
with freed as (
    update delivery set taken = taken - 1, lease_owner = null, lease_until = null
    where id = $1 and lease_owner = $2
    returning queue
)
select pg_notify('delivery', queue || ' 1') from freed
"""

# An entry of a row's trail (`messages.transport.trail.Attempt`).
_ENTRY = "jsonb_build_object('number', {number}, 'at', now(), 'error', {error})"

_PUT = """
with put as (
    insert into delivery (queue, message_id, body) select name, '', $2 from queue where name = $1
    returning queue
)
select pg_notify('delivery', queue || ' 1') from put
"""

_RETRY = f"""
update delivery
set trail = case $4::int when 0 then trail else trail || {_ENTRY.format(number="attempt", error="$5::text")} end,
    attempt = attempt + $4, taken = 0, run_at = now() + make_interval(secs => $3),
    lease_owner = null, lease_until = null
where id = $1 and lease_owner = $2
returning id
"""  # noqa: S608 constants

_BURY = f"""
with buried as (
    update delivery
    set trail = trail || {_ENTRY.format(number="attempt", error="$5::text")},
        queue = $4, origin = queue, reason = $3, taken = 0, run_at = now(), lease_owner = null, lease_until = null
    where id = $1 and lease_owner = $2
    returning queue
)
select pg_notify('delivery', queue || ' 1') from buried
"""  # noqa: S608 constants

_RENEW = """
update delivery set lease_until = now() + make_interval(secs => $3)
from unnest($1::text[]::bigint[], $2::text[]) as held (id, owner)
where delivery.id = held.id and delivery.lease_owner = held.owner
returning delivery.id
"""

_START = "(extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint::text"

SESSION = f"select $1::bigint || '.' || {_START} from pg_advisory_lock($1::bigint)"  # noqa: S608 constants
"""Begins the session with the number $1: what the names of its claims begin with."""

# Locked rows are skipped: whoever holds one is just settling or renewing it. A dead letter has no further place to go.
_REAP = rf"""
with expired as (
    select id, queue, taken >= $1 and queue <> $2 as dead from delivery
    where lease_owner is not null
    and (pg_postmaster_start_time() <= now() - make_interval(secs => $3) or split_part(lease_owner, '.', 2) = {_START})
    and (lease_until < now()
        or case when lease_owner ~ '^[1-9][0-9]*\.'
           then pg_try_advisory_xact_lock(split_part(lease_owner, '.', 1)::bigint) end)
    for update skip locked
), freed as (
    update delivery
    set lease_owner = null, lease_until = null, run_at = now(),
        trail = case when delivery.queue = $2 then trail
                else trail || {_ENTRY.format(number="attempt - 1 + taken", error="'its taker died'")} end,
        queue = case when dead then $2 else delivery.queue end,
        origin = case when dead then delivery.queue else origin end,
        reason = case when dead then 'its taker died ' || taken || ' times' else reason end,
        attempt = case when dead then attempt - 1 + taken else attempt end,
        taken = case when dead then 0 else taken end
    from expired
    where delivery.id = expired.id
    returning delivery.queue
)
select pg_notify('delivery', queue || ' ' || count(*)) from freed group by queue
"""  # noqa: S608 constants

_READY = """
select queue, (
    select count(*) from (
        select from delivery
        where delivery.queue = wanted.queue and lease_owner is null and run_at <= now()
        limit 100) as due
) as ready
from unnest($1::text[]) as wanted (queue)
"""

_DEPTH = """
select count(*) as ready
from (select from delivery where queue = $1 and lease_owner is null and run_at <= now() limit $2) as due
"""

_DECLARE = """
with made as (
    insert into queue (name, durable) values ($1, $3)
    on conflict (name) do update set seen_at = now()
    returning name
)
insert into binding (queue, pattern)
select name, pattern from made, unnest($2::text[]) as wanted (pattern)
on conflict do nothing
"""

_DRAIN = """
with taken as (
    delete from delivery where queue = $1 returning id, body
)
select body from taken order by id
"""

_DROP = """
with dropped as (delete from queue where name = $1 and not durable)
delete from delivery where queue = $1
"""

_DROP_UNSEEN = """
with dropped as (
    delete from queue where not durable and seen_at < now() - make_interval(secs => $1)
    returning name
)
delete from delivery
where queue in (select name from dropped)
   or (queue like 'watch.%' and not exists (select from queue where name = delivery.queue))
"""
