"""What a broker that lost its messages is given again: the jobs of all flows that move, and what nobody has heard.

A new broker is as one that has lost everything; so is another transport. Whether it has is told by a message that stays
in it (`Transport.remembers`), put there when all that was lost is in the outbox. One process at a time looks (advisory
lock). No flow is to blame for the loss, so none of its three rescues is used up.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

import asyncpg
import structlog

from messages.blobs import Blobs
from messages.database import alone
from messages.transport.port import Transport
from workers.rescue import OUTAGE, UNDER_WAY, restart
from workers.writers.retelling import retell

PAUSE = 5.0
"""Seconds between two looks: one small exchange with the broker."""
BATCH = 100
LOCK = 4_851_700_325  # any number that nothing else in this database locks

log = structlog.get_logger()


class Recollection:
    """Looks whether the broker still has its memory, and makes good what it has lost."""

    def __init__(self, pool: asyncpg.Pool, transport: Transport, blobs: Blobs) -> None:
        self._pool = pool
        self._transport = transport
        self._blobs = blobs
        self._noticed: datetime | None = None

    async def run(self) -> None:
        """Looks every few seconds, for ever; trouble with a server waits for the next look."""
        while True:
            try:
                await self.look()
            except OUTAGE as error:
                log.warning("recollection_interrupted", error=f"{type(error).__name__}: {error}")
            await asyncio.sleep(PAUSE)

    async def look(self) -> bool:
        """True where the broker had lost its memory, and has again what it needs."""
        async with alone(self._pool, LOCK) as connection:
            if connection is None:
                return False
            if await self._transport.remembers():
                self._noticed = None
                return False
            await self._recollect(connection)
            return True

    async def _recollect(self, connection: asyncpg.Connection) -> None:
        # Queues first: an event of what starts again must find them. And only what is older than the first time that
        # this was seen, for a broker that takes nothing for a while (an alarm) would have it all start again each time.
        await self._transport.declare()
        if self._noticed is None:
            self._noticed = await connection.fetchval("select clock_timestamp()")
        started = 0
        while found := await connection.fetch(_MOVING, self._noticed, BATCH):
            for row in found:
                await restart(connection, row["id"], counted=False)
            started += len(found)
        told = await retell(connection, self._blobs, self._noticed)
        await self._transport.remember()
        self._noticed = None  # it may be lost again before anybody has looked
        log.warning("broker_without_memory", restarted=started, told_again=told)


_MOVING = f"""
select id from flow where finished_at is null and updated_at < $1 and {UNDER_WAY} order by updated_at limit $2
"""  # noqa: S608 constants
