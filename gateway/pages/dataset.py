"""The dataset page: what a revision is, what is in it, and how to get it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web

from gateway.auth.rights import Action, Actor
from gateway.downloads import download_name, extension_of
from gateway.pages import evidence, linkeddata, text
from gateway.pages.preview import LARGEST, Preview, preview_of
from gateway.pages.readme import LONGEST, Readme, summary
from gateway.pages.sharing import sharing_of
from gateway.pages.site import Site
from gateway.parts import Parts
from gateway.pkgstore import LATEST, SUCCESSFUL, PackageStore, ResourceRun, Revision
from gateway.previewing import keep_in_browser, reader_of
from gateway.problems import not_found
from gateway.visibility import public_past
from messages.errors import PermanentError, TransientError

MOST_TABLES = 8
"""Tables with their rows on one page; each other one has a page of its own (`?table=`)."""
MOST_FIELDS = 200
MOST_FILES = 500

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A download."""

    label: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLine:
    """A line of the list of files; `anchor` where the table is on this page, `more` where it is on its own."""

    name: str
    format: str
    rows: int | None
    size: int
    sha256: str | None
    links: tuple[Link, ...]
    anchor: str | None
    more: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldLine:
    """A line of a schema."""

    name: str
    type: str
    rules: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSection:
    """A table on the page."""

    name: str
    title: str
    description: str
    anchor: str
    rows: int | None
    preview: Preview | None
    no_preview: str
    fields: Sequence[FieldLine]
    more_fields: int
    sheet: str
    doubt: str
    evidence: Sequence[tuple[str, str]]
    report: str | None

    @property
    def has_rules(self) -> bool:
        return any(field.rules for field in self.fields)

    @property
    def has_descriptions(self) -> bool:
        return any(field.description for field in self.fields)


class DatasetPage:
    """Handler of `/{owner}/{dataset}`."""

    def __init__(self, parts: Parts, site: Site, store: PackageStore) -> None:
        self._pool = parts.pool
        self._site = site
        self._store = store
        self._blobs = parts.blobs
        self._statuses = parts.statuses
        self._readme = Readme()

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/{owner}/{dataset}", self.show)]

    async def show(self, request: web.Request) -> web.Response:
        """The published revision, or the one that `?v=` asks for."""
        viewer = await reader_of(request)
        owner, dataset = request.match_info["owner"], request.match_info["dataset"]
        revision = await self._store.revision(owner, dataset, request.query.get("v") or SUCCESSFUL, viewer)
        if revision is None or revision.package is None:
            await self._go_to_run(owner, dataset, viewer)
            raise not_found("There is no dataset at this address, or you may not see it.")
        await keep_in_browser(request, revision)
        return await self._site.page(
            request, "dataset.html", account=viewer.account, **await self._context(request, revision, viewer)
        )

    async def _go_to_run(self, owner: str, dataset: str, viewer: Actor) -> None:
        """Who may read a dataset that has nothing to show yet is shown how its first run is going."""
        newest = await self._store.revision(owner, dataset, LATEST, viewer)
        if newest is None or newest.package is not None:
            return
        if viewer.may(Action.READ, newest.ownerid, newest.dataset):
            raise web.HTTPSeeOther(f"{newest.path}/v/{newest.revision}")

    async def _context(self, request: web.Request, revision: Revision, viewer: Actor) -> dict[str, Any]:
        package = revision.package or {}
        wanted = request.query.get("table")
        tables = [run for run in revision.resources if run.tabular and wanted in (None, run.name)]
        inside = viewer.may(Action.READ, revision.ownerid, revision.dataset)
        history = await self._store.history(revision, viewer) if inside or not revision.private else []
        newest = history[0] if history and history[0].state in ("QUEUED", "INPROGRESS") else None
        sections = await asyncio.gather(*(self._section(revision, run) for run in tables[:MOST_TABLES]))
        shown = {section.name for section in sections}
        files = [file_line(revision, run, run.name in shown) for run in revision.resources[:MOST_FILES]]
        readme = package.get("readme")
        return {
            "revision": revision,
            "package": package,
            "description": package.get("description") or summary(self._readme.opening(readme)),
            "address": revision.path,
            "pinned": pinned(revision),
            "canonical": f"{self._site.public_url}{revision.path}",
            "current": revision.revision == revision.published_revision,
            "unfindable": await self._unfindable(revision, viewer),
            "newer_run": newest if newest and newest.revision > revision.revision else None,
            "files": files,
            "more_files": len(revision.resources) - len(files),
            "no_tables": sum(not run.tabular for run in revision.resources),
            "tables": sections,
            "more_tables": wanted is None and len(tables) > MOST_TABLES,
            "rows": sum(run.rows or 0 for run in revision.resources if run.tabular),
            "bytes": sum(file.blob.size for run in revision.resources if (file := run.file("data"))),
            "readme": await self._readme.render(readme),
            "readme_cut": isinstance(readme, str) and len(readme) > LONGEST,
            "about": evidence.about(package),
            "history": history,
            "previewed": revision.private and not inside,
            "sharing": await sharing_of(self._pool, revision, viewer),
            "past": await public_past(self._pool, f"{revision.ownerid}/{revision.dataset}") if revision.private else (),
            "sample": self._sample(revision),
            "linked_data": linkeddata.dataset(revision, self._site.public_url),
        }

    async def _unfindable(self, revision: Revision, viewer: Actor) -> str | None:
        """Told to those whose it is: readers have found it."""
        if not viewer.may(Action.READ, revision.ownerid, revision.dataset):
            return None
        return await self._statuses.unfindable(revision.id)

    def _sample(self, revision: Revision) -> str | None:
        """The address of the first table, for the examples of how to get it."""
        run = next((run for run in revision.resources if run.tabular), None)
        name = download_name(run) if run else None
        return f"{self._site.public_url}{revision.path}/r/{text.segment(name)}" if name else None

    async def _section(self, revision: Revision, run: ResourceRun) -> TableSection:
        descriptor = _descriptor_of(revision, run)
        fields = _fields(descriptor)
        preview, reason = await self._preview(run, fields)
        report = run.report is not None or run.file("report") is not None
        return TableSection(
            name=run.name,
            title=str(descriptor.get("title") or run.name),
            description=str(descriptor.get("description") or ""),
            anchor=f"table-{run.index}",
            rows=run.rows,
            preview=preview,
            no_preview=reason,
            fields=[field_line(field) for field in fields[:MOST_FIELDS]],
            more_fields=max(0, len(fields) - MOST_FIELDS),
            sheet=evidence.of_sheet(run.facts),
            doubt=evidence.of_doubt(run.facts),
            evidence=evidence.of_table(run.facts),
            report=report_address(revision, run) if report else None,
        )

    async def _preview(self, run: ResourceRun, fields: Sequence[Mapping[str, Any]]) -> tuple[Preview | None, str]:
        file = run.file("preview")
        if file is None:
            return None, "This table was published without a preview. Download it to see its rows."
        if file.blob.size > LARGEST:
            return None, f"The first rows of this table have more than {LARGEST / 1e6:.0f} MB, too much for a page."
        try:
            content = json.loads(await self._blobs.get(file.blob, limit=LARGEST))
            return preview_of(content, fields, run.rows), ""
        except (TransientError, PermanentError, ValueError, KeyError, TypeError) as error:
            _log.warning("preview_unavailable", key=file.blob.key, error=type(error).__name__)
            return None, "The preview cannot be read right now. The downloads are not affected."


def field_line(field: Mapping[str, Any]) -> FieldLine:
    """A field of a schema as a line: its constraints in words."""
    constraints = field.get("constraints")
    given = constraints if isinstance(constraints, dict) else {}
    # JSON objects come out of the database in its order, not the publisher's: required and bounds read best first.
    rules = [_rule(name, given[name]) for name in sorted(given, key=lambda name: (_ORDER.get(name, 9), name))]
    kind = str(field.get("type") or "any")
    layout = field.get("format")
    if isinstance(layout, str) and layout not in ("", "default"):
        kind = f"{kind} ({layout})"
    return FieldLine(
        name=str(field.get("name") or ""),
        type=kind,
        rules=", ".join(rule for rule in rules if rule),
        description=str(field.get("description") or field.get("title") or ""),
    )


_ORDER = {"required": 0, "unique": 1, "minimum": 2, "maximum": 3, "minLength": 4, "maxLength": 5, "pattern": 6}
_RULES = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "matches {}",
}


def _rule(name: str, value: Any) -> str:
    if name in ("required", "unique"):
        return name if value is True else ""
    if name == "enum" and isinstance(value, list):
        return "one of " + ", ".join(str(item) for item in value[:20]) + (", …" if len(value) > 20 else "")
    return _RULES.get(name, f"{name} {{}}").format(value)


def file_line(revision: Revision, run: ResourceRun, shown: bool) -> FileLine:
    """The line of a resource in the list of files."""
    data, source = run.file("data"), run.file("source")
    links = [_link(revision, run, "data")] if data else []
    if source is not None:
        links.append(_link(revision, run, "source"))
    return FileLine(
        name=run.name,
        format=(extension_of(data.filename) if data else "").upper() or "file",
        rows=run.rows if run.tabular else None,
        size=data.blob.size if data else 0,
        sha256=data.blob.sha256 if data else None,
        links=tuple(links),
        anchor=f"table-{run.index}" if shown else None,
        more=f"{revision.path}?table={text.segment(run.name)}" if run.tabular and not shown else None,
    )


def _link(revision: Revision, run: ResourceRun, role: str) -> Link:
    name = download_name(run, role) or ""
    label = "Original" if role == "source" else "Download"
    return Link(label=label, href=f"{revision.path}/r/{text.segment(name)}{pinned(revision)}")


def pinned(revision: Revision) -> str:
    """The query that keeps an address on an older revision; empty for the current one."""
    return "" if revision.revision == revision.published_revision else f"?v={revision.revision}"


def report_address(revision: Revision, run: ResourceRun) -> str:
    """The report page of a resource."""
    return f"{revision.path}/v/{revision.revision}/report/{text.segment(run.name)}"


def _descriptor_of(revision: Revision, run: ResourceRun) -> Mapping[str, Any]:
    resources = revision.whole.get("resources")
    for resource in resources if isinstance(resources, list) else ():
        if isinstance(resource, dict) and resource.get("name") == run.name:
            return resource
    return run.resource.descriptor


def _fields(descriptor: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    schema = descriptor.get("schema")
    fields = schema.get("fields") if isinstance(schema, dict) else None
    return [field for field in fields if isinstance(field, dict)] if isinstance(fields, list) else []
