"""PostgreSQL takes no writes, as after a failover or on a full disk: a server of our own, and real processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from deploy.embedded.postgres import EmbeddedPostgres
from messages.settings import StoreSettings
from tests import services
from tests.broker import Broker
from tests.crash.campaign import COMMANDS, Campaign, campaign

FLOWS = 8
BACK = 5.0
"""Seconds from the first write that is possible until pushes are accepted again (issue 4)."""
READS = (
    "/",
    "/carol/lane-0",
    "/carol/lane-0/datapackage.json",
    "/carol/lane-0/r/notes.txt",
    "/metastore/search",
    "/metastore/search/events",
    "/auth/public-key",
    "/source/carol/lane-0/1",
)

pytestmark = pytest.mark.timeout(500)


@pytest_asyncio.fixture(scope="module")
async def server() -> AsyncIterator[EmbeddedPostgres]:
    with services.server_directory() as directory:
        async with EmbeddedPostgres(directory, durable=False, max_connections=200) as running:
            yield running


@pytest_asyncio.fixture
async def running(
    chosen_broker: Broker | None,
    server: EmbeddedPostgres,
    object_store: StoreSettings,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Campaign]:
    async with AsyncExitStack() as closing:
        databases = await closing.enter_async_context(services.databases(server.url()))
        amqp_url = None
        if chosen_broker is not None:
            amqp_url = await chosen_broker.clone()
            closing.push_async_callback(chosen_broker.give_back, amqp_url)
        database_url = await databases.clone()
        closing.push_async_callback(databases.drop, database_url)
        directory = tmp_path_factory.mktemp("readonly")
        yield await closing.enter_async_context(campaign(database_url, object_store, amqp_url, directory))


@asynccontextmanager
async def read_only(server: EmbeddedPostgres) -> AsyncIterator[None]:
    """Every transaction that begins meanwhile, on connections old and new, refuses to write."""
    admin = await asyncpg.connect(server.url())
    try:
        await _allow(admin, "off")
        yield
        await _allow(admin, "on")
    finally:
        await admin.close()


async def _allow(admin: asyncpg.Connection, writes: str) -> None:
    wanted = "on" if writes == "off" else "off"
    await admin.execute(f"alter system set default_transaction_read_only = {wanted}")
    await admin.execute("select pg_reload_conf()")
    while await admin.fetchval("show transaction_read_only") != wanted:
        await asyncio.sleep(0.01)


async def seen(running: Campaign, role: str) -> None:
    """Returns when a process has met a database that takes no writes."""
    before = running.stack.log(role).count("ReadOnlySQLTransactionError")
    async with asyncio.timeout(30):
        while running.stack.log(role).count("ReadOnlySQLTransactionError") == before:
            await asyncio.sleep(0.05)


async def refused(running: Campaign, descriptor: Mapping[str, Any], urls: Mapping[str, str]) -> None:
    answer = await running.publisher.offer(descriptor, urls)
    assert answer.status == 503
    assert answer.content_type == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0
    assert "Traceback" not in await answer.text()


async def accepted(running: Campaign, descriptor: Mapping[str, Any], urls: Mapping[str, str]) -> None:
    """Pushes as a client does that comes again after a 503."""
    while (answer := await running.publisher.offer(descriptor, urls)).status == 503:
        await asyncio.sleep(0.1)
    assert answer.status == 200
    running.history.accepted.add((await answer.json())["flow_id"])


async def test_a_database_that_takes_no_writes_is_read_and_nothing_is_lost(
    server: EmbeddedPostgres, running: Campaign
) -> None:
    publisher, stack = running.publisher, running.stack
    await running.push_many(2, 2)
    await running.quiet()
    pids = {role: process.pid for role, process in stack.processes.items() if role != "stages"}
    await stack.kill("stages")
    await running.push_many(FLOWS, 4)
    content = b"Late.\n"
    descriptor = {"name": "late", "title": "Late", "resources": [{"name": "notes", "path": "notes.txt"}]}
    running.history.contents["Late"] = content
    urls = await publisher.upload({"notes.txt": content})
    await stack.start("stages", *COMMANDS["stages"])

    async with read_only(server):
        await refused(running, descriptor, urls)
        await seen(running, "writers")
        for path in READS:
            async with publisher.session.get(publisher.url + path) as answer:
                assert answer.status == 200, (path, await answer.text())
        async with publisher.session.get(f"{publisher.url}/health/ready") as answer:
            assert answer.status == 503
        await refused(running, descriptor, urls)
        await seen(running, "writers")

    began = time.monotonic()
    await accepted(running, descriptor, urls)
    assert time.monotonic() - began < BACK
    assert await running.verify() == []
    assert {role: process.pid for role, process in stack.processes.items() if role != "stages"} == pids
    assert stack.processes["stages"].returncode is None
