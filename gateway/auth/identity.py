"""Who asks: the account behind a request's user token."""

from __future__ import annotations

from aiohttp import web

from gateway.auth import apitokens
from gateway.auth.rights import ANYBODY, Actor, holder
from gateway.auth.services import allows
from gateway.auth.tokens import LOGIN, BadToken, Claims
from gateway.auth.tokensecret import PREFIX, is_secret
from gateway.caller import caller_of
from gateway.edge import IDENTIFIED
from gateway.parts import PARTS, Parts
from gateway.problems import Problem

COOKIE = "dh_session"


def session_cookie(public_url: str) -> str:
    """The name of the session's cookie: over TLS one that browsers take from this very host alone (RFC 6265bis)."""
    return f"__Host-{COOKIE}" if public_url.startswith("https://") else COOKIE


def token_of(request: web.Request, *, query: bool = False, cookie: bool = False) -> str | None:
    """The token a request shows: `Auth-Token`, `Authorization: Bearer`, then `?jwt=` and the session where allowed."""
    if (value := header_token(request)) is not None:
        return value
    if query and (value := request.query.get("jwt", "")):
        return value
    return session_token(request) if cookie else None


def session_token(request: web.Request) -> str | None:
    """The token of the browser's session."""
    return request.cookies.get(session_cookie(request.app[PARTS].settings.gateway.public_url))


def header_token(request: web.Request) -> str | None:
    """The token in a header, where programs put it."""
    if value := request.headers.get("Auth-Token"):
        return value
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value if scheme.lower() == "bearer" else None


class Unpermitted(BadToken):
    """The token is good and does not let its holder do this."""


async def identify(request: web.Request, *, query: bool = False) -> Actor:
    """Who asks, by cookie, user token or API token; ANYBODY for anybody else (no, bad, expired or foreign token).

    `query` also takes `?jwt=`, for addresses where the original clients put it; an API token lives too long for an
    address, and is taken from a header alone. Cookies name nobody where state changes: handlers of POST use
    `authorize`.
    """
    request[IDENTIFIED] = True
    safe = request.method in ("GET", "HEAD")
    secret, token = header_token(request), token_of(request, query=query, cookie=safe)
    if token is None:
        return ANYBODY
    try:
        if secret is not None and secret.startswith(PREFIX):
            return await _machine(request, secret)
        actor, _ = await authorize(request, token, LOGIN)
    except BadToken:
        return ANYBODY
    return actor


async def _machine(request: web.Request, secret: str) -> Actor:
    """Who holds an API token, with its scope; raises BadToken, Problem 429."""
    parts = request.app[PARTS]
    actor = await apitokens.holder_of_secret(parts.pool, secret, caller_of(request)) if is_secret(secret) else None
    return _counted(parts, actor)


async def authorize(request: web.Request, token: str | None, *audiences: str) -> tuple[Actor, Claims]:
    """Who asks, and the claims of a token made for one of these audiences; raises BadToken, Unpermitted, and
    Problem 429 where the account asks too often: by proven account, since a token is invented for nothing.

    Never takes an API token itself: it may look (`identify`) and be exchanged for a permission token, and no more.
    """
    request[IDENTIFIED] = True
    if token is None:
        raise BadToken("there is no token")
    if token.startswith(PREFIX):
        raise BadToken("an API token does not do here: it is exchanged for a permission token, or log in")
    parts = request.app[PARTS]
    claims = await parts.tokens.verify(token, audiences)
    if not allows(claims.audience, claims.permissions):
        raise Unpermitted("the token has not the permission for this")
    if claims.api_token is None:
        actor = await holder(parts.pool, claims.userid, claims.token_id, claims.login)
    else:
        actor = await apitokens.holder_of_id(parts.pool, claims.api_token, caller_of(request))
    return _counted(parts, actor), claims


async def require_user(request: web.Request) -> Actor:
    """Who is logged in, by the user token in a header; raises Problem 401.

    For what only people do: no API token, no permission token, and no cookie, which other sites could have sent.
    """
    try:
        actor, _ = await authorize(request, header_token(request), LOGIN)
    except BadToken as error:
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        raise Problem(401, "invalid-token", f"You are not logged in: {error}.", headers=challenge) from None
    return actor


def _counted(parts: Parts, actor: Actor | None) -> Actor:
    if actor is None:
        raise BadToken("the token was logged out or revoked, or its account is gone")
    parts.rates.account.take(actor.known.id)
    return actor
