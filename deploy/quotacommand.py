"""`dh-server quota`: how much an owner may have in the object store."""

from __future__ import annotations

import argparse
import json

import asyncpg

from gateway.auth.audit import OPERATOR, record
from gateway.quota import Usage, usage_of
from messages.database import open_pool, require_schema
from messages.errors import PermanentError
from messages.settings import Settings

_FIND = "select id, quota from account where lower(username) = lower($1) for update"
_SET = "update account set quota = $2 where id = $1"


async def quota(arguments: argparse.Namespace, settings: Settings) -> int:
    """Shows the owner's usage, after the limit was set where that is asked for; raises PermanentError for nobody."""
    async with await open_pool(settings.database_url, size=1) as pool:
        await require_schema(pool)
        async with pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(_FIND, arguments.owner)
            if row is None:
                raise PermanentError(f"there is nobody called {arguments.owner!r}")
            if arguments.default or arguments.limit is not None:
                await _set(connection, row, None if arguments.default else arguments.limit)
            usage = await usage_of(connection, row["id"], settings.gateway.owner_quota)
    print(_words(arguments, usage), flush=True)
    return 0


async def _set(connection: asyncpg.Connection, account: asyncpg.Record, limit: int | None) -> None:
    await connection.execute(_SET, account["id"], limit)
    words = {"limit": "default" if limit is None else limit, "before": account["quota"]}
    await record(connection, account["id"], "quota-set", "quota", OPERATOR, **words)


def _words(arguments: argparse.Namespace, usage: Usage) -> str:
    if arguments.json:
        return json.dumps({"owner": arguments.owner, **usage.to_dict()})
    return f"{arguments.owner}: {usage.words}" + ("" if usage.limit is not None else ", without limit")
