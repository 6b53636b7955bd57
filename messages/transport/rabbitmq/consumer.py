"""A consumption: one channel with prefetch 1 per slot, each watched over and opened again when it is lost.

Prefetch 1 per channel because the broker returns everything unsettled of a channel that dies: with prefetch 10 a job
that kills its worker takes nine innocent ones along to the dead letters.
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

from messages.errors import TransientError
from messages.transport.backoff import Backoff
from messages.transport.port import Verdict
from messages.transport.rabbitmq.link import DEADLINE, Link, trouble
from messages.transport.rabbitmq.publisher import close_channel
from messages.transport.verdict import end_of

GIVE_UP = 300.0
"""Seconds without a broker after which `closed` raises: the process should leave, and be started anew."""

SILENCE = 60.0
"""Seconds after which a slot that was given nothing asks anew. RabbitMQ 3.10 forgets a consumer without a word when its
queue is deleted and at once declared again: measured, with the first messages stuck in it until its channel closes."""

SETTLE_GRACE = 5.0
"""Seconds to give messages back at a stop; the broker takes them back by itself when the connection ends."""

Declare = Callable[[AbstractChannel], Awaitable[AbstractQueue]]
Judge = Callable[[DeliveredMessage], Awaitable[Verdict]]
Settle = Callable[[DeliveredMessage, Verdict | None], Awaitable[None]]

log = structlog.get_logger()


@dataclass(slots=True)
class _Slot:
    channel: AbstractChannel
    underlay: UnderlayChannel
    tag: str = ""
    lost: asyncio.Event = field(default_factory=asyncio.Event)
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
        self._slots: list[_Slot] = []
        self._keepers: list[asyncio.Task[None]] = []

    async def start(self, slots: int) -> None:
        """Begins; raises TransientError where there is no broker."""
        self._slots = await asyncio.gather(*(self._open() for _ in range(slots)))
        self._keepers = [asyncio.create_task(self._keep(at), name=f"{self._queue} slot") for at in range(slots)]

    async def closed(self) -> None:
        """See the port."""
        await end_of(self._keepers)

    async def stop(self, grace: float) -> None:
        """See the port."""
        self._stopping = True
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await asyncio.gather(*(self._cancel(slot) for slot in self._slots))
        await self._wait_for_handlers(grace)
        for handling in self._handling():
            handling.cancel()
        await self._wait_for_handlers(SETTLE_GRACE)
        await asyncio.gather(*(close_channel(slot.channel) for slot in self._slots))

    async def _wait_for_handlers(self, seconds: float) -> None:
        if handling := self._handling():
            await asyncio.wait(handling, timeout=seconds)

    def _handling(self) -> set[asyncio.Task[Any]]:
        return {task for slot in self._slots for task in slot.handling}

    async def _open(self) -> _Slot:
        channel = await self._link.channel()
        try:
            queue = await self._declare(channel)
            with trouble(f"consuming {self._queue}"):
                async with asyncio.timeout(DEADLINE):
                    await channel.set_qos(prefetch_count=1)
                    # Below aio-pika's queue: its second task for each delivery costs a tenth of the throughput.
                    slot = _Slot(channel, await channel.get_underlay_channel())
                    channel.close_callbacks.add(lambda *_: slot.lost.set())
                    # The broker cancels a consumer whose queue was deleted or moved, and says nothing more.
                    slot.underlay.on_consumer_cancel_callbacks.add(lambda _: slot.lost.set())
                    consuming = await slot.underlay.basic_consume(queue.name, partial(self._received, slot))
                    slot.tag = str(consuming.consumer_tag)
        except BaseException:
            await close_channel(channel)
            raise
        return slot

    async def _keep(self, at: int) -> None:
        while True:
            slot = self._slots[at]
            try:
                # Not all slots in the same moment: what comes meanwhile should find most of them.
                async with asyncio.timeout(self._silence * random.uniform(0.7, 1.3)):  # noqa: S311
                    await slot.lost.wait()
                log.warning("consumer_lost", queue=self._queue)
            except TimeoutError:
                if slot.handling:
                    continue
                await self._cancel(slot)
                if slot.handling:
                    # A message came after all, and its handler needs the channel to settle.
                    await asyncio.wait(slot.handling)
            await close_channel(slot.channel)
            self._slots[at] = await self._reopen()
            if slot.lost.is_set():
                log.info("consumer_restored", queue=self._queue)

    async def _reopen(self) -> _Slot:
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

    async def _cancel(self, slot: _Slot) -> None:
        try:
            with trouble(f"leaving {self._queue}"):
                async with asyncio.timeout(DEADLINE):
                    await slot.underlay.basic_cancel(slot.tag)
        except TransientError as error:
            log.info("consumer_gone", queue=self._queue, reason=str(error))

    async def _received(self, slot: _Slot, message: DeliveredMessage) -> None:
        """Runs in a task of the channel: it is cancelled when the channel is lost, for then another has the message."""
        task = asyncio.current_task()
        assert task is not None
        slot.handling.add(task)
        try:
            await self._settle(message, await self._verdict(message, task))
        except asyncio.CancelledError:
            log.warning("delivery_lost", queue=self._queue)
            raise
        except Exception:
            # Unsettled, it would block its slot without a sound: the slot is opened again, the message comes again.
            log.exception("settle_failed", queue=self._queue)
            slot.lost.set()
        finally:
            slot.handling.discard(task)

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
