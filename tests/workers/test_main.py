"""The worker process itself: starts, serves, stops."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from messages.settings import StoreSettings
from tests import stack
from tests.workers.floor import File, Floor

CSV = b"id,name\n1,a\n2,b\n"


@asynccontextmanager
async def worker(environment: Mapping[str, str], *names: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.server", "worker", *names, env=dict(environment)
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
def environment(
    database_url: str, object_store: StoreSettings, broker_url: str | None, tmp_path: Path
) -> Mapping[str, str]:
    return stack.environment(database_url, object_store, broker_url, tmp_path)


async def test_worker_process_publishes_and_stops_on_sigterm_leaving_nothing(
    floor: Floor, environment: Mapping[str, str]
) -> None:
    flow, resources = await floor.accept([File(name="towns", content=CSV)])
    await floor.start(flow, resources)
    async with worker(environment, "all") as process:
        row = await floor.ended(flow)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            code = await process.wait()

    assert (row["state"], code) == ("SUCCEEDED", 0)
    assert [child.pid for child in children if child.is_running()] == []


@pytest.mark.rabbitmq
async def test_stages_on_rabbitmq_open_no_database(
    floor: Floor, amqp_url: str, database_url: str, object_store: StoreSettings, tmp_path: Path
) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    environment = stack.environment(nowhere, object_store, amqp_url, tmp_path)
    flow, resources = await floor.accept([File(name="towns", content=CSV)])
    await floor.start(flow, resources)
    async with worker(environment, "stages") as stages:
        with_database = {**environment, "DATABASE_URL": database_url}
        async with worker(with_database, "writers"):
            row = await floor.ended(flow)
        assert stages.returncode is None
    assert row["state"] == "SUCCEEDED"


async def test_killed_worker_leaves_no_process_behind(floor: Floor, environment: Mapping[str, str]) -> None:
    async with worker(environment, "stages") as process:
        parent = psutil.Process(process.pid)
        async with asyncio.timeout(20):
            while not (children := parent.children(recursive=True)):
                await asyncio.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        _gone, alive = await asyncio.to_thread(psutil.wait_procs, children, 10)
    assert alive == []


async def test_side_task_that_dies_stops_the_process(
    floor: Floor, database_url: str, object_store: StoreSettings, tmp_path: Path
) -> None:
    environment = stack.environment(database_url, object_store, None, tmp_path)
    impatient = {**environment, "DH_STAGE_TIMEOUT": "1", "DH_RESCUE_AFTER": "1.1"}
    async with worker(impatient, "writers") as process:
        await floor.pool.execute("alter table flow rename to gone")
        async with asyncio.timeout(40):
            assert await process.wait() == 1


async def test_running_worker_gives_signs_of_life_and_a_stopped_one_is_noticed(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    sign = tmp_path / "alive"
    watched = {**environment, "DH_ALIVE_FILE": str(sign)}
    assert await alive(watched) == 1
    async with worker(watched, "rescue"), asyncio.timeout(30):
        while not sign.exists():
            await asyncio.sleep(0.05)
        assert await alive(watched) == 0
    os.utime(sign, (0, 0))
    assert await alive(watched) == 1


async def alive(environment: Mapping[str, str]) -> int:
    command = (sys.executable, "-m", "deploy.server", "alive")
    process = await asyncio.create_subprocess_exec(*command, env=dict(environment))
    return await process.wait()
