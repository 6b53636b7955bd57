"""The run page: how far each resource of a revision is, live while it moves, with the reasons when it failed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from gateway.auth.audit import Origin
from gateway.auth.identity import identify
from gateway.auth.rights import Action, Actor
from gateway.leftout import left_out, skipped_stages
from gateway.pages import text
from gateway.pages.dataset import report_address
from gateway.pages.finding import FindingLine, finding_line
from gateway.pages.forms import sender
from gateway.pages.site import Site
from gateway.parts import Parts
from gateway.pkgstore import PackageStore, ResourceRun, Revision
from gateway.problems import not_found
from gateway.runs import cancel, rerun
from messages.jobs import STAGES

MOST_RUNS = 200
"""Resources on one page, the failed ones first."""
MOST_FINDINGS = 10

TITLES = {
    "load": "Load",
    "encoding": "Encoding",
    "csvkind": "CSV kind",
    "validate": "Validate",
    "dump": "Publish",
}
WORDS = {"QUEUED": "waiting", "INPROGRESS": "working", "SUCCEEDED": "done", "FAILED": "failed", "SKIPPED": "not run"}
HEADLINES = {
    "QUEUED": "Waiting for a free worker",
    "INPROGRESS": "Being processed",
    "SUCCEEDED": "Published",
    "FAILED": "Not published",
}


@dataclass(frozen=True, slots=True)
class StageLine:
    """A stage of a resource; `state` is a flow state or SKIPPED."""

    name: str
    title: str
    state: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """A resource of the run; `more` problems beyond `findings`; `left_out`: what was not done, in
    sentences; `moves`: its progress (`gateway.heard.progress_of`)."""

    index: int
    name: str
    state: str
    words: str
    stages: Sequence[StageLine]
    reason: str | None
    findings: Sequence[FindingLine]
    errors: int
    more: int
    report: str | None
    left_out: Sequence[str]
    moves: Mapping[str, Any] | None


class RunPage:
    """Handlers of `/{owner}/{dataset}/v/{revision}`, and of the two buttons that its owner sees there."""

    def __init__(self, parts: Parts, site: Site, store: PackageStore) -> None:
        self._pool = parts.pool
        self._statuses = parts.statuses
        self._site = site
        self._store = store

    def routes(self) -> list[web.RouteDef]:
        address = "/{owner}/{dataset}/v/{revision}"
        return [
            web.get(address, self.show),
            web.post(f"{address}/cancel", self.cancel),
            web.post(f"{address}/rerun", self.rerun),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """The run of one revision, in any state."""
        viewer = await identify(request)
        names = request.match_info
        revision = await self._store.revision(names["owner"], names["dataset"], names["revision"], viewer)
        if revision is None:
            raise not_found("There is no such revision, or you may not see it.")
        runs = sorted(revision.resources, key=lambda run: (run.state != "FAILED", run.index))
        source = f"/source/{text.segment(revision.ownerid)}/{text.segment(revision.dataset)}/{revision.revision}"
        moving = await self._moving(revision, viewer)
        lines = [run_line(revision, run, moving.get(run.index, {})) for run in runs[:MOST_RUNS]]
        return await self._site.page(
            request,
            "run.html",
            account=viewer.account,
            revision=revision,
            headline=headline_of(revision, moves=any(line.moves for line in lines)),
            words=words_of(revision),
            unfindable=await self._statuses.unfindable(revision.id) if revision.package is not None else None,
            live=revision.finished_at is None,
            own=viewer.may(Action.PUBLISH, revision.ownerid, revision.dataset),
            run_path=f"{revision.path}/v/{revision.revision}",
            events=f"{source}/events",
            status_url=source,
            request_path=request.path,
            runs=lines,
            hidden_runs=max(0, len(runs) - MOST_RUNS),
            took=_took(revision),
        )

    async def _moving(self, revision: Revision, viewer: Actor) -> Mapping[int, Mapping[str, Any]]:
        """The resources of a run that moves, by their index, as its status has them."""
        if revision.finished_at is not None:
            return {}
        status = await self._statuses.shown(revision.id, viewer)
        return {resource["index"]: resource for resource in status["resources"]} if status else {}

    async def cancel(self, request: web.Request) -> web.Response:
        """The button that cancels a run of one's own that moves; back to its page."""
        await cancel(self._pool, *await self._own(request))
        return _back(request, "/cancel")

    async def rerun(self, request: web.Request) -> web.Response:
        """The button that has a failed run of one's own run again; back to its page."""
        await rerun(self._pool, *await self._own(request))
        return _back(request, "/rerun")

    async def _own(self, request: web.Request) -> tuple[str, Origin]:
        """The id of the run whose button this is, and who pressed it; raises Problem 401, 403, 404."""
        origin = await sender(request, self._site.public_url)
        return await self._statuses.own(request, origin.actor), origin


def _back(request: web.Request, button: str) -> web.Response:
    return web.Response(status=303, headers={"Location": request.rel_url.raw_path.removesuffix(button)})


def headline_of(revision: Revision, *, moves: bool) -> str:
    """What is to be said first; `moves`: something is known to be worked on, though no stage has ended yet."""
    if revision.cancelled:
        return "Cancelled"
    return HEADLINES["INPROGRESS" if moves and revision.state == "QUEUED" else revision.state]


def words_of(revision: Revision) -> str:
    """A sentence under the headline."""
    if revision.cancelled:
        return "Its publisher stopped this run. It can run again from what was uploaded."
    if revision.state == "FAILED":
        failed = sum(run.state == "FAILED" for run in revision.resources)
        if not any(run.reason for run in revision.resources):
            return revision.reason or "Something in this revision could not be published."
        kept = f" Readers still see revision {revision.published_revision}." if revision.published_revision else ""
        return f"{failed} of {len(revision.resources)} files could not be published: see below.{kept}"
    if revision.state == "SUCCEEDED":
        return "Every file was read to its end and stored, and every table checked."
    done = sum(run.state == "SUCCEEDED" for run in revision.resources)
    return f"{done} of {len(revision.resources)} files are ready. Your data is safe; you may close this page."


def run_line(revision: Revision, run: ResourceRun, moving: Mapping[str, Any]) -> RunLine:
    """A resource as the page shows it; `moving` is what its status says besides of one that moves."""
    progress = moving.get("progress")
    told = progress or moving.get("waiting")
    state = "INPROGRESS" if progress else "QUEUED" if told else run.state
    findings = [finding_line(finding) for finding in run.findings[:MOST_FINDINGS]]
    return RunLine(
        index=run.index,
        name=run.name,
        state=state,
        words=told["words"] if told else _size_of(run),
        stages=stages_of(run.stage, state, "stopped" if run.rule == "cancelled" else None, skipped_stages(run.facts)),
        reason=run.reason,
        findings=[finding for finding in findings if finding.message != run.reason or finding.row or finding.cell],
        errors=max(run.errors, len(findings)),
        more=max(0, run.errors - len(findings)),
        report=report_address(revision, run) if has_report(run) else None,
        left_out=left_out_of(run),
        moves=progress,
    )


def left_out_of(run: ResourceRun) -> list[str]:
    """What was not done with a resource, or not to its end; one sentence each."""
    return left_out(tabular=run.tabular, state=run.state, rule=run.rule, errors=run.errors, facts=run.facts)


def _size_of(run: ResourceRun) -> str:
    if run.rows is not None:
        return f"{run.rows:,} {'row' if run.rows == 1 else 'rows'}"
    return "" if run.tabular else "not a table"


def has_report(run: ResourceRun) -> bool:
    """True where there is more to read than the run page shows."""
    return run.report is not None or run.file("report") is not None or bool(run.findings)


def stages_of(
    stage: str, state: str, word: str | None = None, skipped: Collection[str] = frozenset()
) -> list[StageLine]:
    """The state of every stage of a resource that is in, or ended in, `stage`; `word` is said of that one. Those that
    had nothing to do were `skipped`."""
    reached = STAGES.index(stage) if stage in STAGES else 0
    lines = []
    for position, name in enumerate(STAGES):
        shown = state if position == reached else "SUCCEEDED" if position < reached else "QUEUED"
        if state == "FAILED" and position > reached:
            shown = "SKIPPED"
        elif state == "SUCCEEDED":
            shown = "SUCCEEDED"
        usual = WORDS[shown]
        if shown == "SUCCEEDED" and name in skipped:
            shown, usual = "SKIPPED", "skipped"
        lines.append(StageLine(name, TITLES[name], shown, word or usual if position == reached else usual))
    return lines


def _took(revision: Revision) -> str:
    if revision.finished_at is None:
        return ""
    seconds = max(0.0, (revision.finished_at - revision.created_at).total_seconds())
    if seconds < 60:
        return f"{seconds:.1f} seconds"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
