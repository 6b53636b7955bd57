"""Webhooks of one's own, and of organisations: made with a form, shown with what was sent, and buttons for the rest."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from gateway.auth.accounts import Account
from gateway.auth.audit import Origin
from gateway.auth.identity import identify
from gateway.auth.organisations import Organisations
from gateway.auth.rights import Action, Actor
from gateway.bodies import read_form
from gateway.pages.forms import sender
from gateway.pages.site import Site
from gateway.parts import Parts
from gateway.problems import Problem
from gateway.webhooks import deliveries, webhook
from gateway.webhooks.requests import make, managed
from messages.webhooks.addresses import Addresses

ADDRESS = "/settings/webhooks"
ACTS = ("remove", "rotate", "enable", "ping", "replay")
BLANK = {"owner": "", "url": "", "dataset": ""}


class WebhooksPage:
    """Handlers of `/settings/webhooks`."""

    def __init__(self, parts: Parts, site: Site) -> None:
        self._pool = parts.pool
        self._accounts = parts.accounts
        self._organisations = Organisations(parts.pool)
        self._addresses = Addresses(parts.settings.webhook_networks)
        self._site = site

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(ADDRESS, self.show),
            web.post(ADDRESS, self.add),
            web.post(f"{ADDRESS}/act", self.act),
            web.get(f"{ADDRESS}/{{owner}}/{{webhook}}", self.show_one),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """Your webhooks, and the form for another; whoever is not logged in does that first."""
        return await self._page(request, await self._visitor(request))

    async def show_one(self, request: web.Request) -> web.Response:
        """What a webhook was sent and is to be, the newest first."""
        actor = await self._visitor(request)
        owner = await managed(self._accounts, actor, request.match_info["owner"])
        webhook_id = request.match_info["webhook"]
        found = await deliveries.of_webhook(self._pool, owner, webhook_id, None)
        shown = await webhook.one(self._pool, owner, webhook_id)
        return await self._site.page(
            request, "webhook.html", account=actor.account, owner=owner.username, webhook=shown, deliveries=found
        )

    async def add(self, request: web.Request) -> web.Response:
        """The form that makes a webhook, whose secret this answer shows this once; the form again where something is
        wrong."""
        origin = await sender(request, self._site.public_url)
        form = {**BLANK, **await read_form(request)}
        try:
            owner = await managed(self._accounts, origin.actor, form["owner"] or origin.actor.known.username)
            dataset = form["dataset"].strip()
            wanted = {"url": form["url"].strip(), **({"dataset": dataset} if dataset else {})}
            _, secret = await make(self._pool, self._addresses, origin, owner, wanted)
        except Problem as problem:
            wrong = [fault.detail for fault in problem.faults] or [problem.detail]
            return await self._page(request, origin.actor, form=form, wrong=wrong, status=problem.status)
        return await self._page(request, origin.actor, secret=secret)

    async def act(self, request: web.Request) -> web.Response:
        """The buttons of a webhook: `act` says what is done; a new secret is shown this once, else back to where the
        button was."""
        origin = await sender(request, self._site.public_url)
        form = await read_form(request)
        owner = await managed(self._accounts, origin.actor, form.get("owner", ""))
        named, delivery = form.get("webhook", ""), form.get("delivery") or None
        if form.get("act") == "rotate":
            secret = await webhook.rotate(self._pool, origin, owner, named)
            return await self._page(request, origin.actor, secret=secret)
        await self._do(origin, owner, named, form.get("act"), delivery)
        back = ADDRESS if form["act"] == "remove" else f"{ADDRESS}/{owner.username}/{named}"
        return web.Response(status=303, headers={"Location": back})

    async def _do(self, origin: Origin, owner: Account, named: str, act: str | None, delivery: str | None) -> None:
        if act == "remove":
            await webhook.remove(self._pool, origin, owner, named)
        elif act == "enable":
            await webhook.enable(self._pool, origin, owner, named)
        elif act == "ping":
            await deliveries.ping(self._pool, owner, named)
        elif act == "replay":
            await deliveries.replay(self._pool, origin, owner, named, delivery)
        else:
            raise Problem(422, "invalid-act", "There is no such button.")

    async def _visitor(self, request: web.Request) -> Actor:
        actor = await identify(request)
        if actor.person is None:
            raise web.HTTPSeeOther(f"/auth/login?next={ADDRESS}")
        return actor

    async def _owners(self, actor: Actor) -> Sequence[Account]:
        names = [each.username for each in await self._organisations.of(actor.known.id)]
        found = [await self._accounts.by_username(name) for name in names]
        return [actor.known, *(each for each in found if each and actor.may(Action.MANAGE, each.id))]

    async def _page(
        self,
        request: web.Request,
        actor: Actor,
        *,
        form: dict[str, str] | None = None,
        wrong: list[str] | None = None,
        secret: str = "",
        status: int = 200,
    ) -> web.Response:
        owners = await self._owners(actor)
        return await self._site.page(
            request,
            "webhooks.html",
            account=actor.account,
            status=status,
            webhooks=[(owner.username, each) for owner in owners for each in await webhook.of_owner(self._pool, owner)],
            owners=[owner.username for owner in owners],
            form=form or BLANK,
            wrong=wrong or [],
            secret=secret,
        )
