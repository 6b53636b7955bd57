"""One gateway on real servers for all cases of a file, two publishers, and a server that nobody should ask."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from aiohttp import web

from deploy.embedded.ports import LOOPBACK, free_ports
from messages.settings import Settings, StoreSettings
from tests import services
from tests.catalogue.canary import Canary
from tests.gateway.conftest import Gateway, Publisher, serving, settings_for


@pytest_asyncio.fixture(scope="module")
async def settings(postgres: services.DatabaseServer, object_store: StoreSettings) -> AsyncIterator[Settings]:
    url = await postgres.clone()
    yield settings_for(url, object_store)
    await postgres.drop(url)


@pytest_asyncio.fixture(scope="module")
async def gateway(settings: Settings) -> AsyncIterator[Gateway]:
    async with serving(settings) as gateway:
        yield gateway


@pytest_asyncio.fixture(scope="module")
async def ada(gateway: Gateway) -> Publisher:
    return await gateway.publisher("ada")


@pytest_asyncio.fixture(scope="module")
async def bob(gateway: Gateway) -> Publisher:
    return await gateway.publisher("bob")


@pytest_asyncio.fixture(scope="module")
async def canary() -> AsyncIterator[Canary]:
    (port,) = free_ports(1)
    counted = Canary(f"http://{LOOPBACK}:{port}")

    async def hit(request: web.BaseRequest) -> web.Response:
        counted.hits.append(request.path)
        return web.json_response({})

    runner = web.ServerRunner(web.Server(hit))
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, port).start()
    yield counted
    assert counted.hits == []
    await runner.cleanup()
