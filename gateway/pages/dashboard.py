"""The datasets of oneself and of one's organisations, private ones and failed runs too."""

from __future__ import annotations

from aiohttp import web

from gateway.auth.identity import identify
from gateway.auth.organisations import Organisations
from gateway.auth.rights import Action
from gateway.pages.site import Site
from gateway.parts import Parts
from gateway.pkgstore import PackageStore
from gateway.quota import usage_of


class Dashboard:
    """Handlers of `/dashboard` and `/login`."""

    def __init__(self, parts: Parts, site: Site, store: PackageStore) -> None:
        self._pool = parts.pool
        self._quota = parts.settings.gateway.owner_quota
        self._organisations = Organisations(parts.pool)
        self._site = site
        self._store = store

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/dashboard", self.show), web.get("/login", self.login)]

    async def show(self, request: web.Request) -> web.Response:
        """The list; whoever is not logged in does that first."""
        actor = await identify(request)
        if actor.account is None:
            raise web.HTTPSeeOther("/auth/login?next=/dashboard")
        datasets = await self._store.owned(actor.owners(Action.READ))
        organisations = await self._organisations.of(actor.account.id)
        return await self._site.page(
            request,
            "dashboard.html",
            account=actor.account,
            datasets=datasets,
            organisations=organisations,
            usage=await usage_of(self._pool, actor.account.id, self._quota),
        )

    async def login(self, _request: web.Request) -> web.Response:
        """The short address of the log-in page."""
        raise web.HTTPSeeOther("/auth/login?next=/dashboard")
