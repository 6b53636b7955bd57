"""The real servers that tests run on: named by a variable, else started here, else (RabbitMQ) a container."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import shutil
import socket
import tempfile
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
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

RABBITMQ_IMAGE = "rabbitmq:4.1-management"


class DatabaseServer:
    """A PostgreSQL server that hands out migrated databases: clones of one template, ~20 ms each."""

    def __init__(self, admin_url: str) -> None:
        self._admin_url = admin_url
        self._template = f"template_{secrets.token_hex(6)}"

    async def prepare(self) -> None:
        """Make the template."""
        await self._run(f"create database {self._template}")
        await migrate(self._url(self._template))

    async def clone(self) -> str:
        """Make a database with the current schema and no rows; returns its URL."""
        name = f"test_{secrets.token_hex(6)}"
        await self._run(f"create database {name} template {self._template} strategy file_copy")
        return self._url(name)

    async def empty(self) -> str:
        """Make a database without any schema; returns its URL."""
        name = f"test_{secrets.token_hex(6)}"
        await self._run(f"create database {name}")
        return self._url(name)

    async def drop(self, url: str) -> None:
        """Drop a clone, whoever is still connected to it."""
        await self._run(f"drop database if exists {urlsplit(url).path.removeprefix('/')} with (force)")

    async def forget(self) -> None:
        """Drop the template."""
        await self.drop(self._url(self._template))

    async def _run(self, statement: str) -> None:
        connection = await asyncpg.connect(self._admin_url, timeout=30)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def _url(self, database: str) -> str:
        return urlunsplit(urlsplit(self._admin_url)._replace(path=f"/{database}"))


@dataclass(frozen=True, slots=True)
class Broker:
    """A RabbitMQ server that hands out virtual hosts (~15 ms each) through its management interface."""

    amqp_url: str
    management_url: str

    async def new_vhost(self) -> str:
        """Make an empty virtual host; returns its AMQP URL."""
        name = f"test-{secrets.token_hex(6)}"
        await asyncio.to_thread(self._manage, "PUT", name)
        return urlunsplit(urlsplit(self.amqp_url)._replace(path=f"/{name}"))

    async def drop_vhost(self, url: str) -> None:
        """Drop a virtual host with all its queues and connections."""
        await asyncio.to_thread(self._manage, "DELETE", urlsplit(url).path.removeprefix("/"))

    def _manage(self, method: str, vhost: str) -> None:
        user = urlsplit(self.amqp_url)
        word = base64.b64encode(f"{user.username}:{user.password}".encode()).decode()
        request = urllib.request.Request(  # noqa: S310 the address is our own
            f"{self.management_url}/api/vhosts/{vhost}",
            method=method,
            headers={"Authorization": f"Basic {word}"},
        )
        with urllib.request.urlopen(request, timeout=30):  # noqa: S310
            pass


@asynccontextmanager
async def database_server() -> AsyncIterator[DatabaseServer]:
    """The server of TEST_DATABASE_URL, else a private one."""
    async with _postgres_url() as url:
        server = DatabaseServer(url)
        await server.prepare()
        yield server
        await server.forget()


@asynccontextmanager
async def object_store() -> AsyncIterator[StoreSettings]:
    """The store of TEST_S3_ENDPOINT_URL (with TEST_S3_..._KEY), else a private one; with both buckets."""
    external = os.environ.get("TEST_S3_ENDPOINT_URL")
    if external:
        settings = _store(external, os.environ["TEST_S3_ACCESS_KEY"], os.environ["TEST_S3_SECRET_KEY"])
        async with Blobs(settings) as blobs:
            await blobs.ensure_buckets()
        yield settings
        return
    with server_directory() as directory:
        async with EmbeddedSeaweedFS(directory) as server:
            settings = _store(server.endpoint_url, server.access_key, server.secret_key)
            async with Blobs(settings) as blobs:
                await blobs.ensure_buckets()
            yield settings


def broker_is_available() -> bool:
    """Say whether a RabbitMQ can be had: by variable, installed, or from a Docker engine."""
    return "TEST_AMQP_URL" in os.environ or rabbitmq.installed() or docker_answers()


@asynccontextmanager
async def broker() -> AsyncIterator[Broker]:
    """The broker of TEST_AMQP_URL and TEST_AMQP_MANAGEMENT_URL, else a private node, else a container."""
    external = os.environ.get("TEST_AMQP_URL")
    if external:
        yield Broker(external, os.environ["TEST_AMQP_MANAGEMENT_URL"])
    elif rabbitmq.installed():
        with server_directory() as directory:
            async with EmbeddedRabbitMQ(directory) as server:
                yield Broker(server.url(), server.management_url)
    else:
        async with _broker_container() as container:
            yield container


class server_directory:  # noqa: N801 used like a function
    """`with`: a short-named directory that the account of a server may enter, removed afterwards."""

    def __enter__(self) -> Path:
        self._path = Path(tempfile.mkdtemp(prefix="dh-test-"))
        self._path.chmod(0o711)
        return self._path

    def __exit__(self, *_error: object) -> None:
        shutil.rmtree(self._path, ignore_errors=True)


@asynccontextmanager
async def _postgres_url() -> AsyncIterator[str]:
    external = os.environ.get("TEST_DATABASE_URL")
    if external:
        yield external
        return
    with server_directory() as directory:
        async with EmbeddedPostgres(directory, durable=False, max_connections=300) as server:
            yield server.url()


@asynccontextmanager
async def _broker_container() -> AsyncIterator[Broker]:
    # Imported here: it costs 0.8 s and is needed on few machines.
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.waiting_utils import wait_for_logs

    container = DockerContainer(RABBITMQ_IMAGE).with_exposed_ports(5672, 15672)
    await asyncio.to_thread(container.start)
    try:
        await asyncio.to_thread(wait_for_logs, container, "Server startup complete", 90)
        host = container.get_container_host_ip()
        yield Broker(
            f"amqp://guest:guest@{host}:{container.get_exposed_port(5672)}/",
            f"http://{host}:{container.get_exposed_port(15672)}",
        )
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


def _store(endpoint_url: str, access_key: str, secret_key: str) -> StoreSettings:
    return StoreSettings(
        endpoint_url=endpoint_url,
        public_url=endpoint_url,
        access_key=access_key,
        secret_key=secret_key,
        region="us-east-1",
        raw_bucket="rawstore",
        package_bucket="pkgstore",
    )
