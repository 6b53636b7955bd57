"""GET /resolver/resolve: which account and package a path of this site means."""

from __future__ import annotations

import asyncpg
from aiohttp import web

from gateway.parts import Parts
from gateway.problems import Problem


def routes(parts: Parts) -> list[web.RouteDef]:
    """The one route. Original clients ask it before every look at a dataset."""

    async def resolve(request: web.Request) -> web.Response:
        """The owner's id and the dataset's name behind `owner/dataset`."""
        path = request.query.get("path")
        if path is None:
            return web.json_response({})
        owner, slash, rest = path.strip("/").partition("/")
        if not slash or not rest:
            raise Problem(400, "bad-path", "The path must be `<username>/<dataset>`.")
        return web.json_response({"userid": await userid_of(parts.pool, owner), "packageid": rest.split("/")[0]})

    return [web.get("/resolver/resolve", resolve)]


async def userid_of(pool: asyncpg.Pool, username: str) -> str | None:
    """The id of the account with this user name; None where there is none."""
    if "\x00" in username:
        return None
    ownerid: str | None = await pool.fetchval("select id from account where lower(username) = lower($1)", username)
    return ownerid
