"""Who asks: the account behind a request's user token."""

from __future__ import annotations

from aiohttp import web

from gateway.auth.rights import ANYBODY, Actor, holder
from gateway.auth.services import allows
from gateway.auth.tokens import LOGIN, BadToken, Claims
from gateway.edge import IDENTIFIED
from gateway.parts import PARTS

COOKIE = "dh_session"


def session_cookie(public_url: str) -> str:
    """The name of the session's cookie: over TLS one that browsers take from this very host alone (RFC 6265bis)."""
    return f"__Host-{COOKIE}" if public_url.startswith("https://") else COOKIE


def token_of(request: web.Request, *, query: bool = False, cookie: bool = False) -> str | None:
    """The token a request shows: `Auth-Token`, `Authorization: Bearer`, then `?jwt=` and the session where allowed."""
    if value := request.headers.get("Auth-Token"):
        return value
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value
    if query and (value := request.query.get("jwt", "")):
        return value
    return session_token(request) if cookie else None


def session_token(request: web.Request) -> str | None:
    """The token of the browser's session."""
    return request.cookies.get(session_cookie(request.app[PARTS].settings.gateway.public_url))


class Unpermitted(BadToken):
    """The token is good and does not let its holder do this."""


async def identify(request: web.Request, *, query: bool = False) -> Actor:
    """Who is logged in, by cookie or token; ANYBODY for anybody else (no, bad, expired or foreign token).

    `query` also takes `?jwt=`, for addresses where the original clients put it. Cookies name nobody where state
    changes: handlers of POST use `authorize`.
    """
    request[IDENTIFIED] = True
    safe = request.method in ("GET", "HEAD")
    token = token_of(request, query=query, cookie=safe)
    if token is None:
        return ANYBODY
    try:
        actor, _ = await authorize(request, token, LOGIN)
    except BadToken:
        return ANYBODY
    return actor


async def authorize(request: web.Request, token: str | None, *audiences: str) -> tuple[Actor, Claims]:
    """Who asks, and the claims of a token made for one of these audiences; raises BadToken, Unpermitted, and
    Problem 429 where the account asks too often: by proven account, since a token is invented for nothing."""
    request[IDENTIFIED] = True
    if token is None:
        raise BadToken("there is no token")
    parts = request.app[PARTS]
    claims = await parts.tokens.verify(token, audiences)
    if not allows(claims.audience, claims.permissions):
        raise Unpermitted("the token has not the permission for this")
    actor = await holder(parts.pool, claims.userid, claims.token_id)
    if actor is None:
        raise BadToken("the token was logged out, or its account is gone")
    parts.rates.account.take(actor.known.id)
    return actor, claims
