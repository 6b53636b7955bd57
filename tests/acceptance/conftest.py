"""The whole system, on each transport: one running system for all tests of a file, kept apart by their users."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from messages.settings import StoreSettings
from tests import services
from tests import stack as stacks
from tests.publisher import Publisher, logged_in


@pytest.fixture(scope="module", params=["postgres", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)])
def chosen_broker(request: pytest.FixtureRequest) -> services.Broker | None:
    """The broker of the stack: None for the embedded transport on PostgreSQL."""
    return request.getfixturevalue("broker") if request.param == "rabbitmq" else None


@pytest_asyncio.fixture(scope="module")
async def stack(
    chosen_broker: services.Broker | None,
    postgres: services.DatabaseServer,
    object_store: StoreSettings,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[stacks.Stack]:
    """A running system."""
    async with AsyncExitStack() as closing:
        amqp_url = None
        if chosen_broker is not None:
            amqp_url = await chosen_broker.new_vhost()
            closing.push_async_callback(chosen_broker.drop_vhost, amqp_url)
        database_url = await postgres.clone()
        closing.push_async_callback(postgres.drop, database_url)
        directory = tmp_path_factory.mktemp("stack")
        yield await closing.enter_async_context(stacks.running(database_url, object_store, amqp_url, directory))


@pytest.fixture
def username() -> str:
    """A user name of this test's own."""
    return f"user-{secrets.token_hex(4)}"


@pytest_asyncio.fixture
async def publisher(stack: stacks.Stack, username: str) -> AsyncIterator[Publisher]:
    """A logged-in user."""
    ownerid = await stack.add_user(username)
    async with logged_in(stack.url, ownerid, username, stacks.PASSWORD) as publisher:
        yield publisher
