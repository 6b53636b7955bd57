"""Claims the deliveries that are due, sends them, and writes down what came of it. Several processes share the work.

A delivery is leased while it is sent, for longer than that may take: a process that dies leaves it to be claimed again,
under the same event id. One receiver has few at a time, whatever waits for it, and subscribers take turns: nobody can
hold up others.
"""

from __future__ import annotations

import asyncio
import secrets
import time

import asyncpg
import structlog

from messages.database import TRANSIENT
from messages.listening import look_always
from messages.webhooks.audience import CHANNEL, hears
from messages.webhooks.signing import headers
from workers.webhooks.courier import Courier, Outcome
from workers.webhooks.ladder import pause

SLOTS = 64
"""Deliveries of one process at a time."""
MOST_TO_ONE = 3
"""Deliveries to one webhook at a time, of all processes."""
LEASE = 60.0
"""Seconds: four times what a request may take."""
POLL = 1.0
PRUNE = 3600.0
"""Seconds between two looks for what has been kept long enough."""
DELIVERED_KEPT, PARKED_KEPT = 7, 30
"""Days for which deliveries are listed after their end."""

log = structlog.get_logger()


class Sender:
    """Sends with `courier`; `slots`, `lease` as SLOTS and LEASE."""

    def __init__(self, pool: asyncpg.Pool, courier: Courier, slots: int = SLOTS, lease: float = LEASE) -> None:
        self._pool = pool
        self._courier = courier
        self._slots = slots
        self._lease = lease
        self._running: set[asyncio.Task[None]] = set()
        self._pruned: float | None = None

    async def run(self) -> None:
        """Until cancelled; what is being sent then is given back, and may arrive twice."""
        try:
            await look_always("webhooks", self._pool, CHANNEL, POLL, self.look)
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def look(self) -> bool:
        """Starts to send what is due and has room; True where there may be more."""
        if len(self._running) >= self._slots:
            await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        done = {task for task in self._running if task.done()}
        self._running -= done
        for task in done:
            task.result()  # what no outage explains is a bug, and ends the process
        lease = secrets.token_hex(8)
        rows = await self._pool.fetch(_CLAIM, self._slots - len(self._running), MOST_TO_ONE, lease, self._lease)
        self._running |= {asyncio.create_task(self._attempt(row, lease)) for row in rows}
        if not rows:
            await self._prune_sometimes()
        return bool(rows)

    async def settled(self) -> None:
        """Returns when everything that was begun has ended."""
        while self._running:
            await asyncio.wait(self._running)
            self._running = {task for task in self._running if not task.done()}

    async def _attempt(self, row: asyncpg.Record, lease: str) -> None:
        try:
            if not row["heard"]:
                await self._pool.execute(_FORGET, row["id"], lease)
                return
            if row["disabled"]:
                await self._pool.execute(_FAILED, row["id"], lease, None, "The webhook is disabled.", None)
                return
            signed = headers(row["secrets"], row["event_id"], int(time.time()), row["body"])
            outcome = await self._courier.carry(row["url"], signed, row["body"])
            await self._write_down(row, lease, outcome)
        except asyncio.CancelledError:
            await self._pool.execute(_GIVE_BACK, row["id"], lease)
            raise
        except TRANSIENT as error:
            # Its lease runs out, and it is sent again.
            log.warning("webhook_outcome_lost", delivery=row["id"], error=f"{type(error).__name__}: {error}")

    async def _write_down(self, row: asyncpg.Record, lease: str, outcome: Outcome) -> None:
        after = None if outcome.gone or outcome.error is None else pause(row["attempts"], outcome.wait)
        async with self._pool.acquire() as connection, connection.transaction():
            if outcome.error is None:
                await connection.execute(_DELIVERED, row["id"], lease, outcome.status)
            else:
                await connection.execute(_FAILED, row["id"], lease, outcome.status, outcome.error, after)
            if outcome.gone:
                await connection.execute(_DISABLE, row["webhook_id"])
                await connection.execute(_PARK, row["webhook_id"], outcome.error)
            # The receiver has room for another one.
            await connection.execute(f"notify {CHANNEL}")
        log.info(
            "webhook_sent",
            webhook=row["webhook_id"],
            delivery=row["id"],
            attempt=row["attempts"],
            status=outcome.status,
            error=outcome.error,
            parked=outcome.error is not None and after is None,
        )

    async def prune(self) -> None:
        """Forgets what has ended long ago."""
        await self._pool.execute(_PRUNE, DELIVERED_KEPT, PARKED_KEPT)

    async def _prune_sometimes(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._pruned is None or now - self._pruned > PRUNE:
            self._pruned = now
            await self.prune()


# Webhook by webhook (each found by one probe of an index), so that a long queue for one hides no other's. Whose
# deliveries are fewest under way goes first: a subscriber with many receivers that hang waits behind everybody else.
_CLAIM = f"""
with recursive waiting (id) as (
    (select webhook_id from webhook_delivery where state = 'waiting' order by webhook_id limit 1)
    union all
    select (select webhook_id from webhook_delivery where state = 'waiting' and webhook_id > waiting.id
            order by webhook_id limit 1)
    from waiting where waiting.id is not null
), sending (webhook_id, ownerid) as (
    select x.webhook_id, v.ownerid from webhook_delivery x join webhook v on v.id = x.webhook_id
    where x.lease is not null and x.leased_until > now()
), due as (
    select found.id from waiting join webhook v on v.id = waiting.id cross join lateral (
        select id, next_at from webhook_delivery
        where webhook_id = waiting.id and state = 'waiting' and next_at <= now()
          and (leased_until is null or leased_until <= now())
        order by next_at
        limit greatest(0, $2 - (select count(*) from sending where webhook_id = waiting.id))
        for update skip locked
    ) found
    order by (select count(*) from sending where ownerid = v.ownerid)
             + row_number() over (partition by v.ownerid order by found.next_at), found.next_at
    limit $1
)
update webhook_delivery x
set lease = $3, leased_until = now() + make_interval(secs => $4), attempts = attempts + 1, attempted_at = now()
from due, webhook w
where x.id = due.id and w.id = x.webhook_id
returning x.id, x.webhook_id, x.event_id, x.body, x.attempts, w.url, w.disabled_at is not null as disabled,
    case when w.old_until > now() then array[w.secret, w.old_secret] else array[w.secret] end as secrets,
    x.flow_id is null or exists (
        select from flow f join dataset d on d.id = f.dataset_id, account s
        where f.id = x.flow_id and s.id = w.ownerid and {hears("x.kind", "x.flow_id")}) as heard
"""  # noqa: S608 what is put in is a constant of ours
_DELIVERED = """
update webhook_delivery set state = 'delivered', ended_at = now(), status = $3, error = null, lease = null,
    leased_until = null
where id = $1 and lease = $2
"""
_FAILED = """
update webhook_delivery set status = $3, error = $4, lease = null, leased_until = null,
    state = case when $5::float8 is null then 'parked' else 'waiting' end,
    ended_at = case when $5 is null then now() end,
    next_at = case when $5 is null then next_at else now() + make_interval(secs => $5) end
where id = $1 and lease = $2
"""
_GIVE_BACK = """
update webhook_delivery set attempts = attempts - 1, lease = null, leased_until = null where id = $1 and lease = $2
"""
_FORGET = "delete from webhook_delivery where id = $1 and lease = $2"
_DISABLE = "update webhook set disabled_at = coalesce(disabled_at, now()) where id = $1"
_PARK = """
update webhook_delivery set state = 'parked', ended_at = now(), error = $2
where webhook_id = $1 and state = 'waiting' and (leased_until is null or leased_until <= now())
"""
_PRUNE = """
delete from webhook_delivery where ctid = any (array(
    select ctid from webhook_delivery
    where state <> 'waiting'
      and ended_at < now() - make_interval(days => case state when 'parked' then $2::int else $1::int end)
    limit 10000))
"""
