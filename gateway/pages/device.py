"""Where somebody types the code that a machine without a browser shows, and sees who asks before they agree."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import structlog
from aiohttp import web

from gateway.auth.accounts import Account
from gateway.auth.attempts import Attempts
from gateway.auth.login import require_same_origin
from gateway.auth.oauth.devices import LENGTH, Devices, canonical
from gateway.auth.oauth.endpoint import DEVICE_PAGE
from gateway.auth.oauth.families import Families
from gateway.auth.session import logged_in_here
from gateway.auth.tokens import BadToken
from gateway.bodies import read_form
from gateway.caller import caller_of, network_of
from gateway.edge import IDENTIFIED
from gateway.pages.site import Site
from gateway.parts import Parts
from gateway.problems import Problem

WINDOW = 600.0
"""Seconds that a wrong code counts; ten of one address are too many (RFC 8628, 5.1)."""
WRONG = "No machine waits with this code. Compare it with what the machine shows; it is good for 15 minutes."

_log = structlog.get_logger()


class DevicePage:
    """Handlers of `/auth/device`."""

    def __init__(self, parts: Parts, site: Site) -> None:
        self._site = site
        self._devices = Devices(parts.pool, parts.accounts, Families(parts.pool))
        self._guesses = Attempts(WINDOW)

    def routes(self) -> list[web.RouteDef]:
        return [web.get(DEVICE_PAGE, self.show), web.post(DEVICE_PAGE, self.decide)]

    async def show(self, request: web.Request) -> web.Response:
        """The form for a code; whoever is not logged in does that first."""
        request[IDENTIFIED] = True
        user_code = request.query.get("user_code", "")[:20]
        account = await self._account(request, user_code)
        return await self._ask(request, account, shown(user_code) if user_code else "", None)

    async def decide(self, request: web.Request) -> web.Response:
        """Shows who waits with the code that was typed; then takes the yes or no."""
        require_same_origin(request, self._site.public_url)
        form = await read_form(request)
        user_code, act = form.get("user_code", "")[:20], form.get("act", "")
        account = await self._account(request, user_code)
        address = network_of(caller_of(request))
        if wait := self._guesses.wait("", address):
            text = "Too many wrong codes. They are forgotten after 10 minutes."
            raise Problem(429, "too-many-attempts", text, headers={"Retry-After": str(wait)})
        waiting = await self._devices.waiting(user_code)
        decided = False
        if waiting is not None and act in ("allow", "deny"):
            decided = await self._devices.decide(user_code, account, allow=act == "allow")
        if waiting is None or (act and not decided):
            self._guesses.failed("", address)
            return await self._ask(request, account, user_code, WRONG)
        if not decided:
            return await self._page(request, account, "confirm", waiting=waiting, user_code=shown(user_code))
        _log.info("program_decided", account=account.id, client=waiting.client, allowed=act == "allow")
        return await self._page(request, account, act, waiting=waiting, user_code="")

    async def _ask(self, request: web.Request, account: Account, user_code: str, wrong: str | None) -> web.Response:
        response = await self._page(request, account, "ask", waiting=None, user_code=user_code, wrong=wrong)
        response.set_status(422 if wrong else 200)
        return response

    async def _page(
        self, request: web.Request, account: Account, step: str, *, wrong: str | None = None, **context: Any
    ) -> web.Response:
        return await self._site.page(request, "device.html", account=account, step=step, wrong=wrong, **context)

    async def _account(self, request: web.Request, user_code: str) -> Account:
        try:
            account, _ = await logged_in_here(request)
        except BadToken:
            here = f"{DEVICE_PAGE}?{urlencode({'user_code': user_code})}"
            raise web.HTTPSeeOther(f"/auth/login?{urlencode({'next': here})}") from None
        return account


def shown(user_code: str) -> str:
    """A code as machines show it."""
    letters = canonical(user_code)
    return f"{letters[: LENGTH // 2]}-{letters[LENGTH // 2 :]}" if len(letters) == LENGTH else user_code
