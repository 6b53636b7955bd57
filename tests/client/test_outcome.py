"""Statuses as they come by, told as they go; and whose fault a failed run was."""

from __future__ import annotations

import io
import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from gateway.client.bars import bar_board
from gateway.client.board import LineBoard, showing
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
    waiting = {"for": "turn", "place": 3, "line": 12, "words": "waits for its turn: 3rd of 12 of this owner"}
    progress = {"done": 20_000, "total": 100_000, "unit": "rows", "rate": 1_500, "eta": 54, "reading": 1}
    for told in (
        status("QUEUED", resource("search", "QUEUED", waiting=waiting)),
        status("INPROGRESS", resource("search", "INPROGRESS", "load")),
        status("INPROGRESS", resource("search", "INPROGRESS", "load")),
        status("INPROGRESS", resource("search", "INPROGRESS", "validate", progress=progress)),
        status("SUCCEEDED", resource("search", "SUCCEEDED", "dump", rows=100)),
        status("SUCCEEDED", resource("search", "SUCCEEDED", "dump", rows=100)),
        status("SUCCEEDED", resource("search", "SUCCEEDED", "dump", rows=100), indexed=True),
    ):
        trail.show(told)
    assert capsys.readouterr().err.splitlines() == [
        "search: load (waiting), its turn: 3rd of 12 of this owner",
        "search: load",
        "search: validate, 20.0k of 100.0k rows, 1,500/s, about 50 s",
        "search: done, 100 rows",
        "search: published, waiting for the search index",
        "search: found",
    ]


def test_a_file_that_is_being_loaded_does_not_wait(capsys: pytest.CaptureFixture[str]) -> None:
    progress = {"done": 5_000_000, "total": 10_000_000, "unit": "bytes", "rate": 1_000_000, "eta": 5, "reading": 1}
    Trail(LineBoard(Terminal(environ={}))).show(status("QUEUED", resource("a", "QUEUED", progress=progress)))
    assert capsys.readouterr().err == "a: load, 5.0 MB of 10.0 MB, 1.0 MB/s, about 5 s\n"


def test_programs_are_told_of_progress_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    with showing(Terminal(as_json=True, environ={})) as board:
        trail = Trail(board)
        trail.show(status("INPROGRESS", resource("a", "INPROGRESS", "dump")))
        trail.show(status("SUCCEEDED", resource("a", "SUCCEEDED", "dump", rows=2), indexed=True))
    told = capsys.readouterr()
    assert told.out == ""
    assert [json.loads(line) for line in told.err.splitlines()] == [
        {"progress": "a", "total": 5, "unit": "stages", "done": 4.0, "stage": "dump", "detail": ""},
        {"progress": "a", "total": 5, "unit": "stages", "done": 5, "stage": "done", "detail": "done, 2 rows"},
    ]


def test_status_says_how_far_a_stage_is_and_what_it_waits_for(capsys: pytest.CaptureFixture[str]) -> None:
    moving = [
        resource("a", "INPROGRESS", "dump", progress={"words": "1 of 9 rows"}),
        resource("b", "QUEUED", waiting={"words": "waits for its turn"}),
        resource("c", "QUEUED", progress=None, waiting=None),
    ]
    Outcome("http://s", status("INPROGRESS", *moving)).show(Terminal(environ={}))
    assert capsys.readouterr().out.splitlines()[1:4] == [
        "  a: dump inprogress, 1 of 9 rows",
        "  b: load queued, waits for its turn",
        "  c: load queued",
    ]


def test_bars_have_room_in_80_columns() -> None:
    screen = io.StringIO()
    queued = {"for": "worker", "jobs": 1_000, "words": "waits for a free worker: 1,000 or more jobs are queued"}
    turn = {"for": "turn", "words": "waits for its turn: 977th of 1,000 or more of this owner"}
    rows = {"done": 123_456_789, "total": 987_654_321, "unit": "rows", "rate": 1_234_567, "eta": 700, "reading": 1}
    names = ("a-name-that-is-very-long.csv", "b", "another-quite-long-one")
    moving: tuple[dict[str, Any], ...] = ({"progress": rows}, {"waiting": queued}, {"waiting": turn})
    resources = [resource(name, "INPROGRESS", "validate", **more) for name, more in zip(names, moving, strict=True)]
    console = Console(file=screen, width=80, force_terminal=True, color_system=None)
    with bar_board(Terminal(environ={}), console) as board:
        Trail(board).show(status("INPROGRESS", *resources))
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue().replace("\r", "\n"))
    last = [line.rstrip() for line in shown.splitlines() if line.strip()][-3:]
    assert [len(line) <= 80 for line in last] == [True] * 3
    assert "validate" in last[0]
    assert "123.5M of 987.7M rows, 1.2M/s" in last[0]
    assert "a free worker: 1,000 or more" in last[1]
    assert "its turn: 977th of 1,000" in last[2]


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
