"""Outbox, relay and inbox: said when and only when the transaction commits, at least once sent, once acted upon."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from messages.database import open_pool
from messages.outbox import Relay, claim, emit
from messages.transport.port import Ack, Delivery, Transport, Verdict
from tests.contract.factory import TransportFactory
from tests.contract.observers import PATIENCE, Noted, Taker, event, job


@pytest_asyncio.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    """The publishing service's database (on the embedded transport the broker's as well)."""
    opened = await open_pool(database_url, size=8)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def relay(pool: asyncpg.Pool, transport_factory: TransportFactory) -> AsyncIterator[Relay]:
    """A relay that runs."""
    made = Relay(pool, transport_factory())
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def count(pool: asyncpg.Pool, table: str) -> int:
    found: int = await pool.fetchval(f"select count(*) from {table}")  # noqa: S608 names of our own
    return found


@pytest.mark.usefixtures("relay")
async def test_what_is_committed_is_said_once(pool: asyncpg.Pool, transport: Transport) -> None:
    taker = Taker()
    await transport.consume("dh.job.load", taker)
    message = job(1)

    async with pool.acquire() as connection, connection.transaction():
        await emit(connection, message)

    (delivery,) = await taker.wait(1)
    assert delivery.message == message
    async with asyncio.timeout(PATIENCE):
        while await count(pool, "outbox"):
            await asyncio.sleep(0.01)
    await transport.publish(job(2))
    assert await taker.numbers(2) == [1, 2]


@pytest.mark.usefixtures("relay")
async def test_what_is_rolled_back_is_never_said(pool: asyncpg.Pool, transport: Transport) -> None:
    taker = Taker()
    await transport.consume("dh.job.load", taker)

    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await emit(connection, job(1))
        await transaction.rollback()
        async with connection.transaction():
            await emit(connection, job(2))

    assert await taker.numbers(1) == [2]


@pytest.mark.usefixtures("relay")
async def test_ids_that_commit_in_the_wrong_order_are_all_said(pool: asyncpg.Pool, transport: Transport) -> None:
    taker = Taker()
    await transport.consume("dh.job.load", taker)

    async with pool.acquire() as slow, pool.acquire() as quick, slow.transaction():
        await emit(slow, job(1))
        async with quick.transaction():
            await emit(quick, job(2))
        assert await taker.numbers(1) == [2]

    assert await taker.numbers(2) == [2, 1]


@pytest.mark.usefixtures("relay")
async def test_the_relay_is_woken_and_does_not_only_poll(pool: asyncpg.Pool, transport: Transport) -> None:
    taker = Taker()
    await transport.consume("dh.job.load", taker)
    began = asyncio.get_running_loop().time()

    for number in range(1, 11):
        async with pool.acquire() as connection, connection.transaction():
            await emit(connection, job(number))
        await taker.wait(number)

    assert asyncio.get_running_loop().time() - began < 10 * 0.5


async def test_an_unroutable_row_holds_nothing_back_and_goes_when_its_queue_is_there(
    pool: asyncpg.Pool, transport: Transport
) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await emit(connection, job(1), job(2, "nosuchstage"), job(3))
    relay = Relay(pool, transport)

    assert await relay.sweep() == 2

    assert await transport.depth("dh.job.load") == 2
    left = await pool.fetch("select attempts, not_before > now() as later from outbox")
    assert [tuple(row) for row in left] == [(1, True)]
    assert await relay.sweep() == 0


async def test_a_row_that_is_no_message_is_set_aside(pool: asyncpg.Pool, transport: Transport) -> None:
    await pool.execute("insert into outbox (message_id, body) values ('x', 'not ours'::bytea)")
    async with pool.acquire() as connection, connection.transaction():
        await emit(connection, job(1))

    assert await Relay(pool, transport).sweep() == 2

    assert await count(pool, "outbox") == 0
    assert await transport.depth("dh.job.load") == 1
    (row,) = await pool.fetch("select queue, message_id, body, reason, attempts from dead_letter")
    assert (row["queue"], row["message_id"], row["body"], row["attempts"]) == ("outbox", "x", b"not ours", 1)
    assert "not JSON" in row["reason"]


async def test_two_relays_share_the_work_and_send_nothing_twice(
    pool: asyncpg.Pool, transport_factory: TransportFactory
) -> None:
    taker = Taker()
    await transport_factory().consume("dh.job.load", taker, slots=4)
    async with pool.acquire() as connection, connection.transaction():
        await emit(connection, *(job(number) for number in range(500)))
    relays = [Relay(pool, transport_factory()) for _ in range(2)]

    async def sweep_all(relay: Relay) -> int:
        sent = 0
        while gone := await relay.sweep():
            sent += gone
        return sent

    assert sum(await asyncio.gather(*(sweep_all(relay) for relay in relays))) == 500

    assert sorted(await taker.numbers(500)) == list(range(500))


async def test_a_relay_that_dies_between_confirm_and_delete_says_it_twice_and_the_inbox_acts_once(
    pool: asyncpg.Pool, database_url: str, transport: Transport, transport_factory: TransportFactory
) -> None:
    noted: Noted[tuple[str, bool]] = Noted()

    async def act(delivery: Delivery) -> Verdict:
        async with pool.acquire() as connection, connection.transaction():
            first = await claim(connection, "test", delivery.message.id)
        await noted.note((delivery.message.id, first))
        return Ack()

    message = job(1)
    async with pool.acquire() as connection, connection.transaction():
        await emit(connection, message)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.contract.dying_relay", database_url, transport_factory.url, stdout=PIPE
    )
    async with asyncio.timeout(PATIENCE):
        assert await process.wait() == -9

    assert await count(pool, "outbox") == 1
    assert await Relay(pool, transport).sweep() == 1
    await transport.consume("dh.job.load", act)

    assert await noted.wait(2) == [(message.id, True), (message.id, False)]


async def test_two_claims_at_the_same_time_have_one_winner(pool: asyncpg.Pool) -> None:
    async def act() -> bool:
        async with pool.acquire() as connection, connection.transaction():
            won = await claim(connection, "test", "message")
            await asyncio.sleep(0.05)  # both are inside at the same time
            return won

    assert sorted(await asyncio.gather(act(), act())) == [False, True]


async def test_a_claim_that_is_rolled_back_is_free_again(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        assert await claim(connection, "test", "message")
        await transaction.rollback()
        async with connection.transaction():
            assert await claim(connection, "test", "message")


async def test_consumers_claim_apart_from_each_other(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection, connection.transaction():
        assert await claim(connection, "one", "message")
        assert await claim(connection, "other", "message")
        assert not await claim(connection, "one", "message")


async def test_old_inbox_rows_are_forgotten_and_young_ones_kept(pool: asyncpg.Pool, transport: Transport) -> None:
    await pool.execute(
        "insert into inbox (consumer, message_id, at) values"
        " ('a', 'old', now() - interval '31 days'), ('a', 'young', now() - interval '29 days')"
    )

    await Relay(pool, transport).prune()

    assert [row["message_id"] for row in await pool.fetch("select message_id from inbox")] == ["young"]


@pytest.mark.usefixtures("relay")
async def test_events_go_the_same_way(pool: asyncpg.Pool, transport: Transport) -> None:
    taker = Taker()
    await transport.subscribe("mine", ["event.package.*"])
    await transport.consume("mine", taker)

    async with pool.acquire() as connection, connection.transaction():
        await emit(connection, event(1))

    assert await taker.numbers(1) == [1]
