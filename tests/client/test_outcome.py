"""Statuses as they come by, told as they go; and whose fault a failed run was."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gateway.client.board import LineBoard
from gateway.client.outcome import Outcome
from gateway.client.terminal import Terminal
from gateway.client.trail import Trail


def resource(name: str, state: str, stage: str = "load", **more: Any) -> dict[str, Any]:
    return {"name": name, "state": state, "stage": stage, **more}


def status(state: str, *resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "x/towns/3", "owner": "carol", "dataset": "towns", "state": state, "resources": resources, **more}


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (status("QUEUED"), 0),
        (status("SUCCEEDED", resource("a", "SUCCEEDED")), 0),
        (status("FAILED", resource("a", "FAILED", abandoned=False), resource("b", "FAILED", abandoned=True)), 1),
        (status("FAILED", resource("a", "FAILED", abandoned=True)), 3),
        (status("FAILED", resource("a", "INPROGRESS"), reason="It stopped moving."), 3),
    ],
)
def test_failed_run_is_the_data_s_fault_unless_the_server_gave_up(told: dict[str, Any], code: int) -> None:
    assert Outcome("http://s", told).exit_code == code


def test_failed_run_names_reason_and_report(capsys: pytest.CaptureFixture[str]) -> None:
    bad = resource("a", "FAILED", "encoding", reason="It is a \x1b[31mPNG.", report="http://s/report/a")
    Outcome("http://s", status("FAILED", bad, reason="a: It is a PNG.")).show(Terminal(environ={}))
    assert capsys.readouterr().out.splitlines() == [
        "FAILED  carol/towns, revision 3",
        "  a failed at encoding: It is a \\x1b[31mPNG.",
        "    report: http://s/report/a",
        "  http://s/carol/towns/v/3",
    ]


def test_trail_says_each_stage_once_with_place_in_the_queue_and_rows(capsys: pytest.CaptureFixture[str]) -> None:
    trail = Trail(LineBoard(Terminal(environ={})))
    progress = {"done": 10, "total": 100, "unit": "rows"}
    for told in (
        status("QUEUED", resource("search", "QUEUED"), queue={"ahead": 2}),
        status("INPROGRESS", resource("search", "INPROGRESS", "load")),
        status("INPROGRESS", resource("search", "INPROGRESS", "load")),
        status("INPROGRESS", resource("search", "INPROGRESS", "validate", progress=progress)),
        status("SUCCEEDED", resource("search", "SUCCEEDED", "dump", rows=100)),
        status("SUCCEEDED", resource("search", "SUCCEEDED", "dump", rows=100)),
        status("SUCCEEDED", resource("search", "SUCCEEDED", "dump", rows=100), indexed=True),
    ):
        trail.show(told)
    assert capsys.readouterr().err.splitlines() == [
        "search: load (waiting, 2 flows ahead)",
        "search: load",
        "search: validate, 10 rows of 100 rows",
        "search: done, 100 rows",
        "search: published, waiting for the search index",
        "search: found",
    ]


def test_trail_of_a_package_of_many_files_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    trail = Trail(LineBoard(Terminal(environ={})))
    many = [resource(f"r{number}", "INPROGRESS") for number in range(500)]
    trail.show(status("INPROGRESS", *many))
    trail.show(status("SUCCEEDED", *[{**each, "state": "SUCCEEDED"} for each in many], indexed=True))
    assert capsys.readouterr().err.splitlines() == [
        "resources: in the pipeline, 0 of 500 done",
        "resources: 500 resources done",
    ]


def test_a_gauge_that_starts_over_has_the_speed_of_its_second_pass(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("gateway.client.board.time", SimpleNamespace(monotonic=lambda: clock.now))
    gauge = LineBoard(Terminal(environ={})).gauge("check", None, "rows")
    for clock.now, done in ((10.0, 1_000), (20.0, 0), (30.0, 5_000)):
        gauge.reach(done)
    said = capsys.readouterr().err.splitlines()
    assert said == ["check: 1,000 rows, 100 rows/s", "check: 0 rows, 0 rows/s", "check: 5,000 rows, 500 rows/s"]
