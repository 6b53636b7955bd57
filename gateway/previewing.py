"""Reading with a preview link: `?preview=` for programs, a cookie of the dataset's own path for browsers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from aiohttp import web

from gateway.auth.identity import identify
from gateway.auth.previews import Opened, opened_by
from gateway.auth.rights import Actor
from gateway.edge import IDENTIFIED, PREVIEWED
from gateway.parts import PARTS
from gateway.pkgstore import Revision

PARAMETER = "preview"
COOKIE = "dh_preview"


def secret_of(request: web.Request) -> str:
    """The link's secret that a request shows; empty where it shows none."""
    return request.query.get(PARAMETER) or request.cookies.get(COOKIE) or ""


async def reader_of(request: web.Request, *, query: bool = False) -> Actor:
    """Who reads: as `identify` says, and what a preview link in their hand opens besides."""
    actor = await identify(request, query=query)
    opened = await _opened(request)
    return replace(actor, opened=opened.dataset_id) if opened else actor


async def keep_in_browser(request: web.Request, revision: Revision) -> None:
    """Sends a browser that came by a link on to the dataset's address, with the secret in a cookie instead.

    So it stays out of the address bar, of what is copied from there, and of what other sites are told.
    """
    if PARAMETER not in request.query:
        return
    opened = await _opened(request)
    if opened is None or opened.dataset_id != f"{revision.ownerid}/{revision.dataset}":
        return
    rest = request.rel_url.without_query_params(PARAMETER)
    answer = web.HTTPSeeOther(rest)
    answer.set_cookie(
        COOKIE,
        request.query[PARAMETER],
        max_age=max(0, int((opened.expires_at - datetime.now(UTC)).total_seconds())),
        path=request.rel_url.raw_path,
        httponly=True,
        samesite="Lax",
        secure=urlsplit(request.app[PARTS].settings.gateway.public_url).scheme == "https",
    )
    raise answer


async def _opened(request: web.Request) -> Opened | None:
    secret = secret_of(request)
    if not secret:
        return None
    request[IDENTIFIED] = request[PREVIEWED] = True
    return await opened_by(request.app[PARTS].pool, secret)
