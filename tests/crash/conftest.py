"""One system for each transport, hit by all tests of a file one after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from messages.settings import StoreSettings
from tests import services
from tests.broker import Broker
from tests.crash.campaign import Campaign, campaign


@pytest.fixture(scope="module", params=["postgres", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)])
def chosen_broker(request: pytest.FixtureRequest) -> Broker | None:
    """The broker of the system: None for the embedded transport on PostgreSQL."""
    return request.getfixturevalue("broker") if request.param == "rabbitmq" else None


@pytest_asyncio.fixture(scope="module")
async def running(
    chosen_broker: Broker | None,
    postgres: services.DatabaseServer,
    object_store: StoreSettings,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Campaign]:
    """The system of all tests of a file on one transport."""
    async with AsyncExitStack() as closing:
        amqp_url = None
        if chosen_broker is not None:
            amqp_url = await chosen_broker.clone()
            closing.push_async_callback(chosen_broker.give_back, amqp_url)
        database_url = await postgres.clone()
        closing.push_async_callback(postgres.drop, database_url)
        directory = tmp_path_factory.mktemp("campaign")
        yield await closing.enter_async_context(campaign(database_url, object_store, amqp_url, directory))
