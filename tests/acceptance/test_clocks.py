"""Clocks that are ten minutes wrong, each machine's in another direction: what a package goes through does not mind."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp
import pytest

from messages.settings import StoreSettings
from tests import stack as stacks
from tests.conftest import missing
from tests.publisher import logged_in, small_package

AHEAD, BEHIND = "+10m", "-10m"


@pytest.fixture
def libfaketime() -> Path:
    """What shows a process another time of day; clocks that only count on are left alone, as on a real machine."""
    found = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
    if found is None:
        missing("libfaketime")
    assert found is not None
    return found


def wrong(environment: Mapping[str, str], library: Path, offset: str) -> dict[str, str]:
    """The variables of a process whose clock is wrong."""
    return {**environment, "LD_PRELOAD": str(library), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def minutes_off(date: str) -> float:
    """How far the clock of whoever wrote this header is ahead of ours."""
    return (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds() / 60


async def test_a_push_is_published_whatever_the_clocks_say(
    database_url: str, object_store: StoreSettings, libfaketime: Path, tmp_path: Path
) -> None:
    right = stacks.environment(database_url, object_store, None, tmp_path)
    stack = stacks.Stack(right, right["DH_PUBLIC_URL"], tmp_path)
    try:
        stack.environment = wrong(right, libfaketime, BEHIND)
        await stack.start("stages", "worker", "stages")
        stack.environment = wrong(right, libfaketime, AHEAD)
        await stack.start("writers", "worker", "writers")
        ownerid = await stack.add_user("carol")
        for name, offset in (("ahead", AHEAD), ("behind", BEHIND)):
            stack.environment = wrong(right, libfaketime, offset)
            await stack.start("gateway", "gateway")
            await stack.ready()
            await push(stack, ownerid, name)
            await leave(stack.processes.pop("gateway"))
    finally:
        await stack.stop()


async def leave(process: stacks.Process) -> None:
    """Ends a process in order: one that is killed leaves libfaketime's shared memory behind."""
    process.send_signal(signal.SIGTERM)
    await process.wait()


async def push(stack: stacks.Stack, ownerid: str, name: str) -> None:
    """Publishes a package and sees its page; the gateway's clock is wrong indeed."""
    descriptor, files = small_package(name)
    async with logged_in(stack.url, ownerid, "carol", stacks.PASSWORD) as publisher:
        status = await publisher.ended(await publisher.push(descriptor, files))
        assert status["state"] == "SUCCEEDED", status
    async with aiohttp.ClientSession() as session, session.get(f"{stack.url}/carol/{name}") as page:
        assert page.status == 200
        assert abs(minutes_off(page.headers["Date"])) > 9
