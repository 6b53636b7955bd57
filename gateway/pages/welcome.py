"""The first log-in by a provider: somebody who is proven, and has no account yet, chooses a user name."""

from __future__ import annotations

import re

import structlog
from aiohttp import web

from gateway.auth.accounts import AccountRefused
from gateway.auth.audit import note
from gateway.auth.login import require_same_origin
from gateway.auth.oidc.identities import LinkRefused
from gateway.auth.oidc.provider import Person
from gateway.auth.oidc.signons import SignOns
from gateway.auth.session import Sessions, let_form_lead_to
from gateway.auth.sso import WELCOME, browser_cookie
from gateway.bodies import read_form
from gateway.edge import IDENTIFIED
from gateway.pages.site import Site
from gateway.parts import Parts

_LONGEST = 40

_log = structlog.get_logger()


class WelcomePage:
    """Handlers of `/auth/welcome`."""

    def __init__(self, parts: Parts, site: Site) -> None:
        self._site = site
        self._providers = parts.providers
        self._identities = parts.identities
        self._sign_ons = SignOns(parts.pool)
        self._sessions = Sessions(parts.tokens, site.public_url)
        self._cookie = browser_cookie(site.public_url)

    def routes(self) -> list[web.RouteDef]:
        return [web.get(WELCOME, self.show), web.post(WELCOME, self.choose)]

    async def show(self, request: web.Request) -> web.Response:
        """The form for a user name; whoever did not just come from a provider is sent to log in."""
        person, destination = await self._newcomer(request)
        return await self._draw(request, person, destination, suggestion(person), None)

    async def choose(self, request: web.Request) -> web.Response:
        """Makes the account and logs in to it; a name that cannot be had is said, and another may be chosen."""
        require_same_origin(request, self._site.public_url)
        person, destination = await self._newcomer(request)
        username = (await read_form(request)).get("username", "").strip()
        try:
            account = await self._identities.join(person, username)
        except AccountRefused as refused:
            text = str(refused)
            return await self._draw(request, person, destination, username, f"{text[0].upper()}{text[1:]}.")
        except LinkRefused:
            raise web.HTTPSeeOther("/auth/login") from None
        _log.info("account_made", issuer=person.issuer, account=account.id)
        await note(request, account, "identity-linked", person.issuer)
        await note(request, account, "logged-in", "browser", by=person.issuer)
        await self._sign_ons.welcomed(request.cookies[self._cookie])
        return self._sessions.begin(account, destination)

    async def _newcomer(self, request: web.Request) -> tuple[Person, str]:
        request[IDENTIFIED] = True
        browser = request.cookies.get(self._cookie)
        found = await self._sign_ons.newcomer(browser) if browser else None
        if found is None:
            raise web.HTTPSeeOther("/auth/login")
        return found

    async def _draw(
        self, request: web.Request, person: Person, destination: str, username: str, wrong: str | None
    ) -> web.Response:
        provider = self._providers.of_issuer(person.issuer)
        response = await self._site.page(
            request,
            "welcome.html",
            account=None,
            status=422 if wrong else 200,
            label=provider.label if provider else person.issuer,
            shown_as=person.name or person.email or person.username,
            username=username,
            wrong=wrong,
        )
        let_form_lead_to(response, destination, self._site.public_url)
        return response


def suggestion(person: Person) -> str:
    """A user name to begin with, made of what the provider calls somebody; empty where nothing of it will do."""
    named = person.username.partition("@")[0] or person.name
    return re.sub(r"[^a-z0-9]+", "-", named.lower())[:_LONGEST].strip("-")
