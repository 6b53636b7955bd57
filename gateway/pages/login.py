"""The log-in page: by password, or by any of the providers."""

from __future__ import annotations

from urllib.parse import urlencode

from aiohttp import web

from gateway.auth.oidc.providers import Providers
from gateway.pages.site import Site


class LoginPage:
    """Draws `/auth/login`."""

    def __init__(self, site: Site, providers: Providers) -> None:
        self._site = site
        self._providers = providers

    async def draw(self, request: web.Request, destination: str, username: str, wrong: str | None) -> web.Response:
        """The page; its form goes back to where it came from, its links to the providers."""
        again = "again" in request.query
        query = urlencode({"next": destination, **({"again": "1"} if again else {})})
        return await self._site.page(
            request,
            "login.html",
            account=None,
            destination=destination,
            username=username,
            wrong=wrong,
            again=again,
            for_program=not destination.startswith("/"),
            providers=[
                {"label": each.label, "address": f"/auth/sso/{each.name}?{query}", "answers": each.issuer.answers}
                for each in self._providers
            ],
        )
