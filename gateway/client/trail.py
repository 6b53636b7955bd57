"""A flow's status as it moves on, on a board: which resource is in which stage, how far within it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.client.board import Board, Gauge
from gateway.client.sizes import amount, plural

STAGES = ("load", "encoding", "csvkind", "validate", "dump")
SHOWN = 20
"""Resources with a gauge of their own; a package of thousands gets one for all."""


class Trail:
    """`show` takes every status of one flow in turn."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._gauges: dict[str, Gauge] = {}
        self._ended: set[str] = set()
        self._search: Gauge | None = None
        self._waiting = ""

    def show(self, status: dict[str, Any]) -> None:
        """Move every gauge to where the status says it is."""
        resources = [resource for resource in status.get("resources", ()) if isinstance(resource, dict)]
        self._waiting = _waiting(status)
        if len(resources) > SHOWN:
            self._show_all(resources)
        else:
            for resource in resources:
                self._show(resource)
        if status.get("state") == "SUCCEEDED" and not status.get("indexed") and not self._search:
            self._search = self._board.gauge("search", 1, "stages")
            self._search.enter("published, waiting for the search index", 0)
        if status.get("indexed") and self._search:
            self._search.finish("found")

    def _show(self, resource: Mapping[str, Any]) -> None:
        name, stage, state = (str(resource.get(key, "")) for key in ("name", "stage", "state"))
        if name in self._ended:
            return
        gauge = self._gauge(name, len(STAGES))
        if state == "SUCCEEDED":
            rows = resource.get("rows")
            gauge.finish("done" if rows is None else f"done, {plural(rows, 'row')}")
        elif state == "FAILED":
            gauge.finish(f"failed at {stage}")
        else:
            reached, detail = _progress(resource)
            gauge.enter(f"{stage}{self._waiting}" if state == "QUEUED" else stage, _position(stage) + reached, detail)
        if state in {"SUCCEEDED", "FAILED"}:
            self._ended.add(name)

    def _show_all(self, resources: list[dict[str, Any]]) -> None:
        ended = sum(1 for resource in resources if resource.get("state") in {"SUCCEEDED", "FAILED"})
        gauge = self._gauge("resources", len(resources))
        if ended == len(resources) and "resources" not in self._ended:
            self._ended.add("resources")
            gauge.finish(f"{plural(ended, 'resource')} done")
        elif ended < len(resources):
            gauge.enter("in the pipeline", ended, f"{ended:,} of {len(resources):,} done")

    def _gauge(self, name: str, total: int) -> Gauge:
        if name not in self._gauges:
            self._gauges[name] = self._board.gauge(name, total, "stages")
        return self._gauges[name]


def _waiting(status: Mapping[str, Any]) -> str:
    queue = status.get("queue")
    ahead = queue.get("ahead") if isinstance(queue, dict) else None
    return f" (waiting, {plural(ahead, 'flow')} ahead)" if isinstance(ahead, int) and ahead else " (waiting)"


def _position(stage: str) -> int:
    return STAGES.index(stage) if stage in STAGES else 0


def _progress(resource: Mapping[str, Any]) -> tuple[float, str]:
    """How much of the stage is done, from 0 to 1, and in words."""
    progress = resource.get("progress")
    if not isinstance(progress, dict) or not isinstance(progress.get("done"), int):
        return 0.0, ""
    done, total, unit = progress["done"], progress.get("total"), str(progress.get("unit", ""))
    if not total:
        return 0.0, amount(done, unit)
    return min(done / total, 1.0), f"{amount(done, unit)} of {amount(total, unit)}"
