"""How a flow ended (or where it is), for a person and for a machine; the exit code that goes with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.client.escape import escape
from gateway.client.failures import FINE, RequestFailure, ServerFailure
from gateway.client.findings import show_findings
from gateway.client.sizes import plural, size
from gateway.client.terminal import Terminal

SHOWN = 10
STYLES = {"SUCCEEDED": "green", "FAILED": "red", "INPROGRESS": "cyan", "QUEUED": "yellow"}


class Outcome:
    """One status object, and the server whose pages tell more."""

    def __init__(self, server: str, status: Mapping[str, Any]) -> None:
        self._status = status
        self.state = str(status.get("state", "?"))
        self.revision = str(status.get("id", "")).rpartition("/")[2]
        self.dataset = f"{status.get('owner', '?')}/{status.get('dataset', '?')}"
        self.page = f"{server}/{self.dataset}"
        self.run = f"{self.page}/v/{self.revision}"

    @property
    def exit_code(self) -> int:
        """3 where we failed the publisher and not the data us."""
        if self.state != "FAILED":
            return ServerFailure.exit_code if self._unfindable else FINE
        rejected = [resource for resource in self._failed() if not resource.get("abandoned")]
        return RequestFailure.exit_code if rejected else ServerFailure.exit_code

    @property
    def _unfindable(self) -> str | None:
        """Why a published revision is not found by the search, where that will not change by itself."""
        return self._status.get("index_error")

    def to_dict(self) -> dict[str, Any]:
        """The status itself, and the addresses."""
        return {
            "ok": self.state != "FAILED" and not self._unfindable,
            "page": self.page,
            "run": self.run,
            **self._status,
        }

    def show(self, terminal: Terminal) -> None:
        """Say it."""
        state = terminal.paint(self.state, STYLES.get(self.state, ""))
        terminal.say(f"{state}  {escape(self.dataset)}, revision {self.revision}{self._totals()}")
        failed = self._failed()
        if self._unfindable:
            terminal.say(f"  {escape(self._unfindable)}")
        if self._status.get("reason") and not failed:
            terminal.say(f"  {escape(self._status['reason'])}")
        if self.state in {"QUEUED", "INPROGRESS"}:
            for resource in self._resources():
                name, stage, state = (escape(resource.get(key), 100) for key in ("name", "stage", "state"))
                terminal.say(f"  {name}: {stage} {state.lower()}{_moving(resource)}")
        self._show_left_out(terminal)
        for resource in failed[:SHOWN]:
            self._show_failed(terminal, resource)
        if len(failed) > SHOWN:
            terminal.say(f"  … and {plural(len(failed) - SHOWN, 'resource')} more that failed")
        terminal.say(f"  {self.page if self.state == 'SUCCEEDED' else self.run}")
        if self._status.get("receipt"):
            terminal.say(f"  receipt: {escape(self._status['receipt'], 500)}")

    def _show_left_out(self, terminal: Terminal) -> None:
        """What was not done with files that have not failed, or not to its end, and why."""
        told = [
            (resource, note)
            for resource in self._resources()
            if resource.get("state") != "FAILED"
            for note in _left_out(resource)
        ]
        for resource, note in told[:SHOWN]:
            terminal.say(f"  {escape(resource.get('name'), 100)}: {note}")
        if len(told) > SHOWN:
            terminal.say(f"  … and {plural(len(told) - SHOWN, 'note')} more: see {self.run}")

    def _show_failed(self, terminal: Terminal, resource: Mapping[str, Any]) -> None:
        name = escape(resource.get("name"), 100)
        findings = [finding for finding in resource.get("findings") or () if isinstance(finding, dict)]
        errors = resource.get("errors")
        total = errors if isinstance(errors, int) else len(findings)
        # The reason repeats the first finding.
        reason = plural(total, "error") if findings else escape(resource.get("reason") or "no reason given")
        terminal.say(f"  {terminal.paint(name, 'bold')} failed at {escape(resource.get('stage'))}: {reason}")
        show_findings(terminal, findings, total, counts=_counts(resource))
        for note in _left_out(resource):
            terminal.say(f"    {note}")
        if resource.get("report"):
            terminal.say(f"    report: {escape(resource['report'])}")

    def _totals(self) -> str:
        if self.state != "SUCCEEDED":
            return ""
        resources = self._resources()
        rows = sum(resource.get("rows") or 0 for resource in resources)
        stats = self._status.get("stats") or {}
        total = stats.get("bytes") if isinstance(stats, dict) else None
        sizes = f", {size(total)}" if isinstance(total, int) else ""
        return f": {plural(len(resources), 'resource')}, {plural(rows, 'row')}{sizes}"

    def _resources(self) -> list[Mapping[str, Any]]:
        return [resource for resource in self._status.get("resources") or () if isinstance(resource, dict)]

    def _failed(self) -> list[Mapping[str, Any]]:
        return [resource for resource in self._resources() if resource.get("state") == "FAILED"]


def _moving(resource: Mapping[str, Any]) -> str:
    """How far it is within its stage, or what it waits for."""
    told = resource.get("progress") or resource.get("waiting")
    words = told.get("words") if isinstance(told, dict) else None
    return f", {escape(words, 200)}" if words else ""


def _left_out(resource: Mapping[str, Any]) -> list[str]:
    notes = resource.get("left_out")
    return [escape(note, 500) for note in notes] if isinstance(notes, list) else []


def _counts(resource: Mapping[str, Any]) -> dict[str, int]:
    """How many errors of each rule the stage counted; empty where it did not."""
    facts = resource.get("facts")
    told = facts.get(resource.get("stage")) if isinstance(facts, dict) else None
    counts = told.get("by_rule") if isinstance(told, dict) else None
    return {rule: count for rule, count in counts.items() if isinstance(count, int)} if isinstance(counts, dict) else {}
