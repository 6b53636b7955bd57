"""A store that refuses, resets, cuts short, hangs, drips and goes away: every job ends, and nothing half is seen."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from messages import storecalls
from messages.blobs import Blobs
from messages.datapackage import Resource
from messages.settings import StoreSettings
from messages.transport.postgres import PostgresTransport
from tests.workers import floor as floors
from tests.workers.floor import File, Floor, running
from tests.workers.unruly import MISHAPS, UnrulyGate

FLOWS = 16
AWAY = 2.0
"""Seconds without any store, in the middle."""

pytestmark = pytest.mark.timeout(200)


async def test_every_job_ends_well_and_no_half_object_is_seen(
    floor: Floor, database_url: str, object_store: StoreSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storecalls, "CALL_DEADLINE", 5.0)  # in production what hangs is given up after 20
    gate = UnrulyGate(object_store.endpoint_url, seed=4)
    await gate.open()
    behind = replace(object_store, endpoint_url=gate.url, public_url=gate.url)
    transport = PostgresTransport(database_url)
    async with (
        floors.floor(floor.ownerid, database_url, behind) as hurt,
        floors.tools(behind, tmp_path) as tools,
        running(hurt, transport, tools),
    ):
        flows = [await floor.accept([file(number)], dataset=f"d{number}") for number in range(FLOWS)]
        for flow, resources in flows[: FLOWS // 2]:
            await floor.start(flow, resources)
        await floor.ended(flows[0][0])
        await gate.shut()
        for flow, resources in flows[FLOWS // 2 :]:
            await floor.start(flow, resources)
        await asyncio.sleep(AWAY)
        await gate.open()
        rows = [await floor.ended(flow) for flow, _ in flows]
    await transport.close()
    await gate.shut()

    assert {row["state"] for row in rows} == {"SUCCEEDED"}
    assert await floor.pool.fetchval("select count(*) from dead_letter") == 0
    assert sum(gate.happened.values()) > len(MISHAPS)
    for number, (flow, _) in enumerate(flows):
        [row] = await floor.resources(flow)
        await is_whole(floor.blobs, Resource.from_dict(row["resource"]), file(number).content)


def file(number: int) -> File:
    """One of 3 KB to 100 KB: no table, its stages cost little."""
    content = f"Line {number}.\n".encode() * (300 + 400 * number)
    return File(name="notes", content=content, path="notes.txt", tabular=False)


async def is_whole(blobs: Blobs, resource: Resource, content: bytes) -> None:
    """The published object has the bytes that were uploaded, and the hash that is said of it."""
    [published] = resource.files
    stored = await blobs.get(published.blob)
    assert stored == content
    assert hashlib.sha256(stored).hexdigest() == published.blob.sha256
