"""A consumption: `slots` loops of claim, handle, settle; leases are renewed while handlers run.

Suspects, whose last taker died with them, are handled one at a time: when one of them kills this process too, only it
is counted a second death, and not the innocents that were in the other slots the last time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from messages.ending import dismiss, end_of
from messages.errors import TransientError
from messages.faultpoint import faultpoint
from messages.transport.backoff import Backoff
from messages.transport.port import Ack, DeadLetter, Retry, Verdict
from messages.transport.postgres.deliveries import Claimed, Deliveries
from messages.transport.postgres.doorbell import Doorbell

Judge = Callable[[Claimed], Awaitable[Verdict]]

SETTLE_GRACE = 5.0
"""Seconds for the last verdicts at a stop while the database is away; then the leases run out instead."""

log = structlog.get_logger()


class QueueConsumer:
    """Consumes one queue; `judge` gives the verdict on each row and raises only when it is cancelled."""

    def __init__(
        self, deliveries: Deliveries, doorbell: Doorbell, queue: str, judge: Judge, slots: int, lease: float
    ) -> None:
        self._deliveries = deliveries
        self._doorbell = doorbell
        self._queue = queue
        self._judge = judge
        self._lease = lease
        self._stopping = False
        self._suspects = asyncio.Lock()
        self._held: dict[Claimed, asyncio.Task[Verdict]] = {}
        # Tokens, not a bare event: a ring that comes while a claim is still on its way must not be lost.
        self._rings: asyncio.Queue[None] = asyncio.Queue(maxsize=slots)
        self._slots = [asyncio.create_task(self._slot(), name=f"{queue} slot") for _ in range(slots)]
        self._renewal = asyncio.create_task(self._renew(), name=f"{queue} leases")
        doorbell.hang(queue, self._ring)

    async def closed(self) -> None:
        """See the port: a slot ends only by `stop`, or by a bug of ours, which is raised here."""
        await end_of([*self._slots, self._renewal])

    async def stop(self, grace: float) -> None:
        """See the port."""
        if not self._stopping:
            self._stopping = True
            self._doorbell.unhang(self._queue, self._ring)
        self._ring(len(self._slots))
        await asyncio.wait(self._slots, timeout=grace)
        for handling in list(self._held.values()):
            handling.cancel()
        await asyncio.wait(self._slots, timeout=SETTLE_GRACE)
        await dismiss(*self._slots, self._renewal)

    def _ring(self, count: int) -> None:
        while count > 0 and not self._rings.full():
            self._rings.put_nowait(None)
            count -= 1

    async def _slot(self) -> None:
        backoff = Backoff()
        await self._doorbell.opened()
        while not self._stopping:
            try:
                idle = not await self._next()
            except TransientError as error:
                log.warning("claim_failed", queue=self._queue, reason=str(error))
                await backoff.wait()
                continue
            backoff.reset()
            if idle and not self._stopping:
                await self._rings.get()

    async def _next(self) -> bool:
        """Handles the next message; False where there is none."""
        if self._suspects.locked():
            claimed = await self._deliveries.claim(self._queue, suspects=False)
        else:
            async with self._suspects:
                claimed = await self._deliveries.claim(self._queue)
                if claimed is not None and claimed.is_suspect:
                    await self._take(claimed)
                    return True
        if claimed is None:
            return False
        await self._take(claimed)
        return True

    async def _take(self, claimed: Claimed) -> None:
        verdict: Verdict | None = None
        if not self._stopping:
            handling = self._held[claimed] = asyncio.ensure_future(self._judge(claimed))
            try:
                await asyncio.wait([handling])
            finally:
                handling.cancel()
                del self._held[claimed]
            verdict = None if handling.cancelled() else handling.result()
        await self._settle(claimed, verdict)

    async def _settle(self, claimed: Claimed, verdict: Verdict | None) -> None:
        """Until the database has it: only a lost lease, or the end of this process, leaves the row to others."""
        backoff = Backoff()
        while True:
            try:
                faultpoint(self._queue, "before_ack")
                if not await self._apply(claimed, verdict):
                    log.warning("lease_lost", queue=self._queue, row=claimed.id, attempt=claimed.attempt)
                faultpoint(self._queue, "after_ack")
                return
            except TransientError as error:
                log.warning("settle_failed", queue=self._queue, row=claimed.id, reason=str(error))
                await backoff.wait()

    async def _apply(self, claimed: Claimed, verdict: Verdict | None) -> bool:
        match verdict:
            case Ack():
                return await self._deliveries.ack(claimed)
            case Retry(delay=delay, reason=reason):
                return await self._deliveries.retry(claimed, delay, reason)
            case DeadLetter(reason=reason):
                return await self._deliveries.bury(claimed, reason)
            case None:
                return await self._deliveries.put_back(claimed)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._lease / 4)
            held = dict(self._held)
            if not held:
                continue
            try:
                ours = await self._deliveries.renew(held)
            except TransientError as error:
                log.warning("renewal_failed", queue=self._queue, reason=str(error))
                continue
            for claimed, handling in held.items():
                if claimed.id not in ours:
                    # Somebody else has it by now: to go on would only do the work twice.
                    handling.cancel()
