"""What a log-in gives a browser: the session's cookie, and the way on."""

from __future__ import annotations

import time
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from gateway.auth.accounts import Account
from gateway.auth.destinations import is_loopback, with_token
from gateway.auth.identity import authorize, session_cookie, session_token
from gateway.auth.tokens import LOGIN, USER_LIFETIME, BadToken, Claims, Tokens
from gateway.edge import CONTENT_SECURITY_POLICY

RECENT = 600
"""Seconds after a log-in in which ways to log in may be added and taken away."""


class Sessions:
    """Begins and ends sessions of browsers."""

    def __init__(self, tokens: Tokens, public_url: str) -> None:
        self._tokens = tokens
        self._public_url = public_url
        self._cookie = session_cookie(public_url)
        self._secure = urlsplit(public_url).scheme == "https"

    def begin(self, account: Account, destination: str) -> web.Response:
        """Logged in, and on to a safe destination; a program on the visitor's machine finds a token in its query."""
        token = self._tokens.issue_user(account)
        location = with_token(destination, token) if is_loopback(destination, self._public_url) else destination
        response = web.Response(status=303, headers={"Location": location})
        self.keep(response, self._cookie, token, USER_LIFETIME)
        return response

    def end(self, response: web.Response) -> None:
        """Takes the cookie away."""
        response.del_cookie(self._cookie, path="/", secure=self._secure, httponly=True, samesite="Lax")

    def keep(self, response: web.Response, name: str, value: str, seconds: int) -> None:
        """Sets a cookie that no script reads and that only this host is sent."""
        response.set_cookie(
            *(name, value), max_age=seconds, path="/", httponly=True, samesite="Lax", secure=self._secure
        )


def let_form_lead_to(response: web.StreamResponse, destination: str, public_url: str) -> None:
    """Lets the form on a page be followed by a redirect to a program on the visitor's machine: browsers hold
    `form-action` against the redirect as well."""
    if is_loopback(destination, public_url):
        origin = f"http://{urlsplit(destination).netloc}"
        policy = CONTENT_SECURITY_POLICY.replace("form-action 'self'", f"form-action 'self' {origin}")
        response.headers["Content-Security-Policy"] = policy


def is_from_our_page(request: web.Request, public_url: str) -> bool:
    """Whether a link on a page of ours led here, not one elsewhere or an address that was typed."""
    ours = urlsplit(public_url)
    if (site := request.headers.get("Sec-Fetch-Site")) is not None:
        return site == "same-origin"
    # Over plain HTTP browsers do not say; where a link is they do (our `Referrer-Policy`).
    sender = urlsplit(request.headers.get("Referer", ""))
    return (sender.scheme, sender.netloc) == (ours.scheme, ours.netloc)


async def logged_in_here(request: web.Request) -> tuple[Account, Claims]:
    """Who logged in in this very browser; raises BadToken. A program's token is none of a browser's, wherever it is."""
    actor, claims = await authorize(request, session_token(request), LOGIN)
    if claims.login and claims.login.family:
        raise BadToken("this is the token of a program")
    return actor.known, claims


async def recently_logged_in(request: web.Request, back: str) -> Account:
    """Who logged in in this very browser within RECENT seconds; everybody else is sent to do so, and `back`."""
    try:
        account, claims = await logged_in_here(request)
    except BadToken:
        raise web.HTTPSeeOther(f"/auth/login?{urlencode({'next': back})}") from None
    if time.time() - claims.issued > RECENT:
        raise web.HTTPSeeOther(f"/auth/login?{urlencode({'next': back, 'again': '1'})}")
    return account
