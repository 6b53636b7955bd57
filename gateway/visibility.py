"""Who sees a dataset: switched at any time by who may manage it, and what it was before is kept.

What wins: the first push says who sees a dataset, and so does each later push by somebody who may manage it, until it
is switched by hand. From then on the switch stands, and a push may only show less. A push by somebody who may not
manage the dataset changes nothing about who sees it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from gateway.auth.audit import Origin, record
from gateway.auth.rights import Action, still_may
from gateway.problems import Problem
from messages.datapackage import FINDABILITIES, FlowRef
from messages.events import VisibilityChanged
from messages.outbox import emit

# Flows before their dataset, as the writers lock them that end one.
_LOCK_FLOWS = """
    select from flow f join dataset d on d.id = f.dataset_id
    where f.dataset_id = $1 and f.revision >= coalesce(d.published_revision, 0) order by f.revision for update of f
"""
_LOCK = "select id, ownerid, owner, name, findability, last_revision from dataset where id = $1 for update"
_SWITCH = "update dataset set findability = $2, switched_at = now(), updated_at = now() where id = $1"
# What readers see now, and what is on its way; an older revision that was pushed to be seen by fewer stays so. What has
# ended and is hidden needs no change: its dataset hides it, and shows it again as it was.
_FLOWS = """
    update flow set findability = $2
    where dataset_id = $1 and ($2 <> 'private' or finished_at is null)
      and revision >= (select coalesce(published_revision, 0) from dataset where id = $1)
"""
# Search must not wait for an event. What the MetaStore's writer writes meanwhile, it takes from the flow.
_SEARCH = "update metadata set findability = $2 where dataset_id = $1"
_NOTE = "insert into visibility (dataset_id, findability) values ($1, $2) returning id"
_PAST = """
    with shown as (
        select findability, since, lead(since) over (order by id) as until, id from visibility where dataset_id = $1
    ), first as (
        select min(finished_at) as at from flow
        where dataset_id = $1 and state = 'SUCCEEDED' and findability <> 'private'
    )
    select findability, greatest(since, first.at) as since, until from shown, first
    where findability <> 'private' and first.at is not null and first.at < coalesce(until, now()) order by id
"""


@dataclass(frozen=True, slots=True)
class Period:
    """A time in which anybody (`published`), or whoever knew the address (`unlisted`), read it; `until` None: still."""

    findability: str
    since: datetime
    until: datetime | None

    def to_dict(self) -> dict[str, Any]:
        until = self.until.isoformat() if self.until else None
        return {"findability": self.findability, "since": self.since.isoformat(), "until": until}


def narrower(one: str, other: str) -> str:
    """What of two is seen by fewer."""
    return max(one, other, key=FINDABILITIES.index)


async def switch(pool: asyncpg.Pool, dataset_id: str, findability: str, origin: Origin) -> bool:
    """Has a dataset be seen by others from now on; says whether anything changed. Raises Problem 403."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_LOCK_FLOWS, dataset_id)
        row = await connection.fetchrow(_LOCK, dataset_id)
        if not await still_may(connection, origin.actor, Action.MANAGE, row["ownerid"], row["name"]):
            raise Problem(403, "not-yours", "You may not say who sees this dataset.")
        await connection.execute(_SWITCH, dataset_id, findability)
        await connection.execute(_FLOWS, dataset_id, findability)
        await connection.execute(_SEARCH, dataset_id, findability)
        if row["findability"] == findability:
            return False
        flow = FlowRef(
            ownerid=row["ownerid"],
            owner=row["owner"],
            dataset=row["name"],
            revision=row["last_revision"],
            findability=findability,
        )
        await tell(connection, flow, row["findability"], origin)
    return True


async def tell(connection: asyncpg.Connection, flow: FlowRef, before: str | None, origin: Origin) -> None:
    """Notes that a dataset is seen as its newest flow says from now on; `before` None: it is new."""
    change = await connection.fetchval(_NOTE, flow.dataset_id, flow.findability)
    if before is None:
        return
    await emit(connection, VisibilityChanged(flow=flow, before=before, change=change).to_message())
    words = {"before": before, "findability": flow.findability}
    await record(connection, flow.ownerid, "visibility-changed", flow.dataset, origin, **words)


async def public_past(pool: asyncpg.Pool, dataset_id: str) -> Sequence[Period]:
    """When others could read a dataset, the first time first; it counts from the first revision that was there."""
    return [Period(**row) for row in await pool.fetch(_PAST, dataset_id)]
