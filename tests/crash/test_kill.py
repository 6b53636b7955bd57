"""kill -9 of any one process in the middle of a load of pushes: all end published, once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import asyncpg
import pytest
import pytest_asyncio

from messages.settings import StoreSettings
from tests import stack as stacks
from tests.publisher import Publisher, logged_in, small_package

PUSHES = 50
COMMANDS = {
    "gateway": ("gateway",),
    "stages": ("worker", "stages"),
    "writers": ("worker", "writers"),
}

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(params=["postgres", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)])
def broker_url(request: pytest.FixtureRequest) -> str | None:
    """AMQP_URL of the stack: None for the embedded transport on PostgreSQL."""
    return request.getfixturevalue("amqp_url") if request.param == "rabbitmq" else None


@pytest_asyncio.fixture
async def stack(
    broker_url: str | None, database_url: str, object_store: StoreSettings, tmp_path: Path
) -> AsyncIterator[stacks.Stack]:
    """A running system whose leases run out quickly, so that a killed worker's jobs come back in the test's time."""
    async with stacks.running(database_url, object_store, broker_url, tmp_path) as stack:
        yield stack


@pytest.mark.parametrize("victim", list(COMMANDS))
async def test_killed_process_loses_nothing_and_repeats_nothing(stack: stacks.Stack, victim: str) -> None:
    ownerid = await stack.add_user("carol")
    async with logged_in(stack.url, ownerid, "carol", stacks.PASSWORD) as publisher:
        pushing = [asyncio.create_task(pushed(publisher, number)) for number in range(PUSHES)]
        await some_published(stack, 10)
        await stack.kill(victim)
        await stack.start(victim, *COMMANDS[victim])
        await stack.ready()
        flows = await asyncio.gather(*pushing)
        ended = await asyncio.gather(*(publisher.ended(flow, deadline=150, indexed=True) for flow in set(flows)))

    assert {status["state"] for status in ended} == {"SUCCEEDED"}
    announced = await announcements(stack)
    assert set(flows) <= set(announced)
    assert set(announced.values()) == {1}


async def pushed(publisher: Publisher, number: int) -> str:
    """Push as a client does that tries again while the gateway is away."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await publisher.push(*small_package(f"package-{number}", number))
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.1)


async def some_published(stack: stacks.Stack, count: int) -> None:
    """Return when `count` revisions are out and the rest is in the middle."""
    connection = await asyncpg.connect(stack.environment["DATABASE_URL"])
    try:
        async with asyncio.timeout(60):
            while await connection.fetchval("select count(*) from flow where state = 'SUCCEEDED'") < count:
                await asyncio.sleep(0.02)
    finally:
        await connection.close()


async def announcements(stack: stacks.Stack) -> Counter[str]:
    """How often the MetaStore's log has each flow as published."""
    connection = await asyncpg.connect(stack.environment["DATABASE_URL"])
    try:
        rows = await connection.fetch("select flow_id from event_log where kind = 'event.package.published'")
    finally:
        await connection.close()
    return Counter(row["flow_id"] for row in rows)
