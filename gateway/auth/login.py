"""Logging in and out: the page, its form, and the same as JSON for programs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from gateway.auth.accounts import Account
from gateway.auth.attempts import WINDOW, Attempts
from gateway.auth.audit import note
from gateway.auth.destinations import HOME, is_loopback, safe_destination
from gateway.auth.identity import authorize, identify, session_token, token_of
from gateway.auth.oauth.families import Families
from gateway.auth.providers import LocalProvider
from gateway.auth.session import Sessions, let_form_lead_to
from gateway.auth.tokens import LOGIN, BadToken
from gateway.bodies import JSON, read_form, read_object
from gateway.caller import caller_of
from gateway.edge import IDENTIFIED
from gateway.parts import Parts
from gateway.problems import Problem

WRONG = "This user name and password do not fit together."

LoginPage = Callable[[web.Request, str, str, str | None], Awaitable[web.Response]]
"""Draws the log-in page: request, where to go afterwards, user name so far, what was wrong."""

LOGIN_PAGE: web.AppKey[LoginPage] = web.AppKey("login_page")

_log = structlog.get_logger()


class Login:
    """Handlers of `/auth/login`, `/auth/token`, `/auth/logout`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._public_url = parts.settings.gateway.public_url
        self._provider = LocalProvider(parts.accounts, self._public_url)
        self._attempts = Attempts()
        self._families = Families(parts.pool)
        self._sessions = Sessions(parts.tokens, self._public_url)

    async def page(self, request: web.Request) -> web.Response:
        """The log-in page; whoever is logged in already goes on, unless a program waits, or it is to be done `again`.

        For a program the form is always shown: no page may have a token sent out just by linking here.
        """
        destination = self._destination(request.query.get("next", ""))
        account = (await identify(request)).account
        needed = is_loopback(destination, self._public_url) or "again" in request.query
        if account is not None and not needed:
            raise web.HTTPSeeOther(destination)
        return await self._draw(request, destination, account.username if account else "", None)

    async def submit(self, request: web.Request) -> web.Response:
        """Takes the page's form, or JSON from a program."""
        if request.content_type == JSON:
            return await self.token(request)
        require_same_origin(request, self._public_url)
        form = await read_form(request)
        destination = self._destination(form.get("next", ""))
        username = form.get("username", "").strip()
        account = await self._authenticate(request, username, form.get("password", ""))
        if account is None:
            response = await self._draw(request, destination, username, WRONG)
            response.set_status(401)
            return response
        await note(request, account, "logged-in", "browser", by="password")
        return self._sessions.begin(account, destination)

    async def token(self, request: web.Request) -> web.Response:
        """`{"username", "password"}` → `{"token"}`: a log-in without a browser. Sets no cookie, so needs no origin."""
        body = await read_object(request)
        username, password = body.get("username"), body.get("password")
        if not isinstance(username, str) or not isinstance(password, str):
            raise Problem(422, "invalid-credentials", "`username` and `password` must be texts.")
        account = await self._authenticate(request, username.strip(), password)
        if account is None:
            raise Problem(401, "invalid-credentials", WRONG)
        await note(request, account, "logged-in", "program", by="password")
        return web.json_response({"token": self._parts.tokens.issue_user(account), "username": account.username})

    async def logout(self, request: web.Request) -> web.Response:
        """Ends the session, or the token shown: it is good for nothing from now on."""
        shown = token_of(request)
        if shown is None:
            require_same_origin(request, self._public_url)
            shown = session_token(request)
        try:
            actor, claims = await authorize(request, shown, LOGIN)
            await self._parts.accounts.revoke(claims.token_id, claims.expires)
            if claims.login and claims.login.family:
                await self._families.end_of(actor.known.id, claims.login.family, caller_of(request))
            else:
                await note(request, actor.known, "logged-out", "session")
        except BadToken:
            _log.info("logout_without_session")
        response = web.Response(status=303, headers={"Location": HOME})
        self._sessions.end(response)
        return response

    async def _authenticate(self, request: web.Request, username: str, password: str) -> Account | None:
        request[IDENTIFIED] = True
        address = caller_of(request)
        if wait := self._attempts.wait(username, address):
            minutes = round(WINDOW / 60)
            text = f"Too many failed log-ins. They are forgotten after {minutes} minutes."
            raise Problem(429, "too-many-attempts", text, headers={"Retry-After": str(wait)})
        account = None if "\x00" in username else await self._provider.authenticate(username, password)
        if account is None:
            self._attempts.failed(username, address)
        _log.info("login_tried", succeeded=account is not None, account=account.id if account else None)
        return account

    def _destination(self, wanted: str) -> str:
        return safe_destination(wanted, self._public_url)

    async def _draw(self, request: web.Request, destination: str, username: str, wrong: str | None) -> web.Response:
        request[IDENTIFIED] = True
        response = await request.app[LOGIN_PAGE](request, destination, username, wrong)
        let_form_lead_to(response, destination, self._public_url)
        return response


def require_same_origin(request: web.Request, public_url: str) -> None:
    """Raises Problem 403 unless a page of ours sent this: other sites cannot log visitors in or out."""
    origin = request.headers.get("Origin")
    fetch_site = request.headers.get("Sec-Fetch-Site")
    ours = urlsplit(public_url)
    if origin is not None:
        sender = urlsplit(origin)
        allowed = origin == f"{ours.scheme}://{ours.netloc}" or (bool(sender.netloc) and sender.netloc == request.host)
    else:
        allowed = fetch_site == "same-origin"
    if not allowed or fetch_site not in (None, "same-origin"):
        raise Problem(403, "cross-site", "This form was not sent from a page of this site.")


def routes(parts: Parts) -> list[web.RouteDef]:
    """The routes of logging in and out."""
    login = Login(parts)
    return [
        web.get("/auth/login", login.page),
        web.post("/auth/login", login.submit),
        web.post("/auth/token", login.token),
        web.post("/auth/logout", login.logout),
    ]
