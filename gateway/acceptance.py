"""The one transaction in which a push becomes a revision: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from gateway.auth.accounts import Account
from gateway.auth.rights import Action, Actor, still_may
from gateway.spec import Spec
from messages.datapackage import FlowRef, Resource
from messages.events import FlowAccepted
from messages.faultpoint import faultpoint
from messages.jobs import STAGES
from messages.outbox import emit
from messages.turns import line_up

_SWEPT = "select swept_at from account where id = $1 for key share"

# The row lock that the update takes is held until the commit: the next push of this dataset waits, so revisions are
# contiguous, and a revision that is rolled back is given out again.
_NUMBER = """
    insert into dataset (id, ownerid, owner, name, findability, last_revision) values ($1, $2, $3, $4, $5, 1)
    on conflict (id) do update set
        last_revision = dataset.last_revision + 1, owner = excluded.owner, findability = excluded.findability,
        updated_at = now()
    returning last_revision
"""
_FLOW = """
    insert into flow (id, dataset_id, revision, ownerid, owner, dataset, findability, spec, descriptor)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_RESOURCE = """
    insert into flow_resource (flow_id, index, name, tabular, stage, resource) values ($1, $2, $3, $4, $5, $6)
"""


class SweptMeanwhile(Exception):
    """Objects of the owner were deleted since the uploads were looked at: they have to be looked at again."""


class RightLost(Exception):
    """Who pushes may not publish for this owner any more."""


async def last_sweep(pool: asyncpg.Pool, ownerid: str) -> datetime | None:
    """When objects of an owner were last deleted for want of anything that needs them."""
    moment: datetime | None = await pool.fetchval("select swept_at from account where id = $1", ownerid)
    return moment


async def accept(
    pool: asyncpg.Pool,
    actor: Actor,
    owner: Account,
    spec: Spec,
    posted: Mapping[str, Any],
    resources: Sequence[Resource],
    swept: datetime | None,
) -> FlowRef:
    """Commits revision, flow, resources and the turns of their first jobs together, for `owner`, by `actor`.

    `swept` is `last_sweep` from before the resources' uploads were looked at. Raises SweptMeanwhile where there was one
    since, RightLost, a member of TRANSIENT.
    """
    faultpoint("gateway", "received")
    async with pool.acquire() as connection, connection.transaction():
        # Held until the commit: a sweep of this owner waits, and then sees what the new flow needs.
        if await connection.fetchval(_SWEPT, owner.id) != swept:
            raise SweptMeanwhile
        if not await still_may(connection, actor, Action.PUBLISH, owner.id):
            raise RightLost
        flow = await _numbered(connection, owner, spec)
        await connection.execute(
            _FLOW,
            flow.id,
            flow.dataset_id,
            flow.revision,
            flow.ownerid,
            flow.owner,
            flow.dataset,
            flow.findability,
            posted,
            spec.descriptor,
        )
        await connection.executemany(
            _RESOURCE,
            [(flow.id, each.index, each.name, each.tabular, STAGES[0], each.to_dict()) for each in resources],
        )
        accepted = FlowAccepted(flow=flow, title=spec.title, resources=tuple(each.name for each in resources))
        await emit(connection, accepted.to_message())
        await line_up(connection, flow, resources)
        faultpoint("gateway", "before_commit")
    faultpoint("gateway", "after_commit")
    return flow


async def _numbered(connection: asyncpg.Connection, owner: Account, spec: Spec) -> FlowRef:
    dataset_id = f"{owner.id}/{spec.dataset}"
    revision = await connection.fetchval(_NUMBER, dataset_id, owner.id, owner.username, spec.dataset, spec.findability)
    return FlowRef(
        ownerid=owner.id,
        owner=owner.username,
        dataset=spec.dataset,
        revision=revision,
        findability=spec.findability,
    )
