"""How far running stages are, as this process has heard it: the newest of each resource, for as long as it is news."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.words import progress_words
from messages.jobs import STAGES
from messages.stageevents import StageProgressed

NEWS = 15.0
"""Seconds: a stage says something every 5, so one that has been silent for so long is no longer taken to run."""


@dataclass(frozen=True, slots=True)
class _Entry:
    event: StageProgressed
    at: float

    @property
    def order(self) -> tuple[int, ...]:
        """A later stage counts more than an earlier one, but a restart of the resource more than either."""
        event = self.event
        return (event.round, STAGES.index(event.stage), *event.order[1:])


class Heard:
    """Of all flows, bounded by what is said in NEWS seconds; what comes late or twice changes nothing."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: OrderedDict[tuple[str, int], _Entry] = OrderedDict()

    def hear(self, event: StageProgressed) -> bool:
        """Whether it is news."""
        self._forget()
        if event.stage not in STAGES:
            return False
        key, entry = (event.flow.id, event.index), _Entry(event, self._clock())
        before = self._entries.get(key)
        if before is not None and entry.order < before.order:
            return False
        self._entries[key] = entry
        self._entries.move_to_end(key)
        return before is None or entry.order > before.order

    def progress(self, flow_id: str, index: int, stage: str, round: int) -> dict[str, Any] | None:
        """How far the resource is in this stage of this round; None where nothing is known, or no longer."""
        self._forget()
        entry = self._entries.get((flow_id, index))
        if entry is None or (entry.event.stage, entry.event.round) != (stage, round):
            return None
        return progress_of(entry.event)

    def _forget(self) -> None:
        until = self._clock() - NEWS
        while self._entries and next(iter(self._entries.values())).at < until:
            self._entries.popitem(last=False)


def progress_of(event: StageProgressed) -> dict[str, Any]:
    """As the status says it: `rate` in units a second, `eta` in seconds, both None where they cannot be known.

    Where rows are counted the bytes are those of as many average rows.
    """
    progress = {
        "done": event.done,
        "total": event.total,
        "unit": event.unit,
        **_bytes(event),
        "rate": event.rate,
        "eta": _eta(event),
        "reading": event.reading,
        "attempt": event.attempt,
    }
    return {**progress, "words": progress_words(progress)}


def _bytes(event: StageProgressed) -> dict[str, int | None]:
    if event.unit == "bytes":
        return {"bytes": event.done, "bytes_total": event.total}
    if not event.total or event.size is None:
        return {"bytes": None, "bytes_total": event.size}
    return {"bytes": round(event.size * event.done / event.total), "bytes_total": event.size}


def _eta(event: StageProgressed) -> int | None:
    if event.total is None or not event.rate:
        return None
    return math.ceil((event.total - event.done) / event.rate)
