"""RabbitMQ loses its disk while packages are on their way: every one of them ends, once."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from deploy.embedded.rabbitmq import EmbeddedRabbitMQ
from messages.settings import StoreSettings
from tests import services
from tests.crash.campaign import COMMANDS, Campaign, campaign

FLOWS = int(os.environ.get("WIPED_FLOWS", "60"))
AT_ONCE = 8
PROMISED = 120.0
"""Seconds from the broker's return until every flow has ended (issue 4)."""

pytestmark = [pytest.mark.rabbitmq, pytest.mark.timeout(500)]


@pytest_asyncio.fixture
async def running(
    breakable: EmbeddedRabbitMQ,
    postgres: services.DatabaseServer,
    object_store: StoreSettings,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Campaign]:
    async with AsyncExitStack() as closing:
        database_url = await postgres.clone()
        closing.push_async_callback(postgres.drop, database_url)
        directory = tmp_path_factory.mktemp("wiped")
        at_once = {"DH_OWNER_JOBS": str(FLOWS)}  # else most would wait in the database
        made = campaign(database_url, object_store, breakable.url(), directory, **at_once)
        yield await closing.enter_async_context(made)


async def test_every_flow_ends_once_when_the_broker_loses_its_disk(
    breakable: EmbeddedRabbitMQ, running: Campaign
) -> None:
    pool = running.floor.pool
    await running.stack.kill("stages")
    await running.push_many(FLOWS, AT_ONCE)
    await running.stack.start("stages", *COMMANDS["stages"])
    async with asyncio.timeout(PROMISED):
        # Some are done, some are under way, most wait: with each kind something else is lost.
        while await pool.fetchval("select count(*) from flow where finished_at is not null") < FLOWS // 10:
            await asyncio.sleep(0.01)
        await breakable.stop()
    moving = await pool.fetchval("select count(*) from flow where finished_at is null")
    assert moving > FLOWS // 4
    breakable.wipe()
    await breakable.start()

    began = time.monotonic()
    async with asyncio.timeout(PROMISED):
        await running.quiet()
    print(f"{moving} of {FLOWS} flows were moving; all had ended after {time.monotonic() - began:.1f} s")
    # What lay in the queue of a listening service is gone: it has the log to read.
    assert [fault for fault in await running.verify(heard=False) if not fault.startswith("the subscriber")] == []
    assert await pool.fetchval("select max(rescues) from flow") == 0
