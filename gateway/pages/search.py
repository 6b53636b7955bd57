"""Home, search and publisher pages: lists of datasets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from gateway.auth.identity import identify
from gateway.auth.rights import ANYBODY
from gateway.metastore import LONGEST_QUERY, Found, MetaStore, Query
from gateway.pages import text
from gateway.pages.readme import summary
from gateway.pages.site import Site
from gateway.parts import Parts
from gateway.problems import not_found

PAGE = 20
FARTHEST = 10_000
"""Results that can be paged to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A dataset in a list."""

    owner: str
    name: str
    path: str
    title: str
    summary: str
    findability: str
    rows: int
    bytes: int
    formats: tuple[str, ...]
    modified: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Where a list stands: results `first` to `last` of `total`, and the addresses before and after."""

    first: int
    last: int
    total: int
    previous: str | None
    next: str | None


class SearchPages:
    """Handlers of `/`, `/search` and `/{owner}`."""

    def __init__(self, parts: Parts, site: Site, metastore: MetaStore) -> None:
        self._parts = parts
        self._site = site
        self._metastore = metastore

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/", self.home), web.get("/search", self.search), web.get("/{owner}", self.publisher)]

    async def home(self, request: web.Request) -> web.Response:
        """A search box and what came last."""
        viewer = await identify(request)
        found = await self._metastore.datasets(Query(size=12), ANYBODY)
        return await self._site.page(
            request,
            "home.html",
            account=viewer.account,
            results=[result_of(document) for document in found.results],
            total=found.total,
            bare_header=True,
        )

    async def search(self, request: web.Request) -> web.Response:
        """Datasets that match `q`, a page of them `from` an offset."""
        viewer = await identify(request)
        words = text.plain(request.query.get("q", ""), LONGEST_QUERY)
        query = Query(text=words, size=PAGE, offset=_offset(request))
        found = await self._metastore.datasets(query, viewer)
        return await self._list(request, "search.html", found, query, account=viewer.account, error=None)

    async def publisher(self, request: web.Request) -> web.Response:
        """One publisher's datasets."""
        username = request.match_info["owner"]
        publisher = None if "\x00" in username else await self._parts.accounts.by_username(username)
        if publisher is None:
            raise not_found()
        viewer = await identify(request)
        words = text.plain(request.query.get("q", ""), LONGEST_QUERY)
        query = Query(words, PAGE, _offset(request), filters=(("datahub.ownerid", (publisher.id,)),))
        found = await self._metastore.datasets(query, viewer)
        return await self._list(request, "publisher.html", found, query, account=viewer.account, publisher=publisher)

    async def _list(self, request: web.Request, template: str, found: Found, query: Query, **more: Any) -> web.Response:
        return await self._site.page(
            request,
            template,
            results=[result_of(document) for document in found.results],
            page=page_of(request.path, query, found),
            q=query.text,
            **more,
        )


def _offset(request: web.Request) -> int:
    given = request.query.get("from", "0")
    return min(int(given), FARTHEST) if given.isascii() and given.isdigit() and len(given) < 10 else 0


def page_of(path: str, query: Query, found: Found) -> Page:
    """The page that `found` is of the list at `path`."""

    def address(offset: int) -> str:
        parameters = {"q": query.text} if query.text else {}
        return f"{path}?{urlencode({**parameters, 'from': str(offset)} if offset else parameters)}".rstrip("?")

    last = query.offset + len(found.results)
    return Page(
        first=query.offset + 1,
        last=last,
        total=found.total,
        previous=address(max(0, query.offset - query.size)) if query.offset else None,
        next=address(last) if last < min(found.total, FARTHEST) and found.results else None,
    )


def result_of(document: dict[str, Any]) -> Result:
    """A search document as a line of a list."""
    facts, package = document["datahub"], document["datapackage"]
    owner, name = facts["owner"], document["name"]
    resources = package.get("resources")
    formats = {
        str(resource.get("format") or "").upper()
        for resource in (resources if isinstance(resources, list) else [])[:100]
        if isinstance(resource, dict)
    }
    return Result(
        owner=owner,
        name=name,
        path=f"/{text.segment(owner)}/{text.segment(name)}",
        title=document["title"] or name,
        summary=summary(document["description"]),
        findability=facts["findability"],
        rows=facts["stats"]["rowcount"],
        bytes=facts["stats"]["bytes"],
        formats=tuple(sorted(formats - {""}))[:5],
        modified=_modified(facts.get("modified")),
    )


def _modified(value: object) -> str:
    try:
        return text.day(datetime.fromisoformat(str(value)))
    except ValueError:
        return ""
