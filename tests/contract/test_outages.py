"""The broker goes away and comes back, as a restart and as a hang: on servers of this module's own."""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import psutil
import pytest
import pytest_asyncio

from deploy.embedded import rabbitmq
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.embedded.rabbitmq import EmbeddedRabbitMQ
from deploy.migrate import migrate
from messages.database import open_pool
from messages.envelope import Message
from messages.errors import TransientError
from messages.outbox import Relay, emit
from messages.transport.port import Transport
from tests.conftest import missing
from tests.contract.factory import TransportFactory, factory_of
from tests.contract.observers import Holder, Taker, event, job
from tests.services import server_directory

Server = EmbeddedPostgres | EmbeddedRabbitMQ

DEADLINE = 7.0
"""Seconds after which a publish must have said that it failed: its own 5 and some for a busy machine."""


@pytest_asyncio.fixture(
    scope="module", params=[pytest.param("postgres"), pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)]
)
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    """A server that these tests may stop; it keeps its port and its data."""
    if request.param == "rabbitmq" and not rabbitmq.installed():
        missing("RabbitMQ")
    with server_directory() as directory:
        made: Server = EmbeddedRabbitMQ(directory) if request.param == "rabbitmq" else EmbeddedPostgres(directory)
        async with made as running:
            if isinstance(running, EmbeddedPostgres):
                await migrate(running.url())
            yield running


@pytest_asyncio.fixture
async def transport_factory(server: Server) -> AsyncIterator[TransportFactory]:
    """Opens transports on the server that may be stopped."""
    factory = factory_of(server.url())
    await factory().declare()
    yield factory
    await factory.close()


async def publish_when_possible(transport: Transport, message: Message) -> None:
    """As the relay does it: again after each failure, in this very process."""
    async with asyncio.timeout(60):
        while True:
            try:
                await transport.publish(message)
                return
            except TransientError:
                await asyncio.sleep(0.1)


async def refusal(transport: Transport) -> float:
    """How long a publish takes to fail."""
    began = time.monotonic()
    with pytest.raises(TransientError):
        await transport.publish(job(0))
    return time.monotonic() - began


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """The server hangs: connections stay open, nothing is answered."""
    parent = psutil.Process(server.process.pid)
    family = [parent, *parent.children(recursive=True)]
    for process in family:
        process.suspend()
    try:
        yield
    finally:
        for process in family:
            process.resume()


async def test_publishing_and_consuming_outlive_a_restart_of_the_broker(
    server: Server, transport_factory: TransportFactory
) -> None:
    publisher, consumer = transport_factory(), transport_factory()
    taker, holder = Taker(), Holder()
    await consumer.consume("dh.job.load", taker, slots=2)
    await consumer.consume("dh.job.dump", holder)
    await publisher.publish(job(1), job(2, "dump"), job(3, "validate"))
    await taker.wait(1)
    await holder.wait(1)

    await server.stop()
    assert await refusal(publisher) < DEADLINE
    assert await refusal(publisher) < DEADLINE
    await server.start()
    await publish_when_possible(publisher, job(4))

    assert 4 in await taker.numbers(2)
    # What was in a handler's hands is finished or comes again, what waited is still there.
    holder.release.set()
    async with asyncio.timeout(20):
        while 2 not in holder.finished:
            await asyncio.sleep(0.05)
    assert await publisher.depth("dh.job.validate") == 1


async def test_a_watcher_and_a_subscription_outlive_a_restart_of_the_broker(
    server: Server, transport_factory: TransportFactory
) -> None:
    publisher, listener = transport_factory(), transport_factory()
    subscribed, watched = Taker(), asyncio.Event()
    await listener.subscribe("mine", ["event.package.*"])
    await listener.consume("mine", subscribed)
    await listener.watch(["event.package.*"], lambda _: watched.set())
    # RabbitMQ 3.10 never elects a leader again for a quorum queue that was declared in the second before a kill -9
    # (measured). There is no signal to wait for.
    await asyncio.sleep(3)

    await server.stop()
    await server.start()
    async with asyncio.timeout(30):
        while not (watched.is_set() and subscribed.got):
            await publish_when_possible(publisher, event(5))
            await asyncio.sleep(0.2)


async def test_the_relay_outlives_a_restart_of_the_broker(
    server: Server, database_url: str, transport_factory: TransportFactory
) -> None:
    taker, number = Taker(), 0
    await transport_factory().consume("dh.job.encoding", taker)
    # On the embedded transport the outbox is on the server that goes away, otherwise only the broker is.
    outbox = server.url() if isinstance(server, EmbeddedPostgres) else database_url
    pool = await open_pool(outbox)
    relaying = asyncio.create_task(Relay(pool, transport_factory()).run())

    async def say_one() -> None:
        nonlocal number
        number += 1
        async with pool.acquire() as connection, connection.transaction():
            await emit(connection, job(number, "encoding"))

    await say_one()
    await taker.wait(1)
    await server.stop()
    if outbox == database_url:
        await say_one()
    await server.start()
    await say_one()

    async with asyncio.timeout(30):
        while {delivery.message.data["n"] for delivery in taker.got} != set(range(1, number + 1)):
            await asyncio.sleep(0.05)
    relaying.cancel()
    await asyncio.gather(relaying, return_exceptions=True)
    await pool.close()


async def test_a_broker_that_hangs_is_an_error_in_time(server: Server, transport_factory: TransportFactory) -> None:
    transport = transport_factory()
    await publish_when_possible(transport, event(1))

    with frozen(server):
        began = time.monotonic()
        with pytest.raises(TransientError):
            await transport.publish(job(1))
        assert time.monotonic() - began < DEADLINE

    await publish_when_possible(transport, job(2))


async def test_what_a_hung_broker_does_not_read_does_not_pile_up_here(
    server: Server, transport_factory: TransportFactory
) -> None:
    """A memory alarm lasts for hours, and whatever could not be said is tried again all the while."""
    transport, size = transport_factory(), 4_000_000
    large = job(1, blob="x" * size)
    held: list[int] = []
    await publish_when_possible(transport, event(1))

    tracemalloc.start()
    with frozen(server):
        for _ in range(2):
            outcomes = await asyncio.gather(*(transport.publish(large) for _ in range(4)), return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {TransientError}
            del outcomes  # their tracebacks hold on to the bodies
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()

    assert held[1] - held[0] < size


async def test_nothing_confirmed_is_lost_when_the_broker_is_killed_under_load(
    server: Server, transport_factory: TransportFactory
) -> None:
    publisher = transport_factory()
    confirmed: set[int] = set()

    async def publish_all() -> None:
        for number in range(1000, 1600):
            await publish_when_possible(publisher, job(number))
            confirmed.add(number)

    publishing = asyncio.create_task(publish_all())
    while len(confirmed) < 100:
        await asyncio.sleep(0.01)
    await server.stop()
    await server.start()
    await publishing

    taker = Taker()
    await transport_factory().consume("dh.job.load", taker, slots=8)
    async with asyncio.timeout(60):
        while not confirmed <= {delivery.message.data["n"] for delivery in taker.got}:
            await taker.wait(len(taker.got) + 1)
    assert len(confirmed) == 600
