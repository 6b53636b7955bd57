"""The broker goes away and comes back, as a restart and as a hang: on servers of this module's own."""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import psutil
import pytest
import pytest_asyncio

from deploy.embedded.postgres import EmbeddedPostgres
from deploy.embedded.rabbitmq import EmbeddedRabbitMQ
from deploy.migrate import migrate
from messages.database import open_pool
from messages.envelope import Message
from messages.errors import TransientError
from messages.outbox import Relay, emit
from messages.transport.port import Transport
from tests.broker import Broker
from tests.contract.factory import TransportFactory, factory_of
from tests.contract.observers import Holder, Taker, event, job
from tests.services import server_directory

Server = EmbeddedPostgres | EmbeddedRabbitMQ

DEADLINE = 7.0
"""Seconds after which a publish must have said that it failed: its own 5 and some for a busy machine."""


@pytest.fixture(scope="module", params=[pytest.param("postgres"), pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)])
def server(request: pytest.FixtureRequest) -> Server:
    """A server that these tests may stop; it keeps its port and its data."""
    found: Server = request.getfixturevalue("breakable" if request.param == "rabbitmq" else "own_postgres")
    return found


@pytest_asyncio.fixture(scope="module")
async def own_postgres() -> AsyncIterator[EmbeddedPostgres]:
    """A server with the schema of ours."""
    with server_directory() as directory:
        async with EmbeddedPostgres(directory) as server:
            await migrate(server.url())
            yield server


@pytest_asyncio.fixture(scope="module")
async def url(server: Server) -> AsyncIterator[str]:
    """A broker's address on that server."""
    if isinstance(server, EmbeddedPostgres):
        yield server.url()
        return
    vhosts = Broker(server.url(), server.management_url)
    url = await vhosts.empty()
    yield url
    await vhosts.drop(url)


@pytest_asyncio.fixture
async def transport_factory(url: str) -> AsyncIterator[TransportFactory]:
    """Opens transports on the server that may be stopped."""
    factory = factory_of(url)
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


async def test_all_that_was_begun_outlives_a_restart_of_the_broker(
    server: Server, database_url: str, transport_factory: TransportFactory
) -> None:
    # On the embedded transport the outbox is on the server that goes away, otherwise only the broker is.
    outbox = server.url() if isinstance(server, EmbeddedPostgres) else database_url
    publisher = transport_factory()
    async with working(transport_factory), listening(transport_factory), relaying(transport_factory, outbox) as say_one:
        # RabbitMQ 3.10 never elects a leader again for a quorum queue that was declared in the second before a kill -9
        # (measured). There is no signal to wait for.
        await asyncio.sleep(3)
        await server.stop()
        assert await refusal(publisher) < DEADLINE
        assert await refusal(publisher) < DEADLINE
        if outbox == database_url:
            await say_one()
        await server.start()


@asynccontextmanager
async def working(transport_factory: TransportFactory) -> AsyncIterator[None]:
    """Jobs are published and taken; afterwards, too, and none that was in hand or waited is lost."""
    publisher, consumer = transport_factory(), transport_factory()
    taker, holder = Taker(), Holder()
    await consumer.consume("dh.job.load", taker, slots=2)
    await consumer.consume("dh.job.dump", holder)
    await publisher.publish(job(1), job(2, "dump"), job(3, "validate"))
    await taker.wait(1)
    await holder.wait(1)
    yield
    await publish_when_possible(publisher, job(4))
    assert 4 in await taker.numbers(2)
    # What was in a handler's hands is finished or comes again, what waited is still there.
    holder.release.set()
    async with asyncio.timeout(20):
        while 2 not in holder.finished:
            await asyncio.sleep(0.05)
    assert await publisher.depth("dh.job.validate") == 1


@asynccontextmanager
async def listening(transport_factory: TransportFactory) -> AsyncIterator[None]:
    """A subscriber and a watcher; afterwards both hear again."""
    publisher, listener = transport_factory(), transport_factory()
    subscribed, watched = Taker(), asyncio.Event()
    await listener.subscribe("mine", ["event.package.*"])
    await listener.consume("mine", subscribed)
    await listener.watch(["event.package.*"], lambda _: watched.set())
    yield
    async with asyncio.timeout(30):
        while not (watched.is_set() and subscribed.got):
            await publish_when_possible(publisher, event(5))
            await asyncio.sleep(0.2)


@asynccontextmanager
async def relaying(transport_factory: TransportFactory, outbox: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """A relay; whatever is written to the outbox by the function that this gives, it says in the end."""
    taker, number = Taker(), 0
    await transport_factory().consume("dh.job.encoding", taker)
    pool = await open_pool(outbox)
    relay = asyncio.create_task(Relay(pool, transport_factory()).run())

    async def say_one() -> None:
        nonlocal number
        number += 1
        async with pool.acquire() as connection, connection.transaction():
            await emit(connection, job(number, "encoding"))

    await say_one()
    await taker.wait(1)
    yield say_one
    await say_one()
    async with asyncio.timeout(30):
        while {delivery.message.data["n"] for delivery in taker.got} != set(range(1, number + 1)):
            await asyncio.sleep(0.05)
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)
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
