"""The real servers that tests run on: named by variables, else lent, else started here (a container for RabbitMQ)."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from deploy.embedded import rabbitmq
from deploy.embedded.postgres import EmbeddedPostgres
from deploy.embedded.rabbitmq import EmbeddedRabbitMQ
from deploy.embedded.seaweedfs import EmbeddedSeaweedFS
from deploy.migrate import migrate
from messages.blobs import Blobs
from messages.settings import StoreSettings
from tests.broker import Broker
from tests.oidc import certified

RABBITMQ_IMAGE = "rabbitmq:4.1-management"
LENDER = "TEST_SERVERS"
"""The variable with the socket of tests/lending.py."""
VARIABLES = {
    "database": ["TEST_DATABASE_URL"],
    "store": ["TEST_S3_ENDPOINT_URL", "TEST_S3_ACCESS_KEY", "TEST_S3_SECRET_KEY"],
    "broker": ["TEST_AMQP_URL", "TEST_AMQP_MANAGEMENT_URL"],
    "providers": ["TEST_OIDC_FIRST", "TEST_OIDC_SECOND"],
}
"""Those that name each server."""


# What a test may have changed but for rows: columns, triggers, settings.
_FORM = """
select md5(string_agg(what, ',' order by what)) from (
    select attrelid::regclass || '.' || attname || '.' || atttypid || '.' || attnotnull || '.' || attisdropped as what
    from pg_attribute join pg_class on pg_class.oid = attrelid where relnamespace = 'public'::regnamespace
    union all select tgrelid::regclass || '.' || tgname from pg_trigger where not tgisinternal
    union all select array_to_string(setconfig, ',') from pg_db_role_setting
              join pg_database on pg_database.oid = setdatabase and datname = current_database()
) as form
"""
_ALONE = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
"""
_EMPTY = """
select string_agg(format('delete from %I', tablename), ';') from pg_tables
where schemaname = 'public' and tablename <> 'schema_migration'
"""


class DatabaseServer:
    """A PostgreSQL server that hands out migrated databases: clones of one template (a tenth of a second each), and
    again those that were given back."""

    def __init__(self, admin_url: str, admin: asyncpg.Pool) -> None:
        self._admin_url = admin_url
        self._admin = admin
        self._template = f"template_{secrets.token_hex(6)}"
        self._form = ""
        self._emptied: list[str] = []

    async def prepare(self) -> None:
        """Make the template."""
        await self._run(f"create database {self._template}")
        await migrate(self._url(self._template))
        async with _connected(self._url(self._template)) as connection:
            self._form = await connection.fetchval(_FORM)

    async def clone(self) -> str:
        """A database with the current schema and no rows; returns its URL, which nobody has known before."""
        name = f"test_{secrets.token_hex(6)}"
        if self._emptied:
            await self._run(f"alter database {self._emptied.pop()} rename to {name}")
        else:
            await self._run(f"create database {name} template {self._template} strategy file_copy")
        return self._url(name)

    async def give_back(self, url: str) -> None:
        """Take back a clone for another test, whoever is still connected; one that is not as it was is dropped."""
        try:
            is_whole = await self._empty(url)
        except asyncpg.PostgresError:
            is_whole = False
        if is_whole:
            self._emptied.append(_name(url))
        else:
            await self.drop(url)

    async def _empty(self, url: str) -> bool:
        async with _connected(url) as connection:
            await connection.execute(_ALONE)
            if await connection.fetchval(_FORM) != self._form:
                return False
            await connection.execute("set session_replication_role = replica")  # in any order
            await connection.execute(await connection.fetchval(_EMPTY))
            await connection.execute("select setval(oid, 1, false) from pg_class where relkind = 'S'")
        return True

    async def empty(self) -> str:
        """Make a database without any schema; returns its URL."""
        name = f"test_{secrets.token_hex(6)}"
        await self._run(f"create database {name}")
        return self._url(name)

    async def drop(self, url: str) -> None:
        """Drop a clone, whoever is still connected to it."""
        await self._run(f"drop database if exists {_name(url)} with (force)")

    async def forget(self) -> None:
        """Drop the template."""
        await self.drop(self._url(self._template))

    async def _run(self, statement: str) -> None:
        await self._admin.execute(statement)

    def _url(self, database: str) -> str:
        return urlunsplit(urlsplit(self._admin_url)._replace(path=f"/{database}"))


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url, timeout=30)
    try:
        yield connection
    finally:
        await connection.close()


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


@asynccontextmanager
async def database_server() -> AsyncIterator[DatabaseServer]:
    """A server of PostgreSQL."""
    async with _variables("database") as (url,), databases(url) as server:
        yield server


@asynccontextmanager
async def databases(url: str) -> AsyncIterator[DatabaseServer]:
    """Databases on the server of `url`."""
    async with asyncpg.create_pool(url, min_size=1, max_size=2, timeout=30) as admin:
        server = DatabaseServer(url, admin)
        await server.prepare()
        yield server
        await server.forget()


@asynccontextmanager
async def object_store() -> AsyncIterator[StoreSettings]:
    """A store with both buckets."""
    async with _variables("store") as (endpoint_url, access_key, secret_key):
        settings = StoreSettings(
            endpoint_url=endpoint_url,
            public_url=endpoint_url,
            access_key=access_key,
            secret_key=secret_key,
            region="us-east-1",
            raw_bucket="rawstore",
            package_bucket="pkgstore",
        )
        async with Blobs(settings) as blobs:
            await blobs.ensure_buckets()
        yield settings


@asynccontextmanager
async def providers() -> AsyncIterator[Sequence[str]]:
    """Two issuers of OpenID Connect."""
    async with _variables("providers") as issuers:
        yield issuers


def broker_is_available() -> bool:
    """Say whether a RabbitMQ can be had: by variable, installed, or from a Docker engine."""
    return "TEST_AMQP_URL" in os.environ or rabbitmq.installed() or docker_answers()


@asynccontextmanager
async def broker() -> AsyncIterator[Broker]:
    """A RabbitMQ."""
    async with _variables("broker") as (amqp_url, management_url):
        yield Broker(amqp_url, management_url)


@asynccontextmanager
async def _variables(name: str) -> AsyncIterator[Sequence[str]]:
    """The values of a server's variables: the environment's, else those of one that all test processes share, else of
    one started here."""
    if LENDER in os.environ and VARIABLES[name][0] not in os.environ:
        os.environ.update(zip(VARIABLES[name], await _borrow(name), strict=True))
    if VARIABLES[name][0] in os.environ:
        yield [os.environ[variable] for variable in VARIABLES[name]]
    else:
        async with started(name) as values:
            yield values


async def _borrow(name: str) -> Sequence[str]:
    reader, writer = await asyncio.open_unix_connection(os.environ[LENDER])
    writer.write(f"{name}\n".encode())
    answer = json.loads(await reader.read())
    writer.close()
    if "error" in answer:
        raise RuntimeError(f"the {name} of the tests did not start: {answer['error']}")
    values: Sequence[str] = answer["values"]
    return values


@asynccontextmanager
async def started(name: str) -> AsyncIterator[Sequence[str]]:
    """A server of one's own, "database", "store", "broker" or "providers": the values of its variables."""
    async with AsyncExitStack() as stack:
        if name == "broker" and not rabbitmq.installed():
            yield await stack.enter_async_context(_broker_container())
            return
        directory = stack.enter_context(server_directory())
        if name == "database":
            yield [
                (await stack.enter_async_context(EmbeddedPostgres(directory, durable=False, max_connections=500))).url()
            ]
        elif name == "providers":
            yield await stack.enter_async_context(certified.running(directory))
        elif name == "store":
            store = await stack.enter_async_context(EmbeddedSeaweedFS(directory, allowed_origin="*"))
            yield [store.endpoint_url, store.access_key, store.secret_key]
        else:
            node = await stack.enter_async_context(EmbeddedRabbitMQ(directory))
            yield [node.url(), node.management_url]


class server_directory:  # noqa: N801 used like a function
    """`with`: a short-named directory that the account of a server may enter, removed afterwards."""

    def __enter__(self) -> Path:
        self._path = Path(tempfile.mkdtemp(prefix="dh-test-"))
        self._path.chmod(0o711)
        return self._path

    def __exit__(self, *_error: object) -> None:
        shutil.rmtree(self._path, ignore_errors=True)


@asynccontextmanager
async def _broker_container() -> AsyncIterator[Sequence[str]]:
    # Imported here: it costs 0.8 s and is needed on few machines.
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.waiting_utils import wait_for_logs

    container = DockerContainer(RABBITMQ_IMAGE).with_exposed_ports(5672, 15672)
    await asyncio.to_thread(container.start)
    try:
        await asyncio.to_thread(wait_for_logs, container, "Server startup complete", 90)
        host = container.get_container_host_ip()
        yield [
            f"amqp://guest:guest@{host}:{container.get_exposed_port(5672)}/",
            f"http://{host}:{container.get_exposed_port(15672)}",
        ]
    finally:
        await asyncio.to_thread(container.stop)


def docker_answers() -> bool:
    """Say whether a Docker engine is there (the `docker` command alone proves nothing)."""
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not host.startswith("unix://"):
        return False
    with socket.socket(socket.AF_UNIX) as engine:
        engine.settimeout(1)
        try:
            engine.connect(host.removeprefix("unix://"))
            engine.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in engine.recv(64)
        except OSError:
            return False
