"""How much of an owner's lies in the object store: real bytes, each content once, whatever names it and how often.

Counted is what a row names, from the moment a push is accepted; so is what a failed run has left, until it is swept. An
upload that was never posted counts nowhere: it is swept after a day.
"""

from __future__ import annotations

from collections.abc import Mapping

import asyncpg

from messages.database import texts

# In one order, so that two flows of an owner wait for each other and never in a circle.
_COUNT = """
    insert into stored_content (ownerid, content, size)
    select distinct on (content) ownerid, content, size from named_blob where flow_id = $1 order by content
    on conflict do nothing
"""
_FORGET = """
    delete from stored_content s
    where ownerid = $1 and not exists (select from named_blob where ownerid = $1 and content = s.content)
"""
_USED = "select coalesce(sum(size), 0)::bigint from stored_content where ownerid = $1"
_NEW = """
    select coalesce(sum(size), 0)::bigint from unnest($2::text[], $3::text[]::bigint[]) as wanted (content, size)
    where not exists (select from stored_content s where s.ownerid = $1 and s.content = wanted.content)
"""


async def count(connection: asyncpg.Connection, flow_id: str) -> None:
    """Counts whatever the rows of a flow name by now, in the caller's transaction; what is counted stays so."""
    await connection.execute(_COUNT, flow_id)


async def forget(connection: asyncpg.Connection, ownerid: str) -> None:
    """Counts no longer what no row of the owner's names: for who has just deleted it."""
    await connection.execute(_FORGET, ownerid)


async def used(connection: asyncpg.Connection | asyncpg.Pool, ownerid: str) -> int:
    """Bytes of an owner's contents."""
    found: int = await connection.fetchval(_USED, ownerid)
    return found


async def new(connection: asyncpg.Connection | asyncpg.Pool, ownerid: str, contents: Mapping[str, int]) -> int:
    """Bytes that these contents (by hash, with their sizes) would add to the owner's."""
    found: int = await connection.fetchval(_NEW, ownerid, list(contents), texts(contents.values()))
    return found
