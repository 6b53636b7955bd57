"""Sign-on: to a provider, and back with proof of who somebody is."""

from __future__ import annotations

import secrets

import structlog
from aiohttp import web

from gateway.auth.audit import note
from gateway.auth.destinations import HOME, is_loopback, safe_destination
from gateway.auth.identity import identify
from gateway.auth.login import LOGIN_PAGE
from gateway.auth.oidc.documents import ProviderDown
from gateway.auth.oidc.identities import LinkRefused
from gateway.auth.oidc.provider import CALLBACK, OidcProvider, Person, SignOnRefused
from gateway.auth.oidc.signons import LIFETIME, SignOn, SignOns
from gateway.auth.session import Sessions, is_from_our_page, recently_logged_in
from gateway.edge import IDENTIFIED, TIME_LIMIT, set_deadline
from gateway.parts import Parts
from gateway.problems import Problem, not_found

WELCOME = "/auth/welcome"
SETTINGS = "/settings"
LOST = "This log-in did not begin in this browser, or is over. Begin again."
NOT_YOURS = "You are logged in as somebody else now than when you began. Nothing was linked."
_STATE = 100

_log = structlog.get_logger()


def browser_cookie(public_url: str) -> str:
    """The cookie that a sign-on is bound to the browser by."""
    return "__Host-dh_browser" if public_url.startswith("https://") else "dh_browser"


class SignOnService:
    """Handlers of `/auth/sso/{provider}` and `/auth/oauth_callback`."""

    def __init__(self, parts: Parts) -> None:
        self._providers = parts.providers
        self._identities = parts.identities
        self._sign_ons = SignOns(parts.pool)
        self._public_url = parts.settings.gateway.public_url
        self._sessions = Sessions(parts.tokens, self._public_url)
        self._cookie = browser_cookie(self._public_url)

    async def begin(self, request: web.Request) -> web.Response:
        """Sends a visitor to a provider.

        A program that waits for a token, a link to an account and a second proof are begun by a click on a page of
        ours, never by an address elsewhere: that leads to the log-in page.
        """
        provider = self._provider(request)
        request[IDENTIFIED] = True
        destination = safe_destination(request.query.get("next", ""), self._public_url)
        links, again = "link" in request.query, "again" in request.query
        careful = links or again or is_loopback(destination, self._public_url)
        if careful and not is_from_our_page(request, self._public_url):
            raise web.HTTPSeeOther(str(request.rel_url.with_path("/auth/login").with_query(next=destination)))
        account_id = (await recently_logged_in(request, SETTINGS)).id if links else None
        browser = request.cookies.get(self._cookie) or secrets.token_urlsafe(32)
        sign_on = SignOn(provider=provider.name, destination=destination, account_id=account_id, again=again)
        try:
            await provider.issuer.metadata()
            address = await provider.authorization_url(await self._sign_ons.begin(sign_on, browser), again=again)
        except ProviderDown:
            wrong = f"{provider.label} does not answer right now. Log in another way, or try again in a moment."
            return await self._back_to_login(request, destination, wrong, 503)
        response = web.Response(status=303, headers={"Location": address})
        self._sessions.keep(response, self._cookie, browser, LIFETIME)
        return response

    async def callback(self, request: web.Request) -> web.Response:
        """Where a provider sends a visitor back to; whoever is new chooses a user name next."""
        provider = self._provider(request)
        set_deadline(request, TIME_LIMIT)
        request[IDENTIFIED] = True
        state, browser = request.query.get("state", ""), request.cookies.get(self._cookie, "")
        found = await self._sign_ons.finish(state, browser, provider.name) if state and browser else None
        if found is None:
            return await self._back_to_login(request, HOME, LOST, 400)
        sign_on, held = found
        try:
            person = await provider.person(_once(request), held, again=sign_on.again)
            if sign_on.account_id is not None:
                return await self._link(request, person, sign_on.account_id)
            return await self._log_in(request, person, sign_on.destination, browser)
        except ProviderDown:
            wrong = f"{provider.label} does not answer right now. Log in another way, or try again in a moment."
            return await self._back_to_login(request, sign_on.destination, wrong, 503)
        except (SignOnRefused, LinkRefused) as refused:
            return await self._back_to_login(request, sign_on.destination, str(refused), 400)

    async def nowhere(self, _request: web.Request) -> web.Response:
        """The original's one address for all providers: nobody is sent back to it any more, so it leads home."""
        raise web.HTTPFound(HOME)

    async def _log_in(self, request: web.Request, person: Person, destination: str, browser: str) -> web.Response:
        account = await self._identities.account(person)
        _log.info("signed_on", issuer=person.issuer, account=account.id if account else None)
        if account is not None:
            await note(request, account, "logged-in", "browser", by=person.issuer)
            return self._sessions.begin(account, destination)
        await self._sign_ons.welcome(person, destination, browser)
        return web.Response(status=303, headers={"Location": WELCOME})

    async def _link(self, request: web.Request, person: Person, account_id: str) -> web.Response:
        account = (await identify(request)).account
        if account is None or account.id != account_id:
            raise Problem(409, "other-account", NOT_YOURS)
        try:
            await self._identities.link(person, account_id)
        except LinkRefused as refused:
            raise Problem(409, "linked-elsewhere", str(refused)) from None
        await note(request, account, "identity-linked", person.issuer)
        _log.info("identity_linked", issuer=person.issuer, account=account_id)
        return web.Response(status=303, headers={"Location": f"{SETTINGS}#log-ins"})

    def _provider(self, request: web.Request) -> OidcProvider:
        provider = self._providers.get(request.match_info["provider"])
        if provider is None:
            raise not_found("There is no such provider here.")
        return provider

    async def _back_to_login(self, request: web.Request, destination: str, wrong: str, status: int) -> web.Response:
        response = await request.app[LOGIN_PAGE](request, destination, "", wrong)
        response.set_status(status)
        return response


def _once(request: web.Request) -> dict[str, str]:
    """The answer's parameters; one that comes twice is taken for none (RFC 6749, 3.1)."""
    return {name: value for name, value in request.query.items() if len(request.query.getall(name)) == 1}


def routes(parts: Parts) -> list[web.RouteDef]:
    """The routes of sign-on."""
    service = SignOnService(parts)
    return [
        web.get("/auth/sso/{provider}", service.begin),
        web.get(CALLBACK, service.nowhere),
        web.get(f"{CALLBACK}/{{provider}}", service.callback),
    ]
