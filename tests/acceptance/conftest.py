"""The whole system, on each transport."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from messages.settings import StoreSettings
from tests import stack as stacks
from tests.publisher import Publisher, logged_in


@pytest.fixture(params=["postgres", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)])
def broker_url(request: pytest.FixtureRequest) -> str | None:
    """AMQP_URL of the stack: None for the embedded transport on PostgreSQL."""
    return request.getfixturevalue("amqp_url") if request.param == "rabbitmq" else None


@pytest_asyncio.fixture
async def stack(
    broker_url: str | None, database_url: str, object_store: StoreSettings, tmp_path: Path
) -> AsyncIterator[stacks.Stack]:
    """A running system of this test's own."""
    async with stacks.running(database_url, object_store, broker_url, tmp_path) as stack:
        yield stack


@pytest_asyncio.fixture
async def publisher(stack: stacks.Stack) -> AsyncIterator[Publisher]:
    """A logged-in user called alice."""
    ownerid = await stack.add_user("alice")
    async with logged_in(stack.url, ownerid, "alice", stacks.PASSWORD) as publisher:
        yield publisher
