"""The report page: every problem of a resource by rule, with its row, column and cell."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiohttp import web

from gateway.auth.identity import identify
from gateway.downloads import download_name, file_of
from gateway.pages import text
from gateway.pages.evidence import of_table
from gateway.pages.finding import FindingLine, finding_line
from gateway.pages.run import left_out_of
from gateway.pages.site import Site
from gateway.pages.summary import Summary, summary_of
from gateway.pkgstore import PackageStore, ResourceRun, Revision
from gateway.problems import not_found
from messages.blobs import Blobs
from messages.errors import PermanentError, TransientError
from tabular.workbook import Sheet

LARGEST = 4_000_000
"""Bytes of a report that is drawn; a larger one can be downloaded."""
MOST_LISTED = 200
"""Findings of one rule on the page."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Download:
    """A file of a report; `words` say what is in it."""

    address: str
    name: str
    words: str
    size: int


DOWNLOADS = {
    "errors": "one row for each error: rule, row, line, byte offset, column, cell, what is wrong",
    "annotated": "the bad rows as they are, with what is wrong with each in front: mend them and put them back",
    "summary": "every error counted, by rule and column",
    "report": "the report of frictionless",
}


@dataclass(frozen=True, slots=True)
class Group:
    """All problems of one rule: `count` of them, the first ones in `findings`."""

    rule: str
    title: str
    count: int
    fields: str
    findings: Sequence[FindingLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a check found. `errors` counts all, listed or not, unless it was `truncated` at the limit of errors.

    `unavailable` says why the list is not whole.
    """

    valid: bool
    errors: int
    rows: int | None = None
    groups: Sequence[Group] = ()
    warnings: Sequence[str] = field(default_factory=tuple)
    unavailable: str = ""
    truncated: bool = False

    @property
    def listed(self) -> int:
        """Problems that are on the page."""
        return sum(len(group.findings) for group in self.groups)


class ReportPage:
    """Handler of `/{owner}/{dataset}/v/{revision}/report/{resource}`."""

    def __init__(self, site: Site, store: PackageStore, blobs: Blobs) -> None:
        self._site = site
        self._store = store
        self._blobs = blobs

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/{owner}/{dataset}/v/{revision}/report/{resource}", self.show)]

    async def show(self, request: web.Request) -> web.Response:
        """The report on one resource of a revision in any state."""
        viewer = await identify(request)
        names = request.match_info
        revision = await self._store.revision(names["owner"], names["dataset"], names["revision"], viewer)
        run = next((run for run in revision.resources if run.name == names["resource"]), None) if revision else None
        if revision is None or run is None:
            raise not_found("There is no such report, or you may not see it.")
        return await self._site.page(
            request,
            "report.html",
            account=viewer.account,
            revision=revision,
            run=run,
            report=await self._report(run),
            summary=await self._summary(run),
            downloads=downloads(revision, run) if revision.finished_at else [],
            evidence=of_table(run.facts),
            left_out=left_out_of(run),
        )

    async def _summary(self, run: ResourceRun) -> Summary | None:
        """The summary of an invalid table, where there is one."""
        summary, errors = run.file("summary"), run.file("errors")
        if summary is None or summary.blob.size > LARGEST:
            return None
        is_listed = errors is not None and errors.blob.size <= LARGEST
        try:
            told = await self._blobs.get(summary.blob, limit=LARGEST)
            listed = await self._blobs.get(errors.blob, limit=LARGEST) if errors and is_listed else b""
            return summary_of(told, listed)
        except (TransientError, PermanentError, ValueError, KeyError, TypeError, AttributeError) as error:
            _log.warning("summary_unavailable", key=summary.blob.key, error=type(error).__name__)
            return None

    async def _report(self, run: ResourceRun) -> Report:
        file = run.file("report")
        blob = run.report or (file.blob if file else None)
        if blob is None:
            return report_of_run(run, "")
        if blob.size > LARGEST:
            return report_of_run(run, "The whole report is too long for a page: download it.")
        try:
            document = json.loads(await self._blobs.get(blob, limit=LARGEST))
            return report_of(document, run)
        except (TransientError, PermanentError, ValueError, KeyError, TypeError, AttributeError) as error:
            _log.warning("report_unavailable", key=blob.key, error=type(error).__name__)
            return report_of_run(run, "The whole report cannot be read right now; these are its first problems.")


def downloads(revision: Revision, run: ResourceRun) -> list[Download]:
    """The files of a report, those to work with first."""
    found = []
    for role, words in DOWNLOADS.items():
        name, file = download_name(run, role), file_of(run, role)
        if name and file:
            address = f"{revision.path}/r/{text.segment(name)}?v={revision.revision}"
            found.append(Download(address, name, words, file.blob.size))
    return found


def report_of_run(run: ResourceRun, unavailable: str) -> Report:
    """What the database knows of a resource's problems: the first of them, and how many there are."""
    findings = [finding_line(finding) for finding in run.findings]
    if not findings and run.reason:
        findings = [finding_line({"rule": run.rule or "rejected", "message": run.reason})]
    count = max(run.errors, len(findings))
    return Report(
        valid=run.state != "FAILED",
        errors=count,
        rows=run.rows,
        groups=grouped(findings, count),
        unavailable=unavailable,
    )


def report_of(document: Any, run: ResourceRun) -> Report:
    """The report that a stage wrote: frictionless' (alone or with our counts around it), or a list of findings."""
    outer = document if isinstance(document, dict) else {}
    inner = _mapping(outer, "report") or outer
    sheet = _mapping(_mapping(run.facts, "load"), "sheet")
    read = Sheet.from_dict(sheet) if sheet else None
    found = [finding_line(error, read) for error in _errors_of(inner)] or [
        finding_line(one) for one in outer.get("findings", ())
    ]
    if not found and run.state == "FAILED":
        return report_of_run(run, "")
    stats = _mapping(inner, "stats")
    count = max(int(outer.get("errors_total") or 0), int(stats.get("errors") or 0), len(found), run.errors)
    rows = outer.get("rows")
    if not isinstance(rows, int):
        rows = run.rows
    notes = [*outer.get("notes", ()), *inner.get("warnings", ())]
    notes += [warning for task in inner.get("tasks", ()) for warning in task.get("warnings", ())]
    return Report(
        valid=count == 0,
        errors=count,
        rows=rows,
        groups=grouped(found, count),
        warnings=[str(note) for note in notes],
        truncated=bool(_mapping(run.facts, "validate").get("truncated")),
    )


def _mapping(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _errors_of(report: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    yield from report.get("errors", ())
    for task in report.get("tasks", ()):
        yield from task.get("errors", ())


def grouped(findings: Sequence[FindingLine], total: int) -> list[Group]:
    """The findings by rule, the most frequent first. What is counted but not listed belongs to a sole rule."""
    by_rule: dict[str, list[FindingLine]] = {}
    for finding in findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    groups = [
        Group(
            rule,
            lines[0].title,
            total if len(by_rule) == 1 else len(lines),
            ", ".join(dict.fromkeys(line.field for line in lines if line.field))[:300],
            lines[:MOST_LISTED],
        )
        for rule, lines in by_rule.items()
    ]
    return sorted(groups, key=lambda group: -group.count)
