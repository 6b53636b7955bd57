"""A running system for a benchmark: the real servers of the tests, on the transport that is asked for."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests import services
from tests import stack as stacks
from tests.publisher import Publisher, logged_in

TRANSPORTS = ("postgres", "rabbitmq")


@asynccontextmanager
async def system(transport: str, **settings: str) -> AsyncIterator[stacks.Stack]:
    """Gateway, stages and writers, idle."""
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="datahub-bench-")))
        database = await stack.enter_async_context(services.database_server())
        store = await stack.enter_async_context(services.object_store())
        amqp_url = None
        if transport == "rabbitmq":
            broker = await stack.enter_async_context(services.broker())
            amqp_url = await broker.empty()
        running = stacks.running(await database.clone(), store, amqp_url, directory, **settings)
        yield await stack.enter_async_context(running)


@asynccontextmanager
async def publisher(stack: stacks.Stack, username: str = "bench") -> AsyncIterator[Publisher]:
    """A logged-in user of that system."""
    ownerid = await stack.add_user(username)
    async with logged_in(stack.url, ownerid, username, stacks.PASSWORD) as publisher:
        yield publisher


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` (0..1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
