"""One gateway on real servers for all cases of a file, two publishers, and a server that nobody should ask."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from messages.settings import Settings, StoreSettings
from tests import services
from tests.gateway.canary import Canary, watching
from tests.gateway.conftest import Gateway, Publisher, serving, shared_settings


@pytest_asyncio.fixture(scope="module")
async def settings(postgres: services.DatabaseServer, object_store: StoreSettings) -> AsyncIterator[Settings]:
    async with shared_settings(postgres, object_store) as settings:
        yield settings


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
    async with watching() as canary:
        yield canary
        assert canary.hits == []
