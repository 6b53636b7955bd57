"""Handlers that note what they were given, so that tests wait for signals and not for time."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

from messages.envelope import Message, derived_id
from messages.transport.port import Ack, DeadLetterRecord, Delivery, Verdict

PATIENCE = 20.0
"""Seconds after which something that should come is said to have failed."""

Thing = TypeVar("Thing")


class Noted(Generic[Thing]):
    """Things in the order in which they came."""

    def __init__(self) -> None:
        self.got: list[Thing] = []
        self._came = asyncio.Condition()

    async def note(self, thing: Thing) -> None:
        """One more."""
        async with self._came:
            self.got.append(thing)
            self._came.notify_all()

    async def wait(self, count: int) -> list[Thing]:
        """All that came, as soon as there are `count`."""
        try:
            async with asyncio.timeout(PATIENCE), self._came:
                await self._came.wait_for(lambda: len(self.got) >= count)
        except TimeoutError:
            raise AssertionError(f"{len(self.got)} of {count} came: {self.got}") from None
        return list(self.got)


class Taker(Noted[Delivery]):
    """A handler that answers its deliveries with these verdicts in turn, and with Ack after the last."""

    def __init__(self, *verdicts: Verdict) -> None:
        super().__init__()
        self._verdicts = list(verdicts)

    async def __call__(self, delivery: Delivery) -> Verdict:
        await self.note(delivery)
        return self._verdicts.pop(0) if self._verdicts else Ack()

    async def numbers(self, count: int) -> list[int]:
        """The numbers of the messages, as soon as there are `count` of them."""
        return [delivery.message.data["n"] for delivery in await self.wait(count)]


class Holder(Noted[Delivery]):
    """A handler that lets nothing go before `release` is set, and notes how many it held at the same time at most."""

    def __init__(self) -> None:
        super().__init__()
        self.release = asyncio.Event()
        self.finished: list[int] = []
        self.cancelled: list[int] = []
        self.at_once = self.most_at_once = 0

    async def __call__(self, delivery: Delivery) -> Verdict:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.note(delivery)
        try:
            await self.release.wait()
            self.finished.append(delivery.message.data["n"])
        except asyncio.CancelledError:
            self.cancelled.append(delivery.message.data["n"])
            raise
        finally:
            self.at_once -= 1
        return Ack()


class Undertaker(Noted[DeadLetterRecord]):
    """A handler of dead letters that takes each off the queue."""

    async def __call__(self, record: DeadLetterRecord) -> Verdict:
        await self.note(record)
        return Ack()


def job(number: int, stage: str = "load", **data: object) -> Message:
    """A job of a stage, told apart by a number."""
    return Message(id=derived_id("test", stage, number), kind=f"job.{stage}", flow="o/d/1", data={"n": number, **data})


def event(number: int, kind: str = "event.package.published", **data: object) -> Message:
    """An event, told apart by a number."""
    return Message(id=derived_id("test", kind, number), kind=kind, flow="o/d/1", data={"n": number, **data})
