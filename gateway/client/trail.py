"""A flow's status as it moves on, on a board: which resource is in which stage, how far within it, or why it waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.client.board import Board, Gauge
from gateway.client.sizes import duration, plural, short

STAGES = ("load", "encoding", "csvkind", "validate", "dump")
SHOWN = 20
"""Resources with a gauge of their own; a package of thousands gets one for all."""
ENDED = frozenset({"SUCCEEDED", "FAILED"})


class Trail:
    """`show` takes every status of one flow in turn."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._gauges: dict[str, Gauge] = {}
        self._ended: set[str] = set()
        self._search: Gauge | None = None

    def show(self, status: dict[str, Any]) -> None:
        """Move every gauge to where the status says it is."""
        resources = [resource for resource in status.get("resources", ()) if isinstance(resource, dict)]
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
            gauge.enter(f"{stage} (waiting)" if _waits(resource) else stage, _position(stage) + reached, detail)
        if state in ENDED:
            self._ended.add(name)

    def _show_all(self, resources: list[dict[str, Any]]) -> None:
        ended = sum(1 for resource in resources if resource.get("state") in ENDED)
        gauge = self._gauge("resources", len(resources))
        if ended == len(resources) and "resources" not in self._ended:
            self._ended.add("resources")
            gauge.finish(f"{plural(ended, 'resource')} done")
        elif ended < len(resources):
            waiting = sum(1 for resource in resources if resource.get("state") not in ENDED and _waits(resource))
            detail = f"{ended:,} of {len(resources):,} done" + (f", {waiting:,} waiting" if waiting else "")
            gauge.enter("in the pipeline", ended, detail)

    def _gauge(self, name: str, total: int) -> Gauge:
        if name not in self._gauges:
            self._gauges[name] = self._board.gauge(name, total, "stages")
        return self._gauges[name]


def _position(stage: str) -> int:
    return STAGES.index(stage) if stage in STAGES else 0


def _mapping(resource: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = resource.get(name)
    return found if isinstance(found, dict) else {}


def _waits(resource: Mapping[str, Any]) -> bool:
    """Whether nobody works on it, as far as that is known."""
    return bool(_mapping(resource, "waiting")) or (
        resource.get("state") == "QUEUED" and not _mapping(resource, "progress")
    )


def _progress(resource: Mapping[str, Any]) -> tuple[float, str]:
    """How much of the stage is done, from 0 to 1, and in words; what it waits for where nothing is done."""
    progress = _mapping(resource, "progress")
    done, total, unit = progress.get("done"), progress.get("total"), str(progress.get("unit", ""))
    if not isinstance(done, int):
        return 0.0, str(_mapping(resource, "waiting").get("words", "")).removeprefix("waits for ")
    if progress.get("reading") == 0:
        return 0.0, ""
    noun = "" if unit == "bytes" else f" {unit}"
    words = [f"{short(done, unit)} of {short(total, unit)}{noun}" if total else f"{short(done, unit)}{noun}"]
    if isinstance(rate := progress.get("rate"), int) and rate:
        words.append(f"{short(rate, unit)}/s")
    if isinstance(eta := progress.get("eta"), int) and eta:
        words.append(f"about {duration(eta)}")
    return min(done / total, 1.0) if total else 0.0, ", ".join(words)
