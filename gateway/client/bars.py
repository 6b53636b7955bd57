"""Bars on a terminal: what, how much of it, how fast, how long still; in 80 columns, for links of any speed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column

from gateway.client.board import Board, Gauge
from gateway.client.escape import escape
from gateway.client.sizes import duration, rate, size
from gateway.client.terminal import Terminal

REDRAWS = 4
"""A second: more than the statuses that come, and little enough for a slow link."""
WIDE = 110
"""Columns from which there is room for a longer bar and names in full."""


class BarBoard:
    """A bar per gauge; names are cut to `longest` characters."""

    def __init__(self, progress: Progress, longest: int) -> None:
        self._progress = progress
        self._longest = longest

    def gauge(self, label: str, total: int | None, unit: str) -> Gauge:
        name = escape(label, 200)
        task = self._progress.add_task(_cut(name, self._longest), total=total, amount="", rate="")
        return BarGauge(self._progress, task, name, total, unit)


class BarGauge:
    """One bar."""

    def __init__(self, progress: Progress, task: TaskID, name: str, total: int | None, unit: str) -> None:
        self._progress = progress
        self._task = task
        self._name = name
        self._total = total
        self._unit = unit
        self._done = self._before = 0
        self._started = time.monotonic()

    def reach(self, done: int) -> None:
        if done < self._done:
            self._started = time.monotonic()  # another pass, with a speed of its own
        self._done = done
        self._progress.update(self._task, completed=done, amount=self._amount(done), rate=self._rate(done))

    def resume(self, there: int) -> None:
        self._started, self._done, self._before = time.monotonic(), there, there
        self._progress.update(self._task, completed=there, amount=self._amount(there))
        if there:
            self._progress.console.print(f"{self._name}: {size(there)} are there already, going on", markup=False)

    def enter(self, stage: str, done: float, detail: str = "") -> None:
        self._progress.update(self._task, completed=done, amount=stage, rate=detail)

    def finish(self, remark: str = "") -> None:
        done = max(self._done, self._total or 0)
        shown = remark or self._amount(done)
        # A bar of an unknown total pulses for ever unless it gets one.
        self._progress.update(
            self._task, total=done or 1, completed=done or 1, amount=shown, rate="" if remark else self._rate(done)
        )

    def _amount(self, done: int) -> str:
        count = size(done) if self._unit == "bytes" else f"{done:,}"
        if not self._total:
            return count if self._unit == "bytes" else f"{count} {self._unit}"
        return f"{count} of {size(self._total) if self._unit == 'bytes' else f'{self._total:,}'}"

    def _rate(self, done: int) -> str:
        passed = time.monotonic() - self._started
        new = done - self._before
        left = (self._total - done) * passed / new if self._total and new and passed >= 1 else 0
        return rate(new, passed, self._unit) + (f", {duration(left)}" if left else "")


@contextmanager
def bar_board(terminal: Terminal, console: Console | None = None) -> Iterator[Board]:
    """Bars on standard error (or that console) until the end of the block; they stay, finished."""
    console = console or Console(stderr=True, no_color=terminal.no_color, highlight=False)
    wide = console.width >= WIDE
    columns = (
        # Names of files are text, not markup: `[red]` in one must stay as it is.
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        BarColumn(bar_width=28 if wide else 6),
        TextColumn("{task.fields[amount]}", style="cyan", markup=False, table_column=Column(no_wrap=True)),
        # What has no room is cut: a line that wraps makes all below it jump.
        TextColumn("{task.fields[rate]}", style="dim", markup=False, table_column=Column(no_wrap=True)),
    )
    with Progress(*columns, console=console, refresh_per_second=REDRAWS) as progress:
        yield BarBoard(progress, 40 if wide else 16)


def _cut(label: str, longest: int) -> str:
    """The end of a name tells files apart better than its beginning."""
    return label if len(label) <= longest else f"…{label[1 - longest :]}"
