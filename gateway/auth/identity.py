"""Who asks: the account behind a request's user token."""

from __future__ import annotations

from aiohttp import web

from gateway.auth.accounts import Account
from gateway.auth.tokens import LOGIN, BadToken, Claims
from gateway.edge import IDENTIFIED
from gateway.parts import PARTS

COOKIE = "dh_session"


def token_of(request: web.Request, *, query: bool = False, cookie: bool = False) -> str | None:
    """The token a request shows: `Auth-Token`, `Authorization: Bearer`, then `?jwt=` and the session where allowed."""
    if value := request.headers.get("Auth-Token"):
        return value
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value
    if query and (value := request.query.get("jwt", "")):
        return value
    return request.cookies.get(COOKIE) if cookie else None


async def identify(request: web.Request, *, query: bool = False) -> Account | None:
    """The account that is logged in, by cookie or token; None for anybody else (no, bad, expired or foreign token).

    `query` also takes `?jwt=`, for addresses where the original clients put it. Cookies name nobody where state
    changes: handlers of POST use `authorize`.
    """
    request[IDENTIFIED] = True
    safe = request.method in ("GET", "HEAD")
    token = token_of(request, query=query, cookie=safe)
    if token is None:
        return None
    try:
        account, _ = await authorize(request, token, LOGIN)
    except BadToken:
        return None
    return account


async def authorize(request: web.Request, token: str | None, *audiences: str) -> tuple[Account, Claims]:
    """The account and claims of a token made for one of these audiences; raises BadToken."""
    request[IDENTIFIED] = True
    if token is None:
        raise BadToken("there is no token")
    parts = request.app[PARTS]
    claims = await parts.tokens.verify(token, audiences)
    account = await parts.accounts.holder(claims.userid, claims.token_id)
    if account is None:
        raise BadToken("the token was logged out, or its account is gone")
    return account, claims
