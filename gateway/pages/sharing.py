"""Who sees a dataset, and preview links to it, by the forms on its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg
from aiohttp import web

from gateway.auth import previews
from gateway.auth.previews import Link
from gateway.auth.rights import Action, Actor
from gateway.bodies import read_form
from gateway.pages.forms import sender
from gateway.pages.site import Site
from gateway.parts import Parts
from gateway.pkgstore import Revision
from gateway.sharing import Shared, findability_of, link_address, managed
from gateway.visibility import switch

CHOICES = {"published": "Everybody", "unlisted": "Who has the address"}


@dataclass(frozen=True, slots=True)
class Sharing:
    """What the forms need to know."""

    findability: str
    links: Sequence[Link]
    choices: Mapping[str, str]


async def sharing_of(pool: asyncpg.Pool, revision: Revision, viewer: Actor) -> Sharing | None:
    """For who may manage the dataset; None for others."""
    if not viewer.may(Action.MANAGE, revision.ownerid, revision.dataset):
        return None
    dataset_id = f"{revision.ownerid}/{revision.dataset}"
    findability = await pool.fetchval("select findability from dataset where id = $1", dataset_id)
    own = viewer.account is not None and viewer.account.id == revision.ownerid
    choices = {**CHOICES, "private": "You alone" if own else f"Members of {revision.owner}"}
    return Sharing(findability, await previews.links(pool, dataset_id), choices)


class SharingForms:
    """Handlers of the forms."""

    def __init__(self, parts: Parts, site: Site) -> None:
        self._pool = parts.pool
        self._site = site

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/{owner}/{dataset}/visibility", self.switch),
            web.post("/{owner}/{dataset}/links", self.make_link),
            web.post("/{owner}/{dataset}/links/revoke", self.revoke_link),
        ]

    async def switch(self, request: web.Request) -> web.Response:
        """The form that says who sees the dataset; back to its page."""
        origin = await sender(request, self._site.public_url)
        shared = await managed(self._pool, request, origin.actor)
        findability = findability_of((await read_form(request)).get("findability"))
        await switch(self._pool, shared.id, findability, origin)
        return _back(shared)

    async def make_link(self, request: web.Request) -> web.Response:
        """The form that makes a preview link, which its page shows this once."""
        origin = await sender(request, self._site.public_url)
        shared = await managed(self._pool, request, origin.actor)
        form = await read_form(request)
        text = form.get("days", "")
        days = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0
        made = await previews.make(self._pool, shared.id, days, form.get("note", "").strip(), origin)
        return await self._site.page(
            request,
            "link.html",
            account=origin.actor.account,
            shared=shared,
            link=link_address(self._site.public_url, shared, made),
            expires_at=made.expires_at,
        )

    async def revoke_link(self, request: web.Request) -> web.Response:
        """The button that ends a preview link; back to the dataset's page."""
        origin = await sender(request, self._site.public_url)
        shared = await managed(self._pool, request, origin.actor)
        await previews.revoke(self._pool, shared.id, (await read_form(request)).get("link", ""), origin)
        return _back(shared)


def _back(shared: Shared) -> web.Response:
    return web.Response(status=303, headers={"Location": f"{shared.path}#sharing"})
