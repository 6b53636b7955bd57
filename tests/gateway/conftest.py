"""A gateway on real servers, spoken to over real HTTP."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import asyncpg
import pytest_asyncio
from aiohttp import web

from deploy.embedded.ports import LOOPBACK, free_ports
from gateway.app import IDLE, create_app
from gateway.auth.accounts import Account
from gateway.parts import PARTS, Parts
from gateway.protocol import EdgeRunner
from messages.blobs import Blobs
from messages.database import open_pool
from messages.multipart import SMALLEST
from messages.settings import Settings, StoreSettings, from_env
from messages.transport import open_transport
from tests import services

PASSWORD = "correct horse battery staple"
CSV = b"day,price\n2026-01-01,1.5\n2026-01-02,2.5\n"


@dataclass(slots=True)
class Gateway:
    """A served application: `client` talks to it as anybody, `log_in` as somebody."""

    url: str
    app: web.Application
    client: aiohttp.ClientSession

    @property
    def parts(self) -> Parts:
        return self.app[PARTS]

    @property
    def pool(self) -> asyncpg.Pool:
        return self.parts.pool

    async def publisher(self, username: str) -> Publisher:
        """A new account, logged in."""
        account = await self.parts.accounts.add(username, PASSWORD, email=f"{username}@example.com")
        return Publisher(self, account, self.parts.tokens.issue_user(account))

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> Answer:
        return await self.request("POST", path, **options)

    async def request(self, method: str, path: str, **options: Any) -> Answer:
        """One request, redirects not followed; the whole answer."""
        async with self.client.request(method, self.url + path, allow_redirects=False, **options) as response:
            return Answer(response.status, response.headers.copy(), await response.read(), response)


async def waits_for_a_lock(gateway: Gateway) -> None:
    """Returns once a session of this database waits for another's lock."""
    query = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    async with asyncio.timeout(20):
        while not await gateway.pool.fetchval(query):
            await asyncio.sleep(0.02)


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    response: aiohttp.ClientResponse

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Publisher:
    """An account with its user token, and the steps of a push."""

    gateway: Gateway
    account: Account
    token: str

    @property
    def id(self) -> str:
        return self.account.id

    async def permission(self, service: str) -> str:
        """A permission token, asked for as clients do."""
        answer = await self.gateway.get(f"/auth/authorize?service={service}", headers={"Auth-Token": self.token})
        token: str = answer.json()["token"]
        return token

    async def authorize(self, filedata: Mapping[str, Any], owner: str | None = None) -> Answer:
        """The answer to a request for upload forms."""
        return await self.gateway.post(
            "/rawstore/authorize",
            json={"metadata": {"owner": owner or self.id}, "filedata": filedata},
            headers={"Auth-Token": await self.permission("rawstore")},
        )

    async def form(
        self, content: bytes, path: str = "data.csv", *, sha256: bool = True, owner: str | None = None
    ) -> dict[str, Any]:
        """The signed form for a file."""
        answer = await self.authorize({path: file_entry(content, sha256=sha256)}, owner)
        assert answer.status == 200, answer.body
        form: dict[str, Any] = answer.json()["filedata"][path]
        return form

    async def upload(
        self, content: bytes, path: str = "data.csv", *, sha256: bool = True, owner: str | None = None
    ) -> str:
        """Uploads a file with its form; its address."""
        form = await self.form(content, path, sha256=sha256, owner=owner)
        status, body = await send_form(self.gateway.client, form, content)
        assert status == 204, body
        return f"{form['upload_url']}/{form['upload_query']['key']}"

    async def open_upload(self, content: bytes, owner: str | None = None, **changed: Any) -> Answer:
        """The answer to a request to send a file in parts; `changed` replaces what is said of the file."""
        file = {**upload_entry(content), **changed}
        return await self.rawstore("POST", "/rawstore/uploads", {"metadata": {"owner": owner or self.id}, "file": file})

    async def rawstore(self, method: str, path: str, body: Any = None) -> Answer:
        """The answer of the raw store to a request of this publisher."""
        headers = {"Auth-Token": await self.permission("rawstore")}
        return await self.gateway.request(method, path, headers=headers, **({} if body is None else {"json": body}))

    async def post_spec(self, spec: Any) -> Answer:
        """The answer to a posted spec."""
        return await self.gateway.post(
            "/source/upload", json=spec, headers={"Auth-Token": await self.permission("source")}
        )

    async def push(
        self, dataset: str = "prices", findability: str = "published", *, again: bool = False
    ) -> dict[str, Any]:
        """Uploads and posts a package of one table; the answer of the pipeline store. `again`: though it be there."""
        url = await self.upload(CSV)
        spec = spec_of(self.id, dataset, {"data.csv": url}, findability=findability)
        answer = await self.post_spec({**spec, "again": again})
        assert answer.status == 200, answer.body
        accepted: dict[str, Any] = answer.json()
        return accepted


def file_entry(content: bytes, *, sha256: bool = True) -> dict[str, Any]:
    """What is said of a file when an upload form is asked for."""
    md5 = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
    return {"length": len(content), "md5": md5} | ({"sha256": hashlib.sha256(content).hexdigest()} if sha256 else {})


def upload_entry(content: bytes, part_size: int = SMALLEST) -> dict[str, Any]:
    """What is said of a file that goes in parts."""
    whole = file_entry(content)
    return {
        "path": "data.csv",
        "length": whole["length"],
        "sha256": whole["sha256"],
        "part_size": part_size,
        "parts": [part_entry(content[start : start + part_size]) for start in range(0, len(content), part_size)],
    }


def part_entry(content: bytes) -> dict[str, str]:
    """The hashes of a part."""
    return {name: value for name, value in file_entry(content).items() if name != "length"}


async def send_form(
    client: aiohttp.ClientSession, form: Mapping[str, Any], content: bytes, **changed: str | None
) -> tuple[int, str]:
    """Posts a file as clients do: the form's fields, then the file. `changed` fields replace, None leaves out."""
    fields = {name.replace("_", "-"): value for name, value in changed.items()}
    data = aiohttp.FormData(default_to_multipart=True)
    for name, value in {**form["upload_query"], **fields}.items():
        if value is not None:
            data.add_field(name, value)
    data.add_field("file", content, filename="file", content_type="text/plain")
    async with client.post(form["upload_url"], data=data) as response:
        return response.status, await response.text()


def descriptor_of(dataset: str, **resource: Any) -> dict[str, Any]:
    """A descriptor of one table."""
    return {"name": dataset, "title": "Prices", "resources": [{"name": "data", "path": "data.csv", **resource}]}


def spec_of(
    ownerid: str,
    dataset: str,
    mapping: Mapping[str, Any],
    descriptor: Any = None,
    *,
    findability: str = "published",
    **more: Any,
) -> dict[str, Any]:
    """A source spec as clients post it."""
    return {
        "meta": {"version": 1, "ownerid": ownerid, "owner": "x", "dataset": dataset, "findability": findability},
        "inputs": [
            {
                "kind": "datapackage",
                "url": "",
                "parameters": {
                    "resource-mapping": dict(mapping),
                    "descriptor": descriptor_of(dataset) if descriptor is None else descriptor,
                },
            }
        ],
        **more,
    }


@asynccontextmanager
async def serving(
    settings: Settings, *, blobs: Blobs | None = None, idle: float = IDLE, extra: Sequence[web.RouteDef] = ()
) -> AsyncIterator[Gateway]:
    """A gateway for these settings and `extra` routes, on `blobs` or a connection of its own to the object store."""
    async with AsyncExitStack() as stack:
        pool = await open_pool(settings.database_url, size=10)
        stack.callback(pool.terminate)
        if blobs is None:
            blobs = await stack.enter_async_context(Blobs(settings.store))
        client = await stack.enter_async_context(aiohttp.ClientSession())
        transport = open_transport(settings)
        app = create_app(settings, pool, blobs, transport)
        app.add_routes(extra)
        runner = EdgeRunner(app, access_log=None, keepalive_timeout=idle, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, settings.gateway.host, settings.gateway.port).start()
            yield Gateway(settings.gateway.public_url, app, client)
        finally:
            await runner.cleanup()
            await transport.close()


def settings_for(database_url: str, store: StoreSettings) -> Settings:
    """Settings of a gateway on a free port."""
    (port,) = free_ports(1)
    settings = from_env(
        {
            "DATABASE_URL": database_url,
            "S3_ENDPOINT_URL": store.endpoint_url,
            "S3_ACCESS_KEY": store.access_key,
            "S3_SECRET_KEY": store.secret_key,
            "DH_PUBLIC_URL": f"http://{LOOPBACK}:{port}",
        }
    )
    return replace(settings, store=store)


@asynccontextmanager
async def shared_settings(postgres: services.DatabaseServer, store: StoreSettings) -> AsyncIterator[Settings]:
    """The same on a database of its own, for a gateway that all tests of a file share."""
    url = await postgres.clone()
    yield settings_for(url, store)
    await postgres.drop(url)


@pytest_asyncio.fixture
async def settings(database_url: str, object_store: StoreSettings) -> Settings:
    return settings_for(database_url, object_store)


@pytest_asyncio.fixture(scope="session")
async def blobs(object_store: StoreSettings) -> AsyncIterator[Blobs]:
    """A connection to the object store for all gateways that do not mind: it takes longer to make than they do."""
    async with Blobs(object_store) as blobs:
        yield blobs


@pytest_asyncio.fixture
async def gateway(settings: Settings, blobs: Blobs) -> AsyncIterator[Gateway]:
    async with serving(settings, blobs=blobs) as gateway:
        yield gateway


@pytest_asyncio.fixture
async def ada(gateway: Gateway) -> Publisher:
    return await gateway.publisher("ada")


@pytest_asyncio.fixture
async def bob(gateway: Gateway) -> Publisher:
    return await gateway.publisher("bob")
