"""The run page: how far each resource of a revision is, live while it moves, with the reasons when it failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from gateway.auth.identity import COOKIE, authorize, identify
from gateway.auth.login import require_same_origin
from gateway.auth.rights import Action, Actor
from gateway.auth.tokens import LOGIN, BadToken
from gateway.pages import text
from gateway.pages.dataset import report_address
from gateway.pages.finding import FindingLine, finding_line
from gateway.pages.site import Site
from gateway.parts import Parts
from gateway.pkgstore import PackageStore, ResourceRun, Revision
from gateway.problems import Problem, not_found
from gateway.runs import cancel, rerun
from gateway.status import Statuses
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
    """A resource of the run; `more` problems beyond `findings`."""

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


class RunPage:
    """Handlers of `/{owner}/{dataset}/v/{revision}`, and of the two buttons that its owner sees there."""

    def __init__(self, parts: Parts, site: Site, store: PackageStore) -> None:
        self._pool = parts.pool
        self._statuses = Statuses(parts.pool, site.public_url)
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
        return await self._site.page(
            request,
            "run.html",
            account=viewer.account,
            revision=revision,
            headline="Cancelled" if revision.cancelled else HEADLINES[revision.state],
            words=words_of(revision),
            live=revision.finished_at is None,
            own=viewer.may(Action.PUBLISH, revision.ownerid, revision.dataset),
            run_path=f"{revision.path}/v/{revision.revision}",
            events=f"{source}/events",
            status_url=source,
            request_path=request.path,
            runs=[run_line(revision, run) for run in runs[:MOST_RUNS]],
            hidden_runs=max(0, len(runs) - MOST_RUNS),
            took=_took(revision),
        )

    async def cancel(self, request: web.Request) -> web.Response:
        """The button that cancels a run of one's own that moves; back to its page."""
        await cancel(self._pool, await self._own(request))
        return _back(request, "/cancel")

    async def rerun(self, request: web.Request) -> web.Response:
        """The button that has a failed run of one's own run again; back to its page."""
        await rerun(self._pool, await self._own(request))
        return _back(request, "/rerun")

    async def _own(self, request: web.Request) -> str:
        """The id of the run whose button this is; raises Problem: 403 for a form of another site, 401, 404."""
        require_same_origin(request, self._site.public_url)
        return await self._statuses.own(request, await _logged_in(request))


async def _logged_in(request: web.Request) -> Actor:
    try:
        actor, _ = await authorize(request, request.cookies.get(COOKIE), LOGIN)
    except BadToken:
        raise Problem(401, "not-logged-in", "You are not logged in any more: log in, and try again.") from None
    return actor


def _back(request: web.Request, button: str) -> web.Response:
    return web.Response(status=303, headers={"Location": request.rel_url.raw_path.removesuffix(button)})


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
        return "Every file was read to its end, checked and stored."
    done = sum(run.state == "SUCCEEDED" for run in revision.resources)
    return f"{done} of {len(revision.resources)} files are ready. Your data is safe; you may close this page."


def run_line(revision: Revision, run: ResourceRun) -> RunLine:
    """A resource as the page shows it."""
    findings = [finding_line(finding) for finding in run.findings[:MOST_FINDINGS]]
    return RunLine(
        index=run.index,
        name=run.name,
        state=run.state,
        words=f"{run.rows:,} rows" if run.rows is not None else ("" if run.tabular else "not a table: kept as it is"),
        stages=stages_of(run.stage, run.state, "stopped" if run.rule == "cancelled" else None),
        reason=run.reason,
        findings=[finding for finding in findings if finding.message != run.reason or finding.row or finding.cell],
        errors=max(run.errors, len(findings)),
        more=max(0, run.errors - len(findings)),
        report=report_address(revision, run) if has_report(run) else None,
    )


def has_report(run: ResourceRun) -> bool:
    """True where there is more to read than the run page shows."""
    return run.report is not None or run.file("report") is not None or bool(run.findings)


def stages_of(stage: str, state: str, word: str | None = None) -> list[StageLine]:
    """The state of every stage of a resource that is in, or ended in, `stage`; `word` is said of that one."""
    reached = STAGES.index(stage) if stage in STAGES else 0
    lines = []
    for position, name in enumerate(STAGES):
        shown = state if position == reached else "SUCCEEDED" if position < reached else "QUEUED"
        if state == "FAILED" and position > reached:
            shown = "SKIPPED"
        elif state == "SUCCEEDED":
            shown = "SUCCEEDED"
        usual = WORDS[shown]
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
