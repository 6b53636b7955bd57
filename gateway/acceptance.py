"""The one transaction in which a push becomes a revision: all of it, or nothing.

A push that says what the dataset's standing revision says already becomes none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import asyncpg

from gateway.auth.accounts import Account
from gateway.auth.audit import Origin, record
from gateway.auth.rights import Action, still_may
from gateway.idempotencykey import IdempotencyKey
from gateway.quota import take_room
from gateway.rawkeys import content_of
from gateway.spec import Spec
from gateway.visibility import narrower, tell
from messages.datapackage import FlowRef, Resource
from messages.events import FlowAccepted
from messages.faultpoint import faultpoint
from messages.jobs import STAGES
from messages.outbox import emit
from messages.turns import line_up
from messages.usage import count

_SWEPT = "select swept_at from account where id = $1 for key share"

# The row lock that the update takes is held until the commit: the next push of this dataset waits, so revisions are
# contiguous, and a revision that is rolled back is given out again. Who could see the dataset until now is told.
_NUMBER = """
    insert into dataset (id, ownerid, owner, name, findability, last_revision) values ($1, $2, $3, $4, $5, 1)
    on conflict (id) do update set last_revision = dataset.last_revision + 1, owner = excluded.owner, updated_at = now()
    returning last_revision, findability, switched_at is not null as switched
"""
# A statement of its own, after the lock: it sees what a push that held the lock has committed.
_STANDING = """
    select revision, state, findability, fingerprint from flow
    where dataset_id = $1 and state <> 'FAILED' order by revision desc limit 1
"""
_SHOW = "update dataset set findability = $2 where id = $1"
_FLOW = """
    insert into flow (id, dataset_id, revision, ownerid, owner, dataset, findability, spec, descriptor, fingerprint)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
_RESOURCE = """
    insert into flow_resource (flow_id, index, name, tabular, stage, resource) values ($1, $2, $3, $4, $5, $6)
"""


class SweptMeanwhile(Exception):
    """Objects of the owner were deleted since the uploads were looked at: they have to be looked at again."""


class RightLost(Exception):
    """Who pushes may not publish for this owner any more."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What became of a push: a new revision, or (`unchanged`) the one that stands already, in this `state`."""

    flow: FlowRef
    state: str = "QUEUED"
    unchanged: bool = False

    def to_dict(self) -> dict[str, Any]:
        return {"flow": self.flow.to_dict(), "state": self.state, "unchanged": self.unchanged}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Acceptance:
        return cls(FlowRef.from_dict(data["flow"]), data["state"], data["unchanged"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A push by whom `origin` says, for `owner`, that may be accepted: `posted` is the spec as it is kept,
    `fingerprint` what it says as one hash, `quota` how many bytes owners may have (0: as many as they like), `key` by
    what the same push is known when it comes again."""

    origin: Origin
    owner: Account
    spec: Spec
    posted: Mapping[str, Any]
    resources: Sequence[Resource]
    fingerprint: str
    quota: int = 0
    key: IdempotencyKey | None = None


class _Undone(Exception):
    """Ends the transaction without a trace of it."""

    def __init__(self, acceptance: Acceptance) -> None:
        super().__init__()
        self.acceptance = acceptance


async def last_sweep(pool: asyncpg.Pool, ownerid: str) -> datetime | None:
    """When objects of an owner were last deleted for want of anything that needs them."""
    moment: datetime | None = await pool.fetchval("select swept_at from account where id = $1", ownerid)
    return moment


async def accept(pool: asyncpg.Pool, offer: Offer, swept: datetime | None, *, dry: bool = False) -> Acceptance:
    """Commits revision, flow, resources and the turns of their first jobs together; nothing where the package is
    unchanged and the spec does not say `again`, where its key was answered before (the answer is the same), and, after
    all of it was done, in a `dry` run.

    `swept` is `last_sweep` from before the resources' uploads were looked at. Raises SweptMeanwhile where there was one
    since, RightLost, OverQuota, Problem where the key cannot be used, a member of TRANSIENT.
    """
    faultpoint("gateway", "received")
    async with pool.acquire() as connection, connection.transaction():
        if offer.key is not None and (earlier := await offer.key.answered(connection)) is not None:
            return Acceptance.from_dict(earlier)
        acceptance = await _decide(connection, offer, swept, dry=dry)
        if offer.key is not None:
            await offer.key.keep(connection, acceptance.to_dict())
        faultpoint("gateway", "before_commit")
    faultpoint("gateway", "after_commit")
    return acceptance


async def _decide(connection: asyncpg.Connection, offer: Offer, swept: datetime | None, *, dry: bool) -> Acceptance:
    try:
        async with connection.transaction():  # within the other: what is undone leaves no trace of it
            # Held until the commit: a sweep of this owner waits, and then sees what the new flow needs.
            if await connection.fetchval(_SWEPT, offer.owner.id) != swept:
                raise SweptMeanwhile
            contents = {content_of(each.source): each.source.size for each in offer.resources}
            await take_room(connection, offer.owner.id, offer.quota, contents)
            if not await still_may(connection, offer.origin.actor, Action.PUBLISH, offer.owner.id, offer.spec.dataset):
                raise RightLost
            flow = await _revise(connection, offer)
            if dry:
                raise _Undone(Acceptance(flow))
    except _Undone as undone:
        return undone.acceptance
    return Acceptance(flow)


async def _revise(connection: asyncpg.Connection, offer: Offer) -> FlowRef:
    """Writes the new revision; raises _Undone where it would be the same as the one that stands."""
    flow = await _numbered(connection, offer)
    await connection.execute(
        _FLOW,
        flow.id,
        flow.dataset_id,
        flow.revision,
        flow.ownerid,
        flow.owner,
        flow.dataset,
        flow.findability,
        offer.posted,
        offer.spec.descriptor,
        offer.fingerprint,
    )
    await connection.executemany(
        _RESOURCE,
        [(flow.id, each.index, each.name, each.tabular, STAGES[0], each.to_dict()) for each in offer.resources],
    )
    names = tuple(each.name for each in offer.resources)
    await emit(connection, FlowAccepted(flow=flow, title=offer.spec.title, resources=names).to_message())
    await count(connection, flow.id)
    await line_up(connection, flow, offer.resources)
    subject = f"{flow.dataset}/{flow.revision}"
    await record(connection, flow.ownerid, "pushed", subject, offer.origin, findability=flow.findability)
    return flow


async def _numbered(connection: asyncpg.Connection, offer: Offer) -> FlowRef:
    owner, spec, actor = offer.owner, offer.spec, offer.origin.actor
    dataset_id = f"{owner.id}/{spec.dataset}"
    row = await connection.fetchrow(_NUMBER, dataset_id, owner.id, owner.username, spec.dataset, spec.findability)
    flow = FlowRef(
        ownerid=owner.id,
        owner=owner.username,
        dataset=spec.dataset,
        revision=row["last_revision"],
        findability=_seen(row, spec.findability, manages=actor.may(Action.MANAGE, owner.id, spec.dataset)),
    )
    # Only where both say so is a revision seen as it was pushed: the dataset may have been switched since.
    shown = row["findability"] == flow.findability
    if flow.revision > 1 and shown and not spec.again:
        standing = await connection.fetchrow(_STANDING, dataset_id)
        if standing and (standing["findability"], standing["fingerprint"]) == (flow.findability, offer.fingerprint):
            same = replace(flow, revision=standing["revision"])
            raise _Undone(Acceptance(same, standing["state"], unchanged=True))
    if not shown:
        await connection.execute(_SHOW, dataset_id, flow.findability)
    if flow.revision == 1 or not shown:
        await tell(connection, flow, None if flow.revision == 1 else row["findability"], offer.origin)
    return flow


def _seen(dataset: asyncpg.Record, wanted: str, *, manages: bool) -> str:
    """Who is to see what is pushed: the rule is in `gateway/visibility`."""
    if dataset["last_revision"] == 1:
        return wanted
    if not manages:
        return str(dataset["findability"])
    return narrower(dataset["findability"], wanted) if dataset["switched"] else wanted
