"""Fixtures of the workers' tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from messages.settings import StoreSettings
from messages.transport.port import Transport
from tests.sessions import left_in_sessions
from tests.workers import floor as floors
from tests.workers.floor import Floor
from workers.stage import Tools


@pytest_asyncio.fixture
async def floor(random_ownerid: str, database_url: str, object_store: StoreSettings) -> AsyncIterator[Floor]:
    """An account on a fresh database."""
    async with floors.floor(random_ownerid, database_url, object_store) as made:
        yield made
        assert await left_in_sessions(made.pool) == []


@pytest_asyncio.fixture(scope="session")
async def tools(object_store: StoreSettings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tools]:
    """What stages share."""
    async with floors.tools(object_store, tmp_path_factory.mktemp("tools")) as made:
        yield made


@pytest.fixture(params=["postgres", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)])
def broker_url(request: pytest.FixtureRequest) -> str | None:
    """Where RabbitMQ is; None for the embedded transport."""
    return request.getfixturevalue("amqp_url") if request.param == "rabbitmq" else None


@pytest_asyncio.fixture
async def transport(broker_url: str | None, database_url: str) -> AsyncIterator[Transport]:
    """Each transport, on a server of its own."""
    if broker_url is None:
        from messages.transport.postgres import PostgresTransport

        made: Transport = PostgresTransport(database_url)
    else:
        from messages.transport.rabbitmq import RabbitTransport

        made = RabbitTransport(broker_url)
    yield made
    await made.close()


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    """A directory of the test's own."""
    return tmp_path
