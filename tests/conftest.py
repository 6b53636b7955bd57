"""Fixtures on real servers: each is started once per session, and only when the first test asks for it.

`database_url` is a fresh migrated database, `amqp_url` a fresh virtual host; the object store is shared, so tests
keep apart by random owner ids (`random_ownerid`).
"""

from __future__ import annotations

import gc
import importlib
import os
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from typing_extensions import override
from xdist.scheduler.loadscope import LoadScopeScheduling

from deploy.embedded import rabbitmq
from deploy.embedded.rabbitmq import EmbeddedRabbitMQ
from messages.settings import StoreSettings
from tests import services
from tests import stack as stacks
from tests.broker import Broker
from tests.forked import ForkedStack
from tests.lending import Lender
from tests.oidc import certified

_OWN_VARIABLES = ("DATABASE_URL", "AMQP_URL", "S3_", "DH_")
_MISSING = "is missing"
SYSTEMS = frozenset(
    {
        "tests/acceptance/test_foreign_keys.py",
        "tests/acceptance/test_original_client.py",
        "tests/acceptance/test_publish.py",
        "tests/browser/test_new.py",
        "tests/browser/test_push.py",
        "tests/client/test_commands.py",
        "tests/client/test_dryrun.py",
        "tests/client/test_following.py",
        "tests/client/test_login.py",
        "tests/client/test_verify.py",
        "tests/client/test_workbooks.py",
    }
)
"""Files whose tests need a whole system."""
WAITERS = ("tests/contract/", "tests/crash/test_wiped.py")
"""Those that wait more than they compute, for what has been broken: one at a time, or the processors are idle. Some
need a broker that they may break, too."""


def pytest_configure(config: pytest.Config) -> None:
    """Take the project's own settings out of the environment: a developer's must not steer the tests. Offer servers to
    the processes that run them, where there are several. What importing makes stays: nobody need look for garbage."""
    gc.disable()
    for name in [name for name in os.environ if name.startswith(_OWN_VARIABLES)]:
        del os.environ[name]
    if config.getoption("numprocesses", None) and services.LENDER not in os.environ:
        lender = Lender()
        os.environ[services.LENDER] = str(lender.path)
        config.add_cleanup(lender.close)


def pytest_sessionstart() -> None:
    """Where several processes are about to read the same tests, let each compile another part of them first: the others
    load what it leaves. In a fresh clone it is half of the time until the first test."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    number = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
    count = int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    here = Path(__file__).parent
    files = sorted(here.rglob("test_*.py"))
    for file in files[len(files) * number // count : len(files) * (number + 1) // count]:
        with suppress(Exception):  # whoever collects it is told what is wrong with it
            importlib.import_module(".".join(file.relative_to(here.parent).with_suffix("").parts))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Spread whole groups, whatever `--dist` says: pytest 9.2 ignores the marks of xdist 3.8's `loadgroup`."""
    return GroupScheduling(config, log)


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Keeps the tests of a file together, all that need a whole system (it is started once), and all that wait."""

    @override
    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "system" if file in SYSTEMS else "waiters" if file.startswith(WAITERS) else file


def pytest_collection_finish() -> None:
    """Do not look through what all tests have loaded again and again: it is a tenth of the time of some."""
    gc.collect()
    gc.freeze()
    gc.enable()


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
    await postgres.give_back(url)


@pytest_asyncio.fixture(scope="session")
async def object_store() -> AsyncIterator[StoreSettings]:
    """The S3 server with both buckets, shared by all tests."""
    async with services.object_store() as settings:
        yield settings


@pytest_asyncio.fixture(scope="session")
async def broker() -> AsyncIterator[Broker]:
    """The RabbitMQ server."""
    if not services.broker_is_available():
        missing("RabbitMQ")
    async with services.broker() as server:
        yield server


@pytest_asyncio.fixture(scope="session")
async def breakable() -> AsyncIterator[EmbeddedRabbitMQ]:
    """A RabbitMQ server that tests may stop, freeze, fill and wipe; it keeps its address."""
    if not rabbitmq.installed():
        missing("RabbitMQ")
    with services.server_directory() as directory:
        async with EmbeddedRabbitMQ(directory) as server:
            yield server


@pytest_asyncio.fixture(scope="session")
async def issuers() -> AsyncIterator[Sequence[str]]:
    """Two providers of OpenID Connect."""
    if not certified.available():
        missing("Node.js")
    async with services.providers() as issuers:
        yield issuers


@pytest_asyncio.fixture
async def amqp_url(broker: Broker) -> AsyncIterator[str]:
    """A virtual host of this test's own: our topology, no messages."""
    url = await broker.clone()
    yield url
    await broker.give_back(url)


@pytest_asyncio.fixture
async def empty_amqp_url(broker: Broker) -> AsyncIterator[str]:
    """A virtual host of this test's own, without any queue."""
    url = await broker.empty()
    yield url
    await broker.drop(url)


@pytest_asyncio.fixture(scope="session")
async def embedded_stack(
    postgres: services.DatabaseServer, object_store: StoreSettings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[stacks.Stack]:
    """A running system on the embedded transport, shared by tests that keep apart by their users."""
    url = await postgres.clone()
    directory = tmp_path_factory.mktemp("stack")
    async with stacks.running(url, object_store, None, directory, ForkedStack) as stack:
        yield stack
    await postgres.drop(url)


@pytest_asyncio.fixture(scope="session")
async def rabbit_stack(
    broker: Broker,
    postgres: services.DatabaseServer,
    object_store: StoreSettings,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[stacks.Stack]:
    """The same on RabbitMQ."""
    url, amqp_url = await postgres.clone(), await broker.clone()
    directory = tmp_path_factory.mktemp("stack")
    async with stacks.running(url, object_store, amqp_url, directory, ForkedStack) as stack:
        yield stack
    await broker.drop(amqp_url)
    await postgres.drop(url)


@pytest.fixture
def username() -> str:
    """A user name of this test's own."""
    return f"user-{secrets.token_hex(4)}"


@pytest.fixture
def random_ownerid() -> str:
    """An owner id that no other test uses."""
    return secrets.token_hex(16)
