"""Bars on a terminal: what, how much of it, how fast, how long still."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from gateway.client.board import Board, Gauge
from gateway.client.escape import escape
from gateway.client.sizes import amount, rate
from gateway.client.terminal import Terminal


class BarBoard:
    """A bar per gauge."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def gauge(self, label: str, total: int | None, unit: str) -> Gauge:
        task = self._progress.add_task(escape(label, 40), total=total, amount="", rate="")
        return BarGauge(self._progress, task, total, unit)


class BarGauge:
    """One bar."""

    def __init__(self, progress: Progress, task: TaskID, total: int | None, unit: str) -> None:
        self._progress = progress
        self._task = task
        self._total = total
        self._unit = unit
        self._done = 0
        self._started = time.monotonic()

    def reach(self, done: int) -> None:
        if done < self._done:
            self._started = time.monotonic()  # another pass, with a speed of its own
        self._done = done
        of = f" of {amount(self._total, self._unit)}" if self._total else ""
        self._progress.update(self._task, completed=done, amount=amount(done, self._unit) + of, rate=self._rate())

    def enter(self, stage: str, done: float, detail: str = "") -> None:
        self._progress.update(self._task, completed=done, amount=stage, rate=detail)

    def finish(self, remark: str = "") -> None:
        done = max(self._done, self._total or 0)
        shown = remark or amount(done, self._unit)
        # A bar of an unknown total pulses for ever unless it gets one.
        self._progress.update(
            self._task, total=done or 1, completed=done or 1, amount=shown, rate="" if remark else self._rate()
        )

    def _rate(self) -> str:
        return rate(self._done, time.monotonic() - self._started, self._unit)


@contextmanager
def bar_board(terminal: Terminal) -> Iterator[Board]:
    """Bars on standard error until the end of the block; they stay, finished."""
    console = Console(stderr=True, no_color=terminal.no_color, highlight=False)
    columns = (
        # Names of files are text, not markup: `[red]` in one must stay as it is.
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=28),
        TextColumn("{task.fields[amount]}", style="cyan", markup=False),
        TextColumn("{task.fields[rate]}", style="dim", markup=False),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=console) as progress:
        yield BarBoard(progress)
