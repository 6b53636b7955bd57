"""One's own API tokens: made with a form, shown once, listed with their last use, revoked with a button."""

from __future__ import annotations

from aiohttp import web

from gateway.auth import apitokens
from gateway.auth.accounts import Account
from gateway.auth.apitokens import ApiToken, TokenRefused
from gateway.auth.audit import Origin
from gateway.auth.identity import identify
from gateway.auth.organisations import Organisations
from gateway.auth.tokenrequests import USUAL_LIFE, read_wish
from gateway.bodies import read_form
from gateway.pages.forms import sender
from gateway.pages.site import Site
from gateway.parts import Parts
from gateway.problems import Problem, not_found

ADDRESS = "/settings/tokens"
BLANK = {"name": "", "owner": "", "dataset": "", "access": "publish", "days": str(USUAL_LIFE)}


class ApiTokensPage:
    """Handlers of `/settings/tokens`."""

    def __init__(self, parts: Parts, site: Site) -> None:
        self._pool = parts.pool
        self._accounts = parts.accounts
        self._organisations = Organisations(parts.pool)
        self._site = site

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(ADDRESS, self.show),
            web.post(ADDRESS, self.make),
            web.post(f"{ADDRESS}/revoke", self.revoke),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """Your API tokens, and the form for another; whoever is not logged in does that first."""
        account = (await identify(request)).person
        if account is None:
            raise web.HTTPSeeOther(f"/auth/login?next={ADDRESS}")
        return await self._page(request, account)

    async def make(self, request: web.Request) -> web.Response:
        """The form that makes a token, which this answer shows this once; the form again where something is wrong."""
        origin = await sender(request, self._site.public_url)
        form = {**BLANK, **await read_form(request)}
        account = origin.actor.known
        try:
            made, secret = await self._made(origin, form)
        except Problem as problem:
            wrong = [fault.detail for fault in problem.faults] or [problem.detail]
            return await self._page(request, account, form=form, wrong=wrong, status=problem.status)
        return await self._page(request, account, made=made, secret=secret)

    async def _made(self, origin: Origin, form: dict[str, str]) -> tuple[ApiToken, str]:
        owner, dataset = form["owner"] or origin.actor.known.username, form["dataset"].strip()
        fields = {name: form[name].strip() for name in ("name", "access", "days")}
        scope = f"{owner}/{dataset}" if dataset else owner
        wanted = await read_wish(self._accounts, origin.actor, {**fields, "scope": scope})
        try:
            return await apitokens.make(self._pool, origin, wanted)
        except TokenRefused as refused:
            raise Problem(409, "no-token", f"{str(refused)[:1].upper()}{str(refused)[1:]}.") from None

    async def revoke(self, request: web.Request) -> web.Response:
        """The button that ends a token of yours at once; back to the list."""
        origin = await sender(request, self._site.public_url)
        form = await read_form(request)
        if not await apitokens.revoke(self._pool, origin, form.get("token", "")):
            raise not_found("You have no such token, or it has ended already.")
        return web.Response(status=303, headers={"Location": f"{ADDRESS}#tokens"})

    async def _page(
        self,
        request: web.Request,
        account: Account,
        *,
        form: dict[str, str] | None = None,
        wrong: list[str] | None = None,
        made: ApiToken | None = None,
        secret: str = "",
        status: int = 200,
    ) -> web.Response:
        memberships = await self._organisations.of(account.id)
        return await self._site.page(
            request,
            "tokens.html",
            account=account,
            status=status,
            tokens=await apitokens.listed(self._pool, account.id),
            owners=[account.username, *(each.username for each in memberships)],
            form=form or BLANK,
            wrong=wrong or [],
            made=made,
            secret=secret,
            server=self._site.public_url,
        )
