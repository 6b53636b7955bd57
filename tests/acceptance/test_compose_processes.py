"""The processes of compose.yaml, word for word: its commands and variables, on real servers instead of containers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import yaml

from messages.settings import StoreSettings
from tests import stack as stacks
from tests.publisher import logged_in, small_package
from tests.services import DatabaseServer

ROOT = Path(__file__).parents[2]
SERVICES: dict[str, Any] = {
    name: service
    for name, service in yaml.safe_load((ROOT / "compose.yaml").read_text())["services"].items()
    if "build" in service
}


def variables(service: dict[str, Any], here: dict[str, str]) -> dict[str, str]:
    """What compose.yaml sets for the service, with the addresses that hold on this machine."""
    here = {"DH_HOST": "127.0.0.1", **here}
    settings = {name: here.get(name, str(value)) for name, value in service["environment"].items()}
    assert not any("$" in value for value in settings.values()), "a value that only Docker can fill in"
    return {**stacks.plain_environment(), **settings}


@pytest_asyncio.fixture
async def gateway(
    postgres: DatabaseServer, empty_amqp_url: str, object_store: StoreSettings, tmp_path: Path
) -> AsyncIterator[stacks.Stack]:
    """The gateway, after the migration step and beside a process per stage and per writer."""
    url = await postgres.empty()
    here = stacks.environment(url, object_store, empty_amqp_url, tmp_path)
    here["S3_PUBLIC_URL"] = object_store.public_url
    async with AsyncExitStack() as exits:
        exits.push_async_callback(postgres.drop, url)
        await run(SERVICES["migrate"]["command"], variables(SERVICES["migrate"], here))
        running = {}
        for name, service in SERVICES.items():
            if name == "migrate":
                continue
            own = {"DH_ALIVE_FILE": str(tmp_path / f"{name}.alive")}  # a container has its own /tmp
            running[name] = stacks.Stack(variables(service, here | own), here["DH_PUBLIC_URL"], tmp_path)
            await running[name].start(name, *service["command"])
            exits.push_async_callback(running[name].stop)
        await running["gateway"].ready()
        yield running["gateway"]


async def run(command: Sequence[str], environment: Mapping[str, str], stdin: str = "") -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.server", *command),
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate(stdin.encode())
    assert process.returncode == 0, output.decode()


@pytest.mark.rabbitmq
async def test_one_process_per_stage_and_writer_publishes_a_package(gateway: stacks.Stack) -> None:
    await run(("user", "add", "dora", "--password-stdin"), gateway.environment, stacks.PASSWORD)
    async with logged_in(gateway.url, "hers", "dora", stacks.PASSWORD) as dora:
        assert set(dora.tokens)
    ownerid = await gateway.add_user("carol")
    descriptor, files = small_package("towns")
    async with logged_in(gateway.url, ownerid, "carol", stacks.PASSWORD) as publisher:
        flow_id = await publisher.push(descriptor, files)
        status = await publisher.ended(flow_id)
        assert status["state"] == "SUCCEEDED", status
    async with aiohttp.ClientSession() as session, session.get(f"{gateway.url}/carol/towns") as page:
        assert page.status == 200
