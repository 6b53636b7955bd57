"""Who sees a dataset, and preview links to it, over HTTP for programs: `/sharing/{owner}/{dataset}`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import asyncpg
from aiohttp import web

from gateway.auth import previews
from gateway.auth.audit import origin_of
from gateway.auth.identity import identify
from gateway.auth.rights import Action, Actor
from gateway.bodies import read_object, whole_number
from gateway.parts import Parts
from gateway.previewing import PARAMETER
from gateway.problems import Fault, Problem, not_found
from gateway.visibility import public_past, switch
from messages.datapackage import FINDABILITIES

_FIND = """
    select d.id, d.ownerid, a.username as owner, d.name, d.findability, d.switched_at
    from dataset d join account a on a.id = d.ownerid
    where (d.ownerid = $1 or lower(a.username) = lower($1)) and d.name = $2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """A dataset, and who sees it; `switched_at`: when somebody said so by hand."""

    id: str
    ownerid: str
    owner: str
    name: str
    findability: str
    switched_at: datetime | None

    @property
    def path(self) -> str:
        """The dataset's address on this site."""
        return f"/{self.owner}/{self.name}"


class SharingRequests:
    """The handlers."""

    def __init__(self, parts: Parts) -> None:
        self._pool = parts.pool
        self._public_url = parts.settings.gateway.public_url

    async def show(self, request: web.Request) -> web.Response:
        """Who sees a dataset, when others could, and its preview links; for who may manage it."""
        shared = await managed(self._pool, request, await require_known(request))
        return web.json_response(await self._told(shared))

    async def switch(self, request: web.Request) -> web.Response:
        """Has a dataset be seen by others from now on: `published`, `unlisted` or `private`.

        It holds at once for its page, search, events and downloads, and pushes show no more than it says.
        """
        actor = await require_known(request)
        shared = await managed(self._pool, request, actor)
        findability = findability_of((await read_object(request)).get("findability"))
        await switch(self._pool, shared.id, findability, origin_of(request, actor))
        return web.json_response(await self._told(await managed(self._pool, request, actor)))

    async def make_link(self, request: web.Request) -> web.Response:
        """Makes a preview link, good for `days` days (7 where not said); its address is told this once."""
        actor = await require_known(request)
        shared = await managed(self._pool, request, actor)
        body = await read_object(request)
        days, note = whole_number(body.get("days", previews.USUAL_DAYS)), body.get("note", "")
        if days is None or not isinstance(note, str):
            raise Problem(422, "invalid-link", "`days` must be a whole number, `note` a text.")
        made = await previews.make(self._pool, shared.id, days, note, origin_of(request, actor))
        url = link_address(self._public_url, shared, made)
        document = {"id": made.id, "url": url, "expires": made.expires_at.isoformat()}
        return web.json_response(document, status=201)

    async def revoke_link(self, request: web.Request) -> web.Response:
        """Ends a preview link now."""
        actor = await require_known(request)
        shared = await managed(self._pool, request, actor)
        await previews.revoke(self._pool, shared.id, request.match_info["link"], origin_of(request, actor))
        return web.Response(status=204)

    async def _told(self, shared: Shared) -> dict[str, Any]:
        return {
            "findability": shared.findability,
            "switched": shared.switched_at.isoformat() if shared.switched_at else None,
            "public": [period.to_dict() for period in await public_past(self._pool, shared.id)],
            "links": [link.to_dict() for link in await previews.links(self._pool, shared.id)],
        }


async def require_known(request: web.Request) -> Actor:
    """Who is logged in, or holds an API token, by a header; raises Problem 401 for anybody else."""
    actor = await identify(request)
    if actor.account is None:
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        raise Problem(401, "invalid-token", "You are not authorised: there is no good token.", headers=challenge)
    return actor


async def managed(pool: asyncpg.Pool, request: web.Request, actor: Actor) -> Shared:
    """The dataset that an address names, which the actor may manage; raises Problem 404, for a stranger's private one
    as for none, or 403 for who may read it and no more."""
    names = request.match_info
    row = None
    if "\x00" not in names["owner"] + names["dataset"]:
        row = await pool.fetchrow(_FIND, names["owner"], names["dataset"])
    if row is None:
        raise not_found()
    found = Shared(**row)
    if actor.may(Action.MANAGE, found.ownerid, found.name):
        return found
    if found.findability != "private" or actor.may(Action.READ, found.ownerid, found.name):
        raise Problem(403, "not-yours", "You may read this dataset, and not say who sees it.")
    raise not_found()


def findability_of(text: object) -> str:
    """Who is to see it; raises Problem 422 with what can be said."""
    if not isinstance(text, str) or text not in FINDABILITIES:
        words = f"`findability` must be one of {', '.join(FINDABILITIES)}."
        raise Problem(
            422, "findability", words, faults=[Fault(detail=words, rule="findability", pointer="#/findability")]
        )
    return text


def link_address(public_url: str, shared: Shared, made: previews.NewLink) -> str:
    """What is given to who is to read: the dataset's page, with the link's secret."""
    return f"{public_url}/{quote(shared.owner)}/{quote(shared.name)}?{PARAMETER}={made.secret}"


def routes(parts: Parts) -> list[web.RouteDef]:
    """The routes of sharing."""
    requests = SharingRequests(parts)
    address = "/sharing/{owner}/{dataset}"
    return [
        web.get(address, requests.show),
        web.put(address, requests.switch),
        web.post(f"{address}/links", requests.make_link),
        web.delete(f"{address}/links/{{link}}", requests.revoke_link),
    ]
