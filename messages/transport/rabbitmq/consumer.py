"""A consumption: one channel with a prefetch of its slots, watched over and opened again when it is lost.

What the broker takes back when the process dies is told apart by `suspects`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from aio_pika.abc import AbstractChannel, AbstractQueue
from aiormq.abc import AbstractChannel as UnderlayChannel
from aiormq.abc import DeliveredMessage

from messages.ending import dismiss, end_of
from messages.errors import TransientError
from messages.transport.backoff import Backoff
from messages.transport.port import Verdict
from messages.transport.rabbitmq.link import DEADLINE, Link, is_timeout, trouble
from messages.transport.rabbitmq.publisher import close_channel

GIVE_UP = 300.0
"""Seconds without a broker after which `closed` raises: the process should leave, and be started anew."""

SILENCE = 60.0
"""Seconds after which a slot that was given nothing asks anew. RabbitMQ 3.10 forgets a consumer without a word when its
queue is deleted and at once declared again: measured, with the first messages stuck in it until its channel closes."""

SETTLE_GRACE = 5.0
"""Seconds to give messages back at a stop; the broker takes them back by itself when the connection ends."""

TOO_LONG = "set RabbitMQ's consumer_timeout above every DH_STAGE_TIMEOUT, or those below it (docs/runbook.md)"
"""The job comes again, twice at the most. The broker's setting cannot be read over AMQP, so it is told only now."""

Declare = Callable[[AbstractChannel], Awaitable[AbstractQueue]]
Judge = Callable[[DeliveredMessage], Awaitable[Verdict]]
Settle = Callable[[DeliveredMessage, Verdict | None], Awaitable[None]]

log = structlog.get_logger()


@dataclass(slots=True)
class _Tap:
    channel: AbstractChannel
    underlay: UnderlayChannel
    tag: str = ""
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    reason: BaseException | None = None
    handling: set[asyncio.Task[Any]] = field(default_factory=set)


class QueueConsumer:
    """Consumes one queue. `settle` carries out a verdict; None means that the message goes back as if never taken."""

    def __init__(self, link: Link, queue: str, declare: Declare, judge: Judge, settle: Settle, silence: float) -> None:
        self._link = link
        self._queue = queue
        self._declare = declare
        self._judge = judge
        self._settle = settle
        self._silence = silence
        self._stopping = False
        self._slots = 1
        self._tap: _Tap | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def start(self, slots: int) -> None:
        """Begins; raises TransientError where there is no broker."""
        self._slots = slots
        self._tap = await self._open()
        self._keeper = asyncio.create_task(self._keep(self._tap), name=f"{self._queue} consumer")

    async def closed(self) -> None:
        """See the port."""
        assert self._keeper is not None
        await end_of([self._keeper])

    async def stop(self, grace: float) -> None:
        """See the port."""
        self._stopping = True
        if self._keeper is None or self._tap is None:
            return
        await dismiss(self._keeper)
        tap = self._tap
        await self._cancel(tap)
        await _wait(tap.handling, grace)
        for handling in tap.handling:
            handling.cancel()
        await _wait(tap.handling, SETTLE_GRACE)
        await close_channel(tap.channel)

    async def _open(self) -> _Tap:
        channel = await self._link.channel()
        try:
            queue = await self._declare(channel)
            with trouble(f"consuming {self._queue}"):
                async with asyncio.timeout(DEADLINE):
                    await channel.set_qos(prefetch_count=self._slots)
                    # Below aio-pika's queue: its second task for each delivery costs a tenth of the throughput.
                    tap = _Tap(channel, await channel.get_underlay_channel())
                    channel.close_callbacks.add(lambda _, error: _lose(tap, error))
                    # The broker cancels a consumer whose queue was deleted or moved, and says nothing more.
                    tap.underlay.on_consumer_cancel_callbacks.add(lambda _: tap.lost.set())
                    consuming = await tap.underlay.basic_consume(queue.name, partial(self._received, tap))
                    tap.tag = str(consuming.consumer_tag)
        except BaseException:
            await close_channel(channel)
            raise
        return tap

    async def _keep(self, tap: _Tap) -> None:
        while True:
            try:
                # Not all consumers in the same moment: what comes meanwhile should find most of them.
                async with asyncio.timeout(self._silence * random.uniform(0.7, 1.3)):  # noqa: S311
                    await tap.lost.wait()
                _tell(self._queue, tap.reason)
            except TimeoutError:
                if tap.handling:
                    continue
                await self._cancel(tap)
                # A message may have come after all, and its handler needs the channel to settle.
                await _wait(tap.handling, None)
            was_lost = tap.lost.is_set()
            await close_channel(tap.channel)
            tap = self._tap = await self._reopen()
            if was_lost:
                log.info("consumer_restored", queue=self._queue)

    async def _reopen(self) -> _Tap:
        loop = asyncio.get_running_loop()
        deadline, backoff = loop.time() + GIVE_UP, Backoff()
        while True:
            try:
                return await self._open()
            except TransientError as error:
                log.warning("consumer_unavailable", queue=self._queue, reason=str(error))
                if loop.time() > deadline:
                    raise
            await backoff.wait()

    async def _cancel(self, tap: _Tap) -> None:
        try:
            with trouble(f"leaving {self._queue}"):
                async with asyncio.timeout(DEADLINE):
                    await tap.underlay.basic_cancel(tap.tag)
        except TransientError as error:
            log.info("consumer_gone", queue=self._queue, reason=str(error))

    async def _received(self, tap: _Tap, message: DeliveredMessage) -> None:
        """Runs in a task of the channel: it is cancelled when the channel is lost, for then another has the message."""
        task = asyncio.current_task()
        assert task is not None
        tap.handling.add(task)
        try:
            await self._settle(message, await self._verdict(message, task))
        except asyncio.CancelledError:
            log.warning("delivery_lost", queue=self._queue)
            raise
        except Exception:
            # Unsettled, it would hold its slot without a sound: the channel is opened again, the message comes again.
            log.exception("settle_failed", queue=self._queue)
            tap.lost.set()
        finally:
            tap.handling.discard(task)

    async def _verdict(self, message: DeliveredMessage, task: asyncio.Task[Any]) -> Verdict | None:
        if self._stopping:
            return None
        try:
            return await self._judge(message)
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            task.uncancel()
            return None


def _lose(tap: _Tap, reason: BaseException | None) -> None:
    tap.reason = reason
    tap.lost.set()


def _tell(queue: str, reason: BaseException | None) -> None:
    """Says what a consumer was lost by; that a job took longer than the broker allows, with what to do."""
    if is_timeout(reason):
        log.error("consumer_timeout", queue=queue, reason=str(reason), advice=TOO_LONG)
    else:
        log.warning("consumer_lost", queue=queue, reason=str(reason or "its queue was deleted or moved"))


async def _wait(tasks: set[asyncio.Task[Any]], seconds: float | None) -> None:
    if tasks:
        await asyncio.wait(tasks, timeout=seconds)
