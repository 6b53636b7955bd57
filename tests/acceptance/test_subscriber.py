"""The example of a downstream service, run as its users run it, on both transports."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from messages.datapackage import BlobRef, FlowRef
from messages.events import PackageFailed, PackagePublished
from messages.transport import transport_at

SUBSCRIBER = Path(__file__).parents[2] / "examples" / "subscriber.py"
PATIENCE = 20.0


@pytest.fixture(
    params=[
        pytest.param(("DATABASE_URL", "database_url"), id="postgres"),
        pytest.param(("AMQP_URL", "amqp_url"), id="rabbitmq", marks=pytest.mark.rabbitmq),
    ]
)
def setting(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The environment variable that leads to the broker, and its value."""
    name, fixture = request.param
    return name, request.getfixturevalue(fixture)


@asynccontextmanager
async def subscriber(setting: tuple[str, str]) -> AsyncIterator[Process]:
    name, url = setting
    environment = {key: value for key, value in os.environ.items() if key not in ("AMQP_URL", "DATABASE_URL")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, SUBSCRIBER, env={**environment, name: url}, stdout=PIPE
    )
    try:
        assert await line_of(process) == "listening"
        yield process
    finally:
        process.kill()
        await process.wait()


async def line_of(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        return (await process.stdout.readline()).decode().rstrip("\n")


def published(revision: int) -> PackagePublished:
    flow = FlowRef(ownerid="ab12", owner="ada", dataset="rivers", revision=revision, findability="published")
    descriptor = BlobRef(bucket="pkgstore", key=f"ab12/rivers/{revision}/datapackage.json", size=10, sha256="0" * 64)
    return PackagePublished(flow=flow, title="Rivers of Zürich", descriptor=descriptor, rows=7, size=99, files=2)


async def test_a_subscriber_hears_once_of_each_package_also_of_those_it_missed(setting: tuple[str, str]) -> None:
    transport = transport_at(setting[1])
    await transport.declare()

    async with subscriber(setting) as running:
        await transport.publish(published(1).to_message(), published(1).to_message())
        await transport.publish(PackageFailed(flow=published(2).flow, reason="2 cells are wrong.").to_message())
        assert await line_of(running) == "published ab12/rivers/1: Rivers of Zürich, 7 rows"
        assert await line_of(running) == "failed ab12/rivers/2: 2 cells are wrong."

    await transport.publish(published(3).to_message())
    async with subscriber(setting) as running:
        heard = await line_of(running)
        if heard.startswith("failed ab12/rivers/2"):  # killed between its print and its acknowledgement
            heard = await line_of(running)
        assert heard == "published ab12/rivers/3: Rivers of Zürich, 7 rows"
    await transport.close()
