"""An owner's own room under `/dashboard`: an organisation's datasets and members, and anybody's audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

from gateway.auth.accounts import ORGANISATION, Account
from gateway.auth.audit import MOST, Entry, entries
from gateway.auth.identity import identify
from gateway.auth.organisations import Organisations
from gateway.auth.rights import Action, Actor, Role
from gateway.bodies import read_form
from gateway.membership import before_of, is_line, named, role_of
from gateway.pages import text
from gateway.pages.forms import sender
from gateway.pages.site import Site
from gateway.parts import Parts
from gateway.pkgstore import PackageStore
from gateway.problems import Problem, not_found
from gateway.quota import usage_of

ROLES: Mapping[Role, str] = {
    Role.READER: "reads what is private",
    Role.PUBLISHER: "also publishes",
    Role.MAINTAINER: "also says who sees a dataset",
    Role.OWNER: "also says who the members are",
}


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of the audit log on a page."""

    entry: Entry
    details: str


class OrganisationPages:
    """Handlers of `/dashboard/{owner}` and of the forms there."""

    def __init__(self, parts: Parts, site: Site, store: PackageStore) -> None:
        self._pool = parts.pool
        self._quota = parts.settings.gateway.owner_quota
        self._accounts = parts.accounts
        self._organisations = Organisations(parts.pool)
        self._site = site
        self._store = store

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/dashboard/organisations", self.make),
            web.get("/dashboard/{owner}", self.show),
            web.get("/dashboard/{owner}/audit", self.audit),
            web.post("/dashboard/{owner}/members", self.set_role),
            web.post("/dashboard/{owner}/members/remove", self.remove),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """An organisation as its members see it: datasets, members, and for owners the forms to change them."""
        actor = await _logged_in(request)
        owner = await self._owner(request, actor, Action.READ)
        if owner.kind != ORGANISATION:
            raise web.HTTPSeeOther("/dashboard")
        members = await self._organisations.members(owner.id)
        return await self._site.page(
            request,
            "organisation.html",
            account=actor.account,
            owner=owner,
            role=actor.role(owner.id),
            roles=ROLES,
            administers=actor.may(Action.ADMINISTER, owner.id),
            members=members,
            datasets=await self._store.owned([owner.id]),
            usage=await usage_of(self._pool, owner.id, self._quota),
        )

    async def audit(self, request: web.Request) -> web.Response:
        """The audit log of yourself, or of an organisation that you are an owner of."""
        actor = await _logged_in(request)
        owner = await self._owner(request, actor, Action.ADMINISTER)
        found = await entries(self._pool, owner.id, before_of(request))
        older = f"{request.path}?{urlencode({'before': found[-1].id})}" if len(found) == MOST else None
        lines = [Line(entry, _details(entry)) for entry in found]
        return await self._site.page(
            request, "audit.html", account=actor.account, owner=owner, lines=lines, older=older
        )

    async def make(self, request: web.Request) -> web.Response:
        """The form for a new organisation; on to its page."""
        origin = await sender(request, self._site.public_url)
        form = await read_form(request)
        title = form.get("title", "").strip()
        if not is_line(title):
            raise Problem(422, "invalid-name", "The full name is one line, and not that long.")
        made = await self._organisations.make(form.get("name", "").strip(), title, origin)
        return _see(f"/dashboard/{made.username}")

    async def set_role(self, request: web.Request) -> web.Response:
        """The form that adds a member or changes a role; back to the organisation's page."""
        origin = await sender(request, self._site.public_url)
        owner = await self._owner(request, origin.actor, Action.READ)
        form = await read_form(request)
        username = form.get("username", "").strip()
        await self._organisations.set_role(owner.id, username, role_of(form.get("role")), origin)
        return _see(f"/dashboard/{owner.username}")

    async def remove(self, request: web.Request) -> web.Response:
        """The button that ends a membership; back to the organisation's page, or to one's own after leaving it."""
        origin = await sender(request, self._site.public_url)
        owner = await self._owner(request, origin.actor, Action.READ)
        username = (await read_form(request)).get("username", "")
        await self._organisations.remove(owner.id, username, origin)
        left = username.lower() == origin.actor.known.username
        return _see("/dashboard" if left else f"/dashboard/{owner.username}")

    async def _owner(self, request: web.Request, actor: Actor, action: Action) -> Account:
        """Whose room this is; for who may not enter there is none."""
        owner = await named(self._accounts, request.match_info["owner"])
        if not actor.may(action, owner.id):
            raise not_found("There is nothing here, or you may not see it.")
        return owner


async def _logged_in(request: web.Request) -> Actor:
    actor = await identify(request)
    if actor.account is None:
        raise web.HTTPSeeOther("/auth/login?" + urlencode({"next": request.path}))
    return actor


def _see(address: str) -> web.Response:
    return web.Response(status=303, headers={"Location": address})


def _details(entry: Entry) -> str:
    return text.plain(", ".join(f"{name}: {value}" for name, value in sorted(entry.details.items())), 200)
