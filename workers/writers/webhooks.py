"""The webhooks' writer: an event becomes one delivery for every webhook whose subscriber may be told of it."""

from __future__ import annotations

import asyncpg

from messages.envelope import Message
from messages.errors import DecodeError
from messages.eventmessage import flow_in
from messages.faultpoint import faultpoint
from messages.outbox import claim
from messages.transport.port import Delivery
from messages.webhooks.audience import CHANNEL, KINDS, hears

CONSUMER = "webhooks"

_INSERT = f"""
    insert into webhook_delivery (id, webhook_id, event_id, kind, flow_id, body)
    select gen_random_uuid()::text, w.id, $2, $3, $4, $5
    from dataset d, webhook w join account s on s.id = w.ownerid
    where d.id = $1 and (w.dataset_id = d.id or w.dataset_id is null and w.ownerid = d.ownerid)
      and w.disabled_at is null and {hears("$3", "$4")}
    on conflict do nothing
"""  # noqa: S608 what is put in is a constant of ours


class WebhookWriter:
    """Writes the table `webhook_delivery`; the sender does the rest."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def write(self, delivery: Delivery) -> None:
        """Acts on `event.package.*` and `event.visibility.changed`; else raises DecodeError."""
        message = delivery.message
        if message.kind not in KINDS:
            raise DecodeError(f"no webhook is told of {message.kind}")
        async with self._pool.acquire() as connection, connection.transaction():
            if not await claim(connection, CONSUMER, message.id):
                return
            await _hand_out(connection, message)
            faultpoint(delivery.queue, "before_commit")
        faultpoint(delivery.queue, "after_commit")


async def _hand_out(connection: asyncpg.Connection, message: Message) -> None:
    flow = flow_in(message)
    await connection.execute(_INSERT, flow.dataset_id, message.id, message.kind, flow.id, message.encode())
    await connection.execute(f"notify {CHANNEL}")
