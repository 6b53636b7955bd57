"""What only the embedded transport has: leases in place of connections."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from messages.transport.postgres import PostgresTransport
from messages.transport.postgres.database import Database
from messages.transport.postgres.deliveries import SESSION, Deliveries
from tests.contract.observers import Holder, Taker, event, job
from tests.contract.test_crashes import kill, said, start_taker

LEASE = 0.4


@pytest_asyncio.fixture
async def transport(database_url: str) -> AsyncIterator[PostgresTransport]:
    """A transport with short leases."""
    opened = PostgresTransport(database_url, lease=LEASE)
    await opened.declare()
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def deliveries(database_url: str) -> AsyncIterator[Deliveries]:
    """The statements by themselves, with leases that are over at once."""
    database = Database(database_url, size=2)
    yield Deliveries(database, lease=0)
    await database.close()


async def test_work_longer_than_a_lease_keeps_its_message(transport: PostgresTransport) -> None:
    holder, other = Holder(), Taker()
    working = await transport.consume("dh.job.load", holder)
    await transport.publish(job(1))
    await holder.wait(1)
    await transport.consume("dh.job.load", other)

    await asyncio.sleep(6 * LEASE)  # leases, and several looks at the expired ones (one a second)
    holder.release.set()
    await working.stop(grace=10)
    await transport.publish(job(2))

    assert holder.finished == [1]
    assert await other.numbers(1) == [2]


@pytest.mark.parametrize("settle", ["ack", "put_back", "retry", "bury"])
async def test_a_taker_whose_lease_ran_out_settles_nothing(
    transport: PostgresTransport, deliveries: Deliveries, settle: str
) -> None:
    await transport.publish(job(1))
    late = await deliveries.claim("dh.job.load")
    assert late is not None
    await deliveries.reap()
    owner = await deliveries.claim("dh.job.load")
    assert owner is not None
    assert (owner.id, owner.taken) == (late.id, 2)

    arguments: dict[str, tuple[object, ...]] = {"retry": (0.0, "late"), "bury": ("late",)}
    assert not await getattr(deliveries, settle)(late, *arguments.get(settle, ()))

    assert await deliveries.renew([late]) == set()
    assert await deliveries.renew([owner]) == {owner.id}
    assert await deliveries.ack(owner)


async def test_what_a_killed_process_held_does_not_wait_for_its_lease(
    transport: PostgresTransport, database_url: str
) -> None:
    process = await start_taker(database_url)
    try:
        await transport.publish(job(1, hold=True))
        await said(process, "took 1")
        process.send_signal(signal.SIGSTOP)  # from here on it does not renew
        database = Database(database_url, size=1)
        await database.fetch("update delivery set lease_until = now() + interval '1 hour'")
        await database.close()
    finally:
        await kill(process)
    taker = Taker()

    await transport.consume("dh.job.load", taker)

    assert await taker.numbers(1) == [1]


async def test_a_session_that_is_gone_ends_its_leases_but_not_those_of_before_a_restart_of_the_server_just_now(
    transport: PostgresTransport, deliveries: Deliveries
) -> None:
    restarted = Deliveries(deliveries._database, lease=10 * 365 * 86400)  # no server runs for so long: it just started
    restarted.session = "1.0"  # nobody holds this lock, and it is of no server of now
    await transport.publish(job(1))
    claimed = await restarted.claim("dh.job.load")
    assert claimed is not None

    await restarted.reap()
    assert await restarted.renew([claimed]) == {claimed.id}
    await deliveries.reap()
    assert await restarted.renew([claimed]) == set()


async def test_what_was_claimed_since_the_server_started_does_not_wait_for_a_lease_after_it(
    transport: PostgresTransport, deliveries: Deliveries, database_url: str
) -> None:
    restarted = Deliveries(deliveries._database, lease=10 * 365 * 86400)
    connection = await asyncpg.connect(database_url)
    restarted.session = await connection.fetchval(SESSION, 7)
    await transport.publish(job(1))
    claimed = await restarted.claim("dh.job.load")
    assert claimed is not None

    await restarted.reap()
    assert await restarted.renew([claimed]) == {claimed.id}
    await connection.close()

    async with asyncio.timeout(30):  # the server ends a session a little after its connection
        while await restarted.renew([claimed]):
            await restarted.reap()


async def test_a_handler_whose_lease_was_lost_is_cancelled(
    transport: PostgresTransport, deliveries: Deliveries, database_url: str
) -> None:
    holder = Holder()
    await transport.consume("dh.job.load", holder)
    await transport.publish(job(1))
    await holder.wait(1)

    # What a taker finds that was stopped for longer than its lease (a suspended machine).
    database = Database(database_url, size=1)
    await database.fetch("update delivery set lease_owner = 'somebody else', lease_until = now() + interval '1 minute'")
    await database.close()

    async with asyncio.timeout(30):
        while holder.cancelled != [1]:
            await asyncio.sleep(0.02)


async def test_a_watcher_that_is_gone_leaves_nothing(transport: PostgresTransport, deliveries: Deliveries) -> None:
    await deliveries.declare("watch.gone", ["event.#"], durable=False)
    await transport.publish(event(1))
    assert await transport.depth("watch.gone") == 1

    await deliveries.drop_unseen()
    assert await transport.depth("watch.gone") == 1  # it may only be slow

    database = deliveries._database
    await database.fetch("update queue set seen_at = now() - interval '61 seconds' where name = 'watch.gone'")
    await deliveries.drop_unseen()
    assert await transport.depth("watch.gone") == 0
    assert await database.fetch("select from binding where queue = 'watch.gone'") == []
