"""How fast something goes, and what is still news of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.heard import NEWS, Heard, progress_of
from gateway.words import duration, waiting_words
from messages.datapackage import FlowRef
from messages.stageevents import StageProgressed
from workers.pace import Pace

FLOW = FlowRef(ownerid="o", owner="ada", dataset="d", revision=1, findability="published")
NOW = StageProgressed(
    flow=FLOW, index=0, name="towns", stage="validate", done=50, total=100, unit="rows", round=1, attempt=2,
    began=1_000, reading=2, rate=7, size=1_000,
)  # fmt: skip


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_steady_pace_is_told_from_the_first_half_second_on() -> None:
    pace = Pace(100.0)
    assert pace.reach(20, 100.2) is None
    assert [pace.reach(100 * second, 100.0 + second) for second in range(1, 5)] == [100, 100, 100, 100]


def test_what_was_fast_lately_counts_most_and_a_jump_is_no_change_of_pace() -> None:
    pace = Pace(0.0)
    for second in range(1, 60):
        pace.reach(100 * second, float(second))
    jumped = pace.reach(5_900 + 1_000, 60.0)
    assert jumped is not None
    assert 100 < jumped < 300
    for second in range(61, 120):
        slow = pace.reach(6_900 + 10 * (second - 60), float(second))
    assert slow is not None
    assert 10 <= slow < 15


def test_a_stage_that_stands_still_gets_slower_and_slower() -> None:
    pace = Pace(0.0)
    pace.reach(1_000, 1.0)
    rates = [pace.reach(1_000, float(second)) or 0 for second in range(2, 60)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 100


@pytest.mark.parametrize(
    "late",
    [
        {"done": 49},
        {"reading": 1, "done": 99},
        {"began": 999, "reading": 9},
        {"attempt": 1, "began": 2_000},
        {"stage": "csvkind", "attempt": 9},
        {"round": 0, "stage": "dump", "attempt": 9},
        {"stage": "nonsense"},
    ],
)
def test_what_comes_late_shows_nothing(late: dict[str, Any]) -> None:
    heard = Heard()
    assert heard.hear(NOW)
    assert not heard.hear(replace(NOW, **late))
    progress = heard.progress(FLOW.id, 0, "validate", 1)
    assert progress is not None
    assert (progress["done"], progress["reading"], progress["attempt"]) == (50, 2, 2)


@pytest.mark.parametrize(
    "next_one",
    [
        {"done": 51},
        {"reading": 3, "done": 0},
        {"began": 1_001, "reading": 0, "done": 0},
        {"attempt": 3, "began": 5, "reading": 0, "done": 0},
        {"stage": "dump", "attempt": 1, "done": 0},
        {"round": 2, "stage": "load", "attempt": 1, "done": 0},
    ],
)
def test_what_is_newer_takes_its_place(next_one: dict[str, Any]) -> None:
    heard = Heard()
    heard.hear(NOW)
    newer = replace(NOW, **next_one)
    assert heard.hear(newer)
    told = heard.progress(FLOW.id, 0, newer.stage, newer.round)
    assert told is not None
    assert told["done"] == newer.done


def test_the_facts_decide_whether_it_is_shown() -> None:
    heard = Heard()
    heard.hear(NOW)
    assert heard.progress(FLOW.id, 0, "dump", 1) is None
    assert heard.progress(FLOW.id, 0, "validate", 2) is None
    assert heard.progress(FLOW.id, 1, "validate", 1) is None


def test_a_stage_that_falls_silent_is_forgotten_and_one_that_repeats_itself_is_not() -> None:
    clock = Clock()
    heard = Heard(clock)
    heard.hear(NOW)
    heard.hear(replace(NOW, index=1))
    clock.now = NEWS - 1
    assert not heard.hear(NOW)  # no news, but a sign of life
    clock.now = NEWS + 1
    assert heard.progress(FLOW.id, 1, "validate", 1) is None
    assert heard.progress(FLOW.id, 0, "validate", 1) is not None
    clock.now = 2 * NEWS + 1
    # A worker whose clock is slow took it over: its word counts when the other's is none any more.
    assert heard.hear(replace(NOW, began=1, done=0, reading=0))


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (NOW, {"done": 50, "bytes": 500, "bytes_total": 1_000, "rate": 7, "eta": 8}),
        (replace(NOW, total=None), {"total": None, "bytes": None, "bytes_total": 1_000, "eta": None}),
        (replace(NOW, unit="bytes"), {"bytes": 50, "bytes_total": 100, "eta": 8}),
        (replace(NOW, rate=0), {"rate": 0, "eta": None}),
        (replace(NOW, rate=None), {"rate": None, "eta": None}),
    ],
)
def test_time_and_bytes_are_told_where_they_can_be_known(event: StageProgressed, told: dict[str, int]) -> None:
    heard = Heard()
    heard.hear(event)
    progress = heard.progress(FLOW.id, 0, "validate", 1)
    assert progress is not None
    assert {name: progress[name] for name in told} == told


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (NOW, "attempt 2: pass 2: 50 of 100 rows (500 B of 1.0 kB), 7 rows/s, about 8 s left"),
        (replace(NOW, reading=0, attempt=1), "begun"),
        (replace(NOW, reading=0), "attempt 2: begun"),
        (replace(NOW, attempt=1, reading=1, total=None, rate=None), "50 rows"),
        (
            replace(NOW, attempt=1, reading=1, unit="bytes", done=10**9, total=10**10, rate=10**7),
            "1.0 GB of 10.0 GB, 10.0 MB/s, about 15 min left",
        ),
    ],
)
def test_progress_in_words(event: StageProgressed, words: str) -> None:
    assert progress_of(event)["words"] == words


@pytest.mark.parametrize(
    ("waiting", "words"),
    [
        ({"for": "turn", "place": 3, "line": 12}, "waits for its turn: 3rd of 12 of this owner"),
        ({"for": "turn", "place": 111, "line": 1000}, "waits for its turn: 111th of 1,000 or more of this owner"),
        ({"for": "turn", "place": None, "line": 1000}, "waits for its turn, behind 1,000 or more of this owner"),
        ({"for": "turn", "place": None, "line": None}, "waits for its turn"),
        ({"for": "worker", "jobs": 1}, "waits for a free worker: about 1 job is queued"),
        ({"for": "worker", "jobs": 1_000}, "waits for a free worker: 1,000 or more jobs are queued"),
        ({"for": "worker", "jobs": 2_500}, "waits for a free worker: about 2,500 jobs are queued"),
    ],
)
def test_waiting_in_words(waiting: dict[str, Any], words: str) -> None:
    assert waiting_words(waiting) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(4, "4 s"), (44, "40 s"), (58, "1 min"), (170, "3 min"), (3_500, "1 h"), (9_000, "2 h"), (200_000, "2 days")],
)
def test_time_is_told_as_exactly_as_a_guess_can_be(seconds: int, words: str) -> None:
    assert duration(seconds) == words
