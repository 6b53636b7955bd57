"""Where somebody lets a program on their own machine act for them: `dh login` in a browser."""

from __future__ import annotations

from urllib.parse import urlencode

import structlog
from aiohttp import web

from gateway.auth.login import require_same_origin
from gateway.auth.oauth.codes import Codes, Wish, read_wish
from gateway.auth.oauth.families import Families
from gateway.auth.oauth.refusals import DENIED, Refused
from gateway.auth.session import let_form_lead_to, logged_in_here
from gateway.auth.tokens import BadToken
from gateway.bodies import read_form
from gateway.edge import IDENTIFIED
from gateway.pages.site import Site
from gateway.parts import Parts
from gateway.problems import Problem

ADDRESS = "/auth/oauth/authorize"
_FIELDS = ("response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method", "device")

_log = structlog.get_logger()


class ConsentPage:
    """Handlers of `/auth/oauth/authorize`."""

    def __init__(self, parts: Parts, site: Site) -> None:
        self._site = site
        self._codes = Codes(parts.pool, parts.accounts, Families(parts.pool))

    def routes(self) -> list[web.RouteDef]:
        return [web.get(ADDRESS, self.show), web.post(ADDRESS, self.decide)]

    async def show(self, request: web.Request) -> web.Response:
        """Asks whether a program may act for whoever is logged in; whoever is not does that first."""
        request[IDENTIFIED] = True
        wish = _wish(dict(request.query))
        here = f"{ADDRESS}?{urlencode({name: request.query.get(name, '') for name in _FIELDS})}"
        try:
            account, _ = await logged_in_here(request)
        except BadToken:
            raise web.HTTPSeeOther(f"/auth/login?{urlencode({'next': here})}") from None
        response = await self._site.page(
            request,
            "consent.html",
            account=account,
            device=wish.device,
            fields={name: request.query.get(name, "") for name in _FIELDS},
            other=f"/auth/login?{urlencode({'next': here, 'again': '1'})}",
        )
        let_form_lead_to(response, wish.redirect_uri, self._site.public_url)
        return response

    async def decide(self, request: web.Request) -> web.Response:
        """Sends a code to the program that waits, or word that there will be none."""
        require_same_origin(request, self._site.public_url)
        form = await read_form(request)
        wish = _wish(form)
        try:
            account, _ = await logged_in_here(request)
        except BadToken:
            raise Problem(401, "not-logged-in", "You are not logged in any more: run `dh login` again.") from None
        allowed = form.get("act") == "allow"
        answer = {"code": await self._codes.issue(account, wish)} if allowed else {"error": DENIED}
        _log.info("program_decided", account=account.id, client=wish.client, allowed=allowed)
        query = urlencode({**answer, "state": wish.state, "iss": self._site.public_url})
        return web.Response(status=303, headers={"Location": f"{wish.redirect_uri}?{query}"})


def _wish(query: dict[str, str]) -> Wish:
    try:
        return read_wish(query)
    except Refused as refused:
        # Not told to the redirect address: it may be the very thing that is wrong.
        raise Problem(400, "invalid-request", str(refused)) from None
