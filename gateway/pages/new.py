"""The page on which a dataset is published from the browser: nothing but the page, the rest is asked of the services.

Its script asks `/auth/authorize` for permission tokens: a look, for which the session's cookie is good, and whose
answer pages of this site alone can read. Everything that changes something is asked with such a token in a header, as
by every other client, and by no cookie.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from gateway.auth.identity import identify
from gateway.auth.organisations import Organisations
from gateway.auth.rights import Action
from gateway.edge import CONTENT_SECURITY_POLICY
from gateway.pages.site import Site
from tabular.words import advice_on, title_of

RULES = (
    *("missing-cell", "extra-cell", "blank-row", "blank-label", "duplicate-label", "blank-header"),
    *("encoding-error", "nul-byte", "empty-file", "unterminated-quote", "type-error"),
)
"""What the page finds by itself, before anything is sent."""
LICENCES = (
    ("CC0-1.0", "Public domain (CC0 1.0)", "https://creativecommons.org/publicdomain/zero/1.0/"),
    ("ODC-PDDL-1.0", "Public domain (PDDL 1.0)", "https://opendatacommons.org/licenses/pddl/1-0/"),
    ("CC-BY-4.0", "Attribution (CC BY 4.0)", "https://creativecommons.org/licenses/by/4.0/"),
    ("CC-BY-SA-4.0", "Attribution, share alike (CC BY-SA 4.0)", "https://creativecommons.org/licenses/by-sa/4.0/"),
    ("ODC-By-1.0", "Attribution for databases (ODC-By 1.0)", "https://opendatacommons.org/licenses/by/1-0/"),
    ("ODbL-1.0", "Share alike for databases (ODbL 1.0)", "https://opendatacommons.org/licenses/odbl/1-0/"),
)
"""Licences of the Open Definition: name, what people call it, its text."""


class NewPage:
    """The handler of `/new`; `store_url` is where browsers send files to."""

    def __init__(self, site: Site, organisations: Organisations, store_url: str) -> None:
        self._site = site
        self._organisations = organisations
        parts = urlsplit(store_url)
        self._policy = f"{CONTENT_SECURITY_POLICY}; connect-src 'self' {parts.scheme}://{parts.netloc}"

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/new", self.show)]

    async def show(self, request: web.Request) -> web.Response:
        """The page; whoever is not logged in does that first."""
        actor = await identify(request)
        if actor.account is None:
            raise web.HTTPSeeOther("/auth/login?next=/new")
        mine = await self._organisations.of(actor.account.id)
        owners = [(actor.account.id, actor.account.username)]
        owners += [(each.id, each.username) for each in mine if actor.may(Action.PUBLISH, each.id)]
        words = {rule: {"title": title_of(rule), "advice": advice_on(rule, None)} for rule in RULES}
        response = await self._site.page(
            request, "new.html", account=actor.account, owners=owners, licences=LICENCES, words=words
        )
        response.headers["Content-Security-Policy"] = self._policy
        return response
