"""Forms of our pages: who sent one, and that a page of ours did."""

from __future__ import annotations

from aiohttp import web

from gateway.auth.audit import Origin, origin_of
from gateway.auth.identity import authorize, session_cookie
from gateway.auth.login import require_same_origin
from gateway.auth.tokens import LOGIN, BadToken
from gateway.problems import Problem


async def sender(request: web.Request, public_url: str) -> Origin:
    """Who sent a form; raises Problem 403 for one of another site, 401 for somebody who is not logged in any more."""
    require_same_origin(request, public_url)
    try:
        actor, _ = await authorize(request, request.cookies.get(session_cookie(public_url)), LOGIN)
    except BadToken:
        raise Problem(401, "not-logged-in", "You are not logged in any more: log in, and try again.") from None
    return origin_of(request, actor)
