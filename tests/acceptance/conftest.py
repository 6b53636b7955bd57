"""The whole system, on each transport, kept apart by users."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests import stack as stacks
from tests.publisher import Publisher, logged_in


@pytest.fixture(params=["embedded_stack", pytest.param("rabbit_stack", marks=pytest.mark.rabbitmq)])
def stack(request: pytest.FixtureRequest) -> stacks.Stack:
    """A running system."""
    made: stacks.Stack = request.getfixturevalue(request.param)
    return made


@pytest_asyncio.fixture
async def publisher(stack: stacks.Stack, username: str) -> AsyncIterator[Publisher]:
    """A logged-in user."""
    ownerid = await stack.add_user(username)
    async with logged_in(stack.url, ownerid, username, stacks.PASSWORD) as publisher:
        yield publisher
