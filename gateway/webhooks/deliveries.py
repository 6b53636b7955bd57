"""The table `webhook_delivery`, as a subscriber sees it: what was sent, what went wrong, what is sent once more."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from gateway.auth.accounts import Account
from gateway.auth.audit import Origin, record
from gateway.problems import Problem
from gateway.webhooks.webhook import no_webhook
from messages.envelope import Message, derived_id
from messages.webhooks.audience import CHANNEL, PING

STATES = ("waiting", "delivered", "parked")
MOST = 100
"""Deliveries of one answer."""

_OWN = "select disabled_at from webhook where ownerid = $1 and id = $2 for share"
_LIST = """
    select id, event_id, kind, flow_id, state, attempts, created_at, next_at, attempted_at, ended_at, status, error
    from webhook_delivery where webhook_id = $1 and ($2::text is null or state = $2)
    order by created_at desc, id limit $3
"""
_REPLAY = """
    update webhook_delivery set state = 'waiting', attempts = 0, next_at = now(), ended_at = null
    where webhook_id = $1 and ($2::text is null and state = 'parked' or id = $2 and state <> 'waiting')
"""
_PING = "insert into webhook_delivery (id, webhook_id, event_id, kind, body) values ($1, $2, $3, $4, $5)"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """One event for one webhook; `next_at`: when it is tried again, `error`: why the last attempt failed, in words."""

    id: str
    event_id: str
    kind: str
    flow_id: str | None
    state: str
    attempts: int
    created_at: datetime
    next_at: datetime
    attempted_at: datetime | None
    ended_at: datetime | None
    status: int | None
    error: str | None

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "event": self.event_id,
            "kind": self.kind,
            "subject": self.flow_id,
            "state": self.state,
            "attempts": self.attempts,
            "created": self.created_at.isoformat(),
            "next": self.next_at.isoformat() if self.state == "waiting" else None,
            "attempted": self.attempted_at.isoformat() if self.attempted_at else None,
            "ended": self.ended_at.isoformat() if self.ended_at else None,
            "status": self.status,
            "error": self.error,
        }


async def of_webhook(
    pool: asyncpg.Pool, owner: Account, webhook_id: str, state: str | None
) -> Sequence[WebhookDelivery]:
    """What a webhook was sent and is to be, the newest first; raises Problem 404."""
    async with pool.acquire() as connection:
        await _require(connection, owner, webhook_id)
        return [WebhookDelivery(**row) for row in await connection.fetch(_LIST, webhook_id, state, MOST)]


async def replay(pool: asyncpg.Pool, origin: Origin, owner: Account, webhook_id: str, delivery_id: str | None) -> int:
    """Has one that has ended, or (None) every parked one be sent once more, under the same id; how many these are.

    Raises Problem 404, and 409 where the webhook is disabled.
    """
    async with pool.acquire() as connection, connection.transaction():
        await _require_enabled(connection, owner, webhook_id)
        status: str = await connection.execute(_REPLAY, webhook_id, delivery_id)
        replayed = int(status.rpartition(" ")[2])
        await record(connection, owner.id, "webhook-replayed", webhook_id, origin, deliveries=replayed)
        await connection.execute(f"notify {CHANNEL}")
    return replayed


async def ping(pool: asyncpg.Pool, owner: Account, webhook_id: str) -> str:
    """Sends an event to this webhook alone, to see whether it arrives; the delivery's id. Raises Problem 404, 409."""
    delivery_id = secrets.token_hex(8)
    event = Message(id=derived_id(PING, delivery_id), kind=PING, flow=f"webhook/{webhook_id}", data={})
    async with pool.acquire() as connection, connection.transaction():
        await _require_enabled(connection, owner, webhook_id)
        await connection.execute(_PING, delivery_id, webhook_id, event.id, PING, event.encode())
        await connection.execute(f"notify {CHANNEL}")
    return delivery_id


async def _require(connection: asyncpg.Connection, owner: Account, webhook_id: str) -> asyncpg.Record:
    row = None if "\x00" in webhook_id else await connection.fetchrow(_OWN, owner.id, webhook_id)
    if row is None:
        raise no_webhook()
    return row


async def _require_enabled(connection: asyncpg.Connection, owner: Account, webhook_id: str) -> None:
    if (await _require(connection, owner, webhook_id))["disabled_at"] is not None:
        raise Problem(409, "disabled", "The receiver said that it is gone (410): enable the webhook again first.")
