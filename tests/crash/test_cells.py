"""kill -9 at every step of every process, under load: nothing is lost, nothing is done twice, no innocent is set aside.

One running system for each transport; only the process that was killed is started anew.
"""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from messages import faultpoint as faults
from messages.settings import StoreSettings
from tests import services
from tests.crash.campaign import Campaign, campaign

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.timeout(500)


@pytest.fixture(scope="module", params=["postgres", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)])
def chosen_broker(request: pytest.FixtureRequest) -> services.Broker | None:
    """The broker of the system: None for the embedded transport on PostgreSQL."""
    return request.getfixturevalue("broker") if request.param == "rabbitmq" else None


@pytest_asyncio.fixture(scope="module")
async def running(
    chosen_broker: services.Broker | None,
    postgres: services.DatabaseServer,
    object_store: StoreSettings,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Campaign]:
    """The system of all tests of this file on one transport."""
    async with AsyncExitStack() as closing:
        amqp_url = None
        if chosen_broker is not None:
            amqp_url = await chosen_broker.new_vhost()
            closing.push_async_callback(chosen_broker.drop_vhost, amqp_url)
        database_url = await postgres.clone()
        closing.push_async_callback(postgres.drop, database_url)
        directory = tmp_path_factory.mktemp("campaign")
        yield await closing.enter_async_context(campaign(database_url, object_store, amqp_url, directory))


@pytest.mark.parametrize("place", faults.POINTS)
async def test_kill_at_every_step_loses_nothing_and_repeats_nothing(running: Campaign, place: str) -> None:
    for step in faults.POINTS[place]:
        await running.strike(place, step)
    assert await running.verify() == []


def test_every_point_of_the_code_is_in_the_list_and_every_one_of_the_list_in_the_code() -> None:
    listed = {step for steps in faults.POINTS.values() for step in steps}
    found, places = set(), set()
    for package in ("gateway", "messages", "workers"):
        for path in (ROOT / package).rglob("*.py"):
            for place, step in calls(ast.parse(path.read_text())):
                found.add(step)
                places |= {place} if place else set()
    assert found == listed
    assert places <= faults.POINTS.keys()


def calls(module: ast.Module) -> list[tuple[str | None, str]]:
    """Place (None: the queue of the moment) and step of every call of `faultpoint`."""
    found = []
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "faultpoint":
            place, step = node.args
            assert isinstance(step, ast.Constant)
            found.append((str(place.value) if isinstance(place, ast.Constant) else None, str(step.value)))
    return found


def test_nothing_is_armed_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    armed = tmp_path / "fault"
    armed.write_text("gateway received")
    monkeypatch.chdir(tmp_path)
    faults.faultpoint("gateway", "received")
    assert armed.read_text() == "gateway received"
