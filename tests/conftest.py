"""Fixtures on real servers: each is started once per session, and only when the first test asks for it.

`database_url` is a fresh migrated database, `amqp_url` a fresh virtual host; the object store is shared, so tests
keep apart by random owner ids (`random_ownerid`).
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from messages.settings import StoreSettings
from tests import services

_OWN_VARIABLES = ("DATABASE_URL", "AMQP_URL", "S3_", "DH_")
_MISSING = "is missing"


def pytest_configure() -> None:
    """Take the project's own settings out of the environment: a developer's must not steer the tests."""
    for name in [name for name in os.environ if name.startswith(_OWN_VARIABLES)]:
        del os.environ[name]


def missing(what: str) -> None:
    """Skip the test by name on a laptop, fail it in CI (CI=true): there every service must be present."""
    message = f"{what} {_MISSING}"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what was not tested for want of a service."""
    reports = terminalreporter.stats.get("skipped", [])
    named = [report.nodeid for report in reports if _MISSING in str(report.longrepr)]
    if named:
        terminalreporter.section("NOT TESTED: A SERVICE IS MISSING", sep="!", red=True, bold=True)
        for name in named:
            terminalreporter.line(name)


@pytest_asyncio.fixture(scope="session")
async def postgres() -> AsyncIterator[services.DatabaseServer]:
    """The PostgreSQL server, with the current schema as a template."""
    async with services.database_server() as server:
        yield server


@pytest_asyncio.fixture
async def database_url(postgres: services.DatabaseServer) -> AsyncIterator[str]:
    """A database of this test's own: current schema, no rows."""
    url = await postgres.clone()
    yield url
    await postgres.drop(url)


@pytest_asyncio.fixture(scope="session")
async def object_store() -> AsyncIterator[StoreSettings]:
    """The S3 server with both buckets, shared by all tests."""
    async with services.object_store() as settings:
        yield settings


@pytest_asyncio.fixture(scope="session")
async def broker() -> AsyncIterator[services.Broker]:
    """The RabbitMQ server."""
    if not services.broker_is_available():
        missing("RabbitMQ")
    async with services.broker() as server:
        yield server


@pytest_asyncio.fixture
async def amqp_url(broker: services.Broker) -> AsyncIterator[str]:
    """A virtual host of this test's own, without queues."""
    url = await broker.new_vhost()
    yield url
    await broker.drop_vhost(url)


@pytest.fixture
def random_ownerid() -> str:
    """An owner id that no other test uses."""
    return secrets.token_hex(16)
