"""The workers' disk is full: jobs wait and go on once there is room; what fits is published meanwhile."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from messages.settings import StoreSettings
from tests import stack as stacks
from tests.conftest import missing
from tests.publisher import Publisher, logged_in, small_package

SMALL, LARGE = "size=2m", "size=64m"
ROWS = 400_000


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    if os.geteuid() != 0:
        missing("a file system of our own (to mount one takes root)")
    place.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", SMALL, "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def grow(place: Path) -> None:
    """Somebody makes room."""
    subprocess.run(["mount", "-o", f"remount,{LARGE}", str(place)], check=True)


async def retried(pool: asyncpg.Pool) -> str:
    """Returns why a job will be tried again, once one will."""
    async with asyncio.timeout(60):
        while not (error := await pool.fetchval("select trail -> -1 ->> 'error' from delivery where attempt > 1")):
            await asyncio.sleep(0.05)
    return str(error)


async def published(publisher: Publisher, name: str) -> None:
    descriptor, files = small_package(name)
    status = await publisher.ended(await publisher.push(descriptor, files))
    assert status["state"] == "SUCCEEDED", status


async def test_a_package_that_finds_no_room_waits_and_is_published_when_there_is_some(
    database_url: str, object_store: StoreSettings, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "spool") as spool:
        async with (
            stacks.running(database_url, object_store, None, tmp_path, DH_SPOOL_DIR=str(spool)) as stack,
            asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool,
        ):
            ownerid = await stack.add_user("carol")
            async with logged_in(stack.url, ownerid, "carol", stacks.PASSWORD) as publisher:
                descriptor, _ = small_package("large")
                table = "id,value\n" + "".join(f"{row},{row}\n" for row in range(ROWS))
                flow = await publisher.push(descriptor, {"numbers.csv": table.encode()})

                assert "disk" in await retried(pool)
                await published(publisher, "small")
                assert (await publisher.status(flow))["state"] in ("QUEUED", "INPROGRESS")
                await asyncio.to_thread(grow, spool)
                status = await publisher.ended(flow)

            assert status["state"] == "SUCCEEDED", status
            assert await pool.fetchval("select count(*) from dead_letter") == 0


@pytest.fixture(autouse=True)
def _nothing_is_left(tmp_path: Path) -> Iterator[None]:
    yield
    assert str(tmp_path) not in Path("/proc/mounts").read_text()
