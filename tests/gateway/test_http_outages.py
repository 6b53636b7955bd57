"""A part of the service that is down, or hangs: 503 with Retry-After in seconds, and work goes on when it is back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest_asyncio

from messages.settings import Settings, StoreSettings
from tests.gateway.conftest import CSV, Answer, Gateway, Publisher, file_entry, serving, settings_for, spec_of
from tests.gateway.gate import Gate, gate_to


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Gate]:
    async with gate_to(database_url) as gate:
        yield gate


@pytest_asyncio.fixture
async def store(object_store: StoreSettings) -> AsyncIterator[Gate]:
    async with gate_to(object_store.endpoint_url) as gate:
        yield gate


@pytest_asyncio.fixture
async def gateway(database: Gate, store: Gate, object_store: StoreSettings) -> AsyncIterator[Gateway]:
    """A gateway that reaches its servers through gates; publishers reach the store directly."""
    settings = settings_for(database.url, replace(object_store, endpoint_url=store.url))
    async with serving(settings) as gateway:
        yield gateway


class Requests:
    """One request to each part, with what it needs prepared beforehand."""

    def __init__(self, publisher: Publisher, url: str, source: str, rawstore: str) -> None:
        self._gateway = publisher.gateway
        self._spec = spec_of(publisher.id, "prices", {"data.csv": url})
        self._asked = {"metadata": {"owner": publisher.id}, "filedata": {"new.csv": file_entry(b"new")}}
        self._source = {"Auth-Token": source}
        self._rawstore = {"Auth-Token": rawstore}
        self._login = {"Auth-Token": publisher.token}

    async def push(self) -> Answer:
        return await self._gateway.post("/source/upload", json=self._spec, headers=self._source)

    async def authorize(self) -> Answer:
        return await self._gateway.post("/rawstore/authorize", json=self._asked, headers=self._rawstore)

    async def check(self) -> Answer:
        return await self._gateway.get("/auth/check", headers=self._login)

    async def status(self) -> Answer:
        return await self._gateway.get("/source/ada/prices/1")

    async def ready(self) -> Answer:
        return await self._gateway.get("/health/ready")


@pytest_asyncio.fixture
async def requests(ada: Publisher) -> Requests:
    source, rawstore = await ada.permission("source"), await ada.permission("rawstore")
    return Requests(ada, await ada.upload(CSV), source, rawstore)


def says_unavailable(answer: Answer, started: float) -> None:
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert time.monotonic() - started < 15
    assert b"Traceback" not in answer.body
    assert b"postgresql" not in answer.body


async def test_a_database_that_is_down(database: Gate, requests: Requests) -> None:
    await database.shut()
    for request in (requests.push, requests.authorize, requests.check, requests.status, requests.ready):
        started = time.monotonic()
        says_unavailable(await request(), started)
    await database.open()
    assert (await requests.push()).json()["success"] is True
    assert (await requests.ready()).status == 200


async def test_a_database_that_hangs(database: Gate, requests: Requests) -> None:
    database.block()
    started = time.monotonic()
    answers = await asyncio.gather(requests.push(), requests.check(), requests.status(), requests.ready())
    for answer in answers:
        says_unavailable(answer, started)
    await database.open()
    assert (await requests.push()).json()["success"] is True


async def test_a_store_that_is_down(store: Gate, requests: Requests) -> None:
    await store.shut()
    for request in (requests.push, requests.authorize, requests.ready):
        started = time.monotonic()
        says_unavailable(await request(), started)
    assert "object store" in (await requests.ready()).json()["reasons"]
    assert (await requests.check()).status == 200
    await store.open()
    assert (await requests.push()).json()["flow_id"].endswith("/1")


async def test_a_store_that_hangs(store: Gate, requests: Requests) -> None:
    store.block()
    started = time.monotonic()
    for answer in await asyncio.gather(requests.push(), requests.authorize()):
        says_unavailable(answer, started)
    await store.open()
    assert (await requests.push()).json()["flow_id"].endswith("/1")


async def test_a_broker_that_is_down_keeps_nobody_from_pushing(settings: Settings) -> None:
    async with serving(replace(settings, amqp_url="amqp://guest:guest@127.0.0.1:1/")) as gateway:
        publisher = await gateway.publisher("ada")
        assert (await publisher.push())["success"] is True
        assert await gateway.pool.fetchval("select (select count(*) from outbox) + (select count(*) from turn)") == 2


async def test_a_process_lives_whatever_is_down(database: Gate, store: Gate, gateway: Gateway) -> None:
    await database.shut()
    await store.shut()
    assert (await gateway.get("/health/live")).status == 200
