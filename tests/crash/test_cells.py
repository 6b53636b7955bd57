"""kill -9 at every step of every process, under load: nothing is lost, nothing is done twice, no innocent is set aside.

One running system for each transport; only the process that was killed is started anew.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from messages import faultpoint as faults
from tests.crash.campaign import COMMANDS, Campaign

ROOT = Path(__file__).parents[2]

GOOD = 12
"""Pushes beside a deadly one: enough to share its process each time."""

pytestmark = pytest.mark.timeout(500)


@pytest.mark.parametrize("place", faults.POINTS)
async def test_kill_at_every_step_loses_nothing_and_repeats_nothing(running: Campaign, place: str) -> None:
    for step in faults.POINTS[place]:
        await running.strike(place, step)
    assert await running.verify() == []


@pytest.mark.parametrize("role", COMMANDS)
async def test_restart_in_order_under_load_leaves_within_its_grace_and_loses_nothing(
    running: Campaign, role: str
) -> None:
    code, _seconds = await running.roll(role)
    assert code == 0
    assert await running.verify() == []


async def test_a_job_that_kills_its_worker_each_time_is_set_aside_and_no_innocent(running: Campaign) -> None:
    await running.poison(GOOD)
    assert await running.verify() == []
    pool = running.floor.pool
    letter = await pool.fetchrow("select * from dead_letter where flow_id like '%/poisoned/%'")
    assert (letter["queue"], letter["attempts"]) == ("dh.job.load", 3)
    assert letter["reason"] == "its taker died 3 times"
    row = await pool.fetchrow("select state, reason from flow where id = $1", letter["flow_id"])
    assert row["state"] == "FAILED"
    assert "Trouble on our side" in row["reason"]


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
