"""RabbitMQ is short of memory or disk under load, or a job takes longer than it allows: on a broker of our own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from deploy.embedded.rabbitmq import EmbeddedRabbitMQ
from messages.errors import TransientError
from messages.topology import DELIVERY_LIMIT
from messages.transport.port import Transport
from tests.broker import Broker
from tests.contract.factory import TransportFactory, factory_of
from tests.contract.observers import Holder, Taker, Undertaker, job

DEADLINE = 10.0
"""Seconds after which a publish must have ended, well or not: its own 5 and some for a busy machine."""
BACK = 15.0
"""Seconds after the end of an alarm until publishing works (issue 4)."""
MEMORY = ("set_vm_memory_high_watermark", "absolute")
DISK = ("set_disk_free_limit",)
KEPT = 200
"""Messages that wait in a queue when the alarm begins."""
LATE = 30.0
"""Seconds until a job that is too long has been taken back, on a busy machine."""

pytestmark = pytest.mark.rabbitmq


@pytest_asyncio.fixture
async def transport_factory(breakable: EmbeddedRabbitMQ) -> AsyncIterator[TransportFactory]:
    vhosts = Broker(breakable.url(), breakable.management_url)
    url = await vhosts.empty()
    factory = factory_of(url)
    await factory().declare()
    yield factory
    await factory.close()
    await vhosts.drop(url)


@dataclass
class Load:
    """Publishes without a pause, as the relay does, each message until it is confirmed."""

    transport: Transport
    confirmed: set[int] = field(default_factory=set)
    longest: float = 0.0
    refused: asyncio.Event = field(default_factory=asyncio.Event)
    _next: int = 0

    async def run(self) -> None:
        while True:
            number, self._next = self._next, self._next + 1
            while not await self._said(number):
                self.refused.set()
            self.confirmed.add(number)

    async def _said(self, number: int) -> bool:
        began = time.monotonic()
        try:
            await self.transport.publish(job(number))
        except TransientError:
            return False
        else:
            return True
        finally:
            self.longest = max(self.longest, time.monotonic() - began)

    async def more(self, count: int) -> None:
        """Returns when so many more are confirmed."""
        wanted = len(self.confirmed) + count
        while len(self.confirmed) < wanted:
            await asyncio.sleep(0.02)


@asynccontextmanager
async def loading(transport: Transport) -> AsyncIterator[Load]:
    load = Load(transport)
    lanes = [asyncio.create_task(load.run()) for _ in range(4)]
    try:
        yield load
    finally:
        for lane in lanes:
            lane.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)


@pytest.mark.parametrize(
    ("raised", "cleared"),
    [
        pytest.param((*MEMORY, "1MB"), (*MEMORY, "1GB"), id="memory"),
        pytest.param((*DISK, str(10**16)), (*DISK, "200MB"), id="disk"),
    ],
)
async def test_an_alarm_delays_what_is_published_and_nothing_else(
    breakable: EmbeddedRabbitMQ, transport_factory: TransportFactory, raised: Sequence[str], cleared: Sequence[str]
) -> None:
    taken, kept = Taker(), Taker()
    worker = transport_factory()  # one, as in a worker's process: it consumes and publishes
    await worker.consume("dh.job.load", taken, slots=8)
    await worker.publish(*(job(number, "dump") for number in range(KEPT)))
    async with asyncio.timeout(90), loading(worker) as load:
        await load.more(100)
        await breakable.control(*raised)
        await load.refused.wait()

        # What is there already is handed out and settled meanwhile, to old consumers and to new ones.
        await worker.consume("dh.job.dump", kept, slots=8)
        assert set(await kept.numbers(KEPT)) == set(range(KEPT))

        await breakable.control(*cleared)
        began = time.monotonic()
        await load.more(1)
        assert time.monotonic() - began < BACK
        await load.more(100)
    assert load.longest < DEADLINE

    async with asyncio.timeout(60):
        while not load.confirmed <= {delivery.message.data["n"] for delivery in taken.got}:
            await taken.wait(len(taken.got) + 1)
    assert await worker.depth("dh.job.dump") == 0
    assert len(kept.got) == KEPT


@pytest_asyncio.fixture
async def impatient(breakable: EmbeddedRabbitMQ) -> AsyncIterator[None]:
    """The broker takes back from new channels what is not settled after two seconds; it looks every half second."""
    await breakable.control("eval", _ALLOWED.format(timeout=2000, tick=500))
    yield
    await breakable.control("eval", _ALLOWED.format(timeout=1_800_000, tick=60_000))


_ALLOWED = """
application:set_env(rabbit, consumer_timeout, {timeout}), application:set_env(rabbit, channel_tick_interval, {tick}).
"""


class Slow(Holder):
    """Takes for ever until it is released."""

    async def too_long(self, times: int) -> None:
        """Returns when so many deliveries were taken back."""
        async with asyncio.timeout(LATE):
            while len(self.cancelled) < times:
                await asyncio.sleep(0.02)


async def test_a_job_that_was_too_long_once_ends_once_and_its_consumer_works_on(
    impatient: None, transport_factory: TransportFactory
) -> None:
    slow, other = Slow(), Taker()
    publisher, consumer = transport_factory(), transport_factory()
    with capture_logs() as logs:
        consumption = await consumer.consume("dh.job.load", slow)
        await consumer.consume("dh.job.dump", other)
        await publisher.publish(job(1))
        await slow.too_long(1)
        slow.release.set()
        # It comes again, to the very consumer it was taken from, and is done; and so is what comes after it.
        assert [delivery.redelivered for delivery in await slow.wait(2)] == [False, True]
        await publisher.publish(job(2), job(3, "dump"))
        await slow.wait(3)
        await other.wait(1)
    assert (slow.finished, slow.cancelled) == ([1, 2], [1])
    [told] = [entry for entry in logs if entry["event"] == "consumer_timeout"]
    assert told["log_level"] == "error"
    assert "DH_STAGE_TIMEOUT" in told["advice"]
    await consumption.stop(1)
    assert await publisher.depth("dh.job.load") == 0


async def test_a_job_that_is_always_too_long_is_set_aside_and_its_consumer_works_on(
    impatient: None, transport_factory: TransportFactory
) -> None:
    slow, undertaker = Slow(), Undertaker()
    publisher, consumer = transport_factory(), transport_factory()
    await consumer.consume("dh.job.validate", slow)
    await consumer.consume_dead(undertaker)
    await publisher.publish(job(1, "validate"))
    await slow.too_long(DELIVERY_LIMIT)
    [record] = await undertaker.wait(1)
    assert (record.queue, record.attempts) == ("dh.job.validate", DELIVERY_LIMIT)
    assert slow.finished == []
    slow.release.set()
    await publisher.publish(job(2, "validate"))
    await slow.wait(DELIVERY_LIMIT + 1)
    assert slow.finished == [2]
