"""How far transfers and checks are, for whoever watches: bars on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from gateway.client.escape import escape
from gateway.client.sizes import amount, rate
from gateway.client.terminal import Terminal

_EVERY = 5.0  # seconds between two lines about the same thing


class Gauge(Protocol):
    """One thing being done, `unit` bytes or rows."""

    def reach(self, done: int) -> None:
        """So much is done by now; less than before when it starts over."""

    def resume(self, there: int) -> None:
        """So much was there before: it is no merit of now's."""

    def enter(self, stage: str, done: float, detail: str = "") -> None:
        """It is in this stage now; `done` of the total, `detail` how far within the stage."""

    def finish(self, remark: str = "") -> None:
        """It is done."""


class Board(Protocol):
    """Where gauges are shown."""

    def gauge(self, label: str, total: int | None, unit: str) -> Gauge:
        """A new gauge."""


@contextmanager
def showing(terminal: Terminal) -> Iterator[Board]:
    """Bars where the terminal can show them, lines elsewhere; lines of JSON where that is asked for."""
    if not terminal.has_bars:
        yield JsonBoard(terminal) if terminal.as_json else LineBoard(terminal)
        return
    # The library of the bars is heavy; only a terminal pays for it.
    from gateway.client.bars import bar_board

    with bar_board(terminal) as bars:
        yield bars


class JsonBoard:
    """One JSON object a line on standard error, for programs."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def gauge(self, label: str, total: int | None, unit: str) -> Gauge:
        return JsonGauge(self._terminal, label, total, unit)


class JsonGauge:
    """Says every few seconds how far it is, and at once when it enters a stage or is done."""

    def __init__(self, terminal: Terminal, label: str, total: int | None, unit: str) -> None:
        self._terminal = terminal
        self._known = {"progress": label, "total": total, "unit": unit}
        self._stage = ""
        self._told = time.monotonic()

    def reach(self, done: int) -> None:
        if time.monotonic() - self._told >= _EVERY:
            self._tell(done=done)

    def resume(self, there: int) -> None:
        self._tell(done=there, there=there)

    def enter(self, stage: str, done: float, detail: str = "") -> None:
        if stage != self._stage or (detail and time.monotonic() - self._told >= _EVERY):
            self._stage = stage
            self._tell(done=round(done, 3), stage=stage, detail=detail)

    def finish(self, remark: str = "") -> None:
        self._tell(done=self._known["total"], stage="done", detail=remark)

    def _tell(self, **more: object) -> None:
        self._told = time.monotonic()
        self._terminal.report({**self._known, **more})


class LineBoard:
    """Lines on standard error, for logs and pipes."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def gauge(self, label: str, total: int | None, unit: str) -> Gauge:
        return LineGauge(self._terminal, label, total, unit)


class LineGauge:
    """Says how far it is every few seconds, and when it is done."""

    def __init__(self, terminal: Terminal, label: str, total: int | None, unit: str) -> None:
        self._terminal = terminal
        self._label = escape(label, 200)
        self._total = total
        self._unit = unit
        self._started = self._told = time.monotonic()
        self._done = self._before = 0
        self._stage = ""

    def reach(self, done: int) -> None:
        now = time.monotonic()
        if done < self._done:
            self._started = now  # another pass, with a speed of its own
        self._done = done
        if now - self._told >= _EVERY:
            self._told = now
            of = f" of {amount(self._total, self._unit)}" if self._total else ""
            self._terminal.note(f"{self._label}: {amount(done, self._unit)}{of}, {self._rate(now)}")

    def resume(self, there: int) -> None:
        self._started, self._done, self._before = time.monotonic(), there, there
        if there:
            self._terminal.note(f"{self._label}: {amount(there, self._unit)} are there already, going on")

    def enter(self, stage: str, done: float, detail: str = "") -> None:
        now = time.monotonic()
        if stage != self._stage or (detail and now - self._told >= _EVERY):
            self._stage, self._told = stage, now
            self._terminal.note(f"{self._label}: {stage}" + (f", {detail}" if detail else ""))

    def finish(self, remark: str = "") -> None:
        done = amount(max(self._done, self._total or 0), self._unit)
        now = time.monotonic()
        # Of what took no time a rate says nothing.
        speed = f", {self._rate(now)}" if now - self._started >= 1 else ""
        self._terminal.note(f"{self._label}: {remark or done + speed}")

    def _rate(self, now: float) -> str:
        return rate(self._done - self._before, now - self._started, self._unit)
