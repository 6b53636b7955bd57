"""How much an owner may have in the object store: asked before bytes are uploaded, and again when they are published.

The first answer is for the publisher, who need not upload for nothing; the second holds, under a lock on the owner.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
from aiohttp import web

from gateway.auth.identity import identify
from gateway.auth.rights import Action
from gateway.pages.text import size
from gateway.parts import Parts
from gateway.problems import Problem
from messages import usage

_LIMIT = "select quota from account where id = $1"
# Of the owner's pushes one at a time, so that two cannot share the last free byte. An advisory lock: pushes hold the
# account's row for less, and others wait for that.
_LOCK = "select pg_advisory_xact_lock(7301, hashtext($1))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Bytes that an owner has, and may have (`limit` None: as many as they like)."""

    used: int
    limit: int | None

    @property
    def words(self) -> str:
        """For people."""
        of = f" of {size(self.limit)}" if self.limit is not None else ""
        return f"{size(self.used)}{of} used"

    def lacks_room(self, asked: int) -> bool:
        """Whether so many bytes more are too many; nothing new never is."""
        return self.limit is not None and asked > 0 and self.used + asked > self.limit

    def refusal(self, asked: int) -> str:
        """Why not, with all the figures."""
        limit = self.limit or 0
        return (
            f"There is no room for this: {size(asked)} more are asked for, {size(self.used)} of"
            f" {size(limit)} are used, {size(max(0, limit - self.used))} are free"
            f" (asked {asked}, used {self.used}, limit {limit} bytes)."
        )

    def to_dict(self) -> dict[str, Any]:
        return {"used": self.used, "limit": self.limit}


class OverQuota(Exception):
    """The message says what is asked, used and allowed."""


async def usage_of(connection: asyncpg.Connection | asyncpg.Pool, ownerid: str, default: int) -> Usage:
    """What an owner has and may have; `default`: the limit of owners without one of their own (0: none)."""
    limit = await connection.fetchval(_LIMIT, ownerid)
    limit = default if limit is None else limit
    return Usage(used=await usage.used(connection, ownerid), limit=limit or None)


async def require_room(pool: asyncpg.Pool, ownerid: str, default: int, contents: Mapping[str, int]) -> None:
    """Raises Problem 413 where these contents (by hash, with their sizes) are more than the owner may have."""
    asked = await usage.new(pool, ownerid, contents)
    found = await usage_of(pool, ownerid, default)
    if found.lacks_room(asked):
        raise Problem(413, "over-quota", found.refusal(asked), more={"asked": asked, **found.to_dict()})


async def take_room(connection: asyncpg.Connection, ownerid: str, default: int, contents: Mapping[str, int]) -> None:
    """The same in a push's transaction, for good: no other push of the owner's gets in between. Raises OverQuota."""
    limit = await connection.fetchval(_LIMIT, ownerid)
    if not (default if limit is None else limit):
        return
    await connection.execute(_LOCK, ownerid)
    asked = await usage.new(connection, ownerid, contents)
    found = await usage_of(connection, ownerid, default)
    if found.lacks_room(asked):
        raise OverQuota(found.refusal(asked))


def routes(parts: Parts) -> list[web.RouteDef]:
    """GET /auth/quota/{owner}."""

    async def show(request: web.Request) -> web.Response:
        """How many bytes an owner has in the object store, each content counted once, and how many it may have.

        For yourself, and for members of an organisation.
        """
        actor = await identify(request)
        if actor.account is None:
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            raise Problem(401, "invalid-token", "You are not authorised: there is no good token.", headers=challenge)
        name = request.match_info["owner"]
        owner = None if "\x00" in name else await parts.accounts.by_username(name)
        if owner is None or not actor.may(Action.READ, owner.id):
            raise Problem(403, "not-yours", "Only the owner sees how much it has.")
        found = await usage_of(parts.pool, owner.id, parts.settings.gateway.owner_quota)
        return web.json_response(found.to_dict())

    return [web.get("/auth/quota/{owner}", show)]
