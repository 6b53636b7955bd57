"""The audit log: who did what to what an owner has, when, from where, with which token.

An entry is written in the transaction of what it tells of, so there is neither a deed without an entry nor an entry of
what did not happen. Nothing secret goes into one: whoever administers the owner reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from aiohttp import web

from gateway.auth.accounts import Account
from gateway.auth.rights import ANYBODY, Actor
from gateway.caller import caller_of
from gateway.parts import PARTS

ACTS: Mapping[str, str] = {
    "logged-in": "logged in",
    "logged-out": "logged out",
    "identity-linked": "linked a way to log in",
    "identity-unlinked": "unlinked a way to log in",
    "token-made": "made a token",
    "token-revoked": "revoked a token",
    "token-exchanged": "let a CI job publish",
    "trust-added": "trusted a CI job",
    "trust-removed": "stopped trusting a CI job",
    "pushed": "pushed",
    "cancelled": "cancelled a run",
    "rerun": "had a run run again",
    "visibility-changed": "changed who sees a dataset",
    "link-made": "made a preview link",
    "link-revoked": "revoked a preview link",
    "webhook-added": "added a webhook",
    "webhook-removed": "removed a webhook",
    "webhook-rotated": "gave a webhook a new secret",
    "webhook-enabled": "enabled a webhook again",
    "webhook-replayed": "had a webhook be told again",
    "organisation-made": "made the organisation",
    "member-added": "added a member",
    "role-changed": "changed a role",
    "member-removed": "removed a member",
    "quota-set": "set the quota",
}
"""Everything that is told, in words."""
MOST = 100
"""Entries of one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who does something, and from which address; ANYBODY is an operator, at the machine itself."""

    actor: Actor
    address: str = ""

    @property
    def token(self) -> str | None:
        """The API token in the actor's hand, by its id."""
        return (self.actor.scope.token_id or None) if self.actor.scope else None


OPERATOR = Origin(actor=ANYBODY)


def origin_of(request: web.Request, actor: Actor) -> Origin:
    """Who does what a request asks for."""
    return Origin(actor=actor, address=caller_of(request))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of a log; `account` is a user name, None for an operator."""

    id: int
    at: datetime
    account: str | None
    act: str
    subject: str
    details: Mapping[str, Any]
    address: str
    token: str | None

    @property
    def words(self) -> str:
        """What was done."""
        return ACTS.get(self.act, self.act)

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "at": self.at.isoformat(),
            "account": self.account,
            "act": self.act,
            "subject": self.subject,
            "details": self.details,
            "address": self.address,
            "token": self.token,
        }


_ADD = """
    insert into audit (ownerid, account_id, act, subject, details, address, token) values ($1, $2, $3, $4, $5, $6, $7)
"""
_READ = """
    select e.id, e.at, a.username as account, e.act, e.subject, e.details, e.address, e.token
    from audit e left join account a on a.id = e.account_id
    where e.ownerid = $1 and ($2::bigint is null or e.id < $2) order by e.id desc limit $3
"""


async def record(
    connection: asyncpg.Connection, ownerid: str, act: str, subject: str, origin: Origin, **details: str | int | None
) -> None:
    """Adds to an owner's log, in the caller's transaction; `act` is one of ACTS, `subject` what it was done to.

    Raises ValueError for another act: nobody could read it.
    """
    if act not in ACTS:
        raise ValueError(f"{act!r} is no act of the audit log")
    account = origin.actor.account
    await connection.execute(
        _ADD, ownerid, account.id if account else None, act, subject, details, origin.address, origin.token
    )


async def note(request: web.Request, account: Account, act: str, subject: str, **details: str | int | None) -> None:
    """Adds to somebody's own log what they just did, where there is no transaction of its own: of a log-in, say."""
    origin = Origin(actor=Actor(account=account), address=caller_of(request))
    async with request.app[PARTS].pool.acquire() as connection:
        await record(connection, account.id, act, subject, origin, **details)


async def entries(pool: asyncpg.Pool, ownerid: str, before: int | None = None, limit: int = MOST) -> Sequence[Entry]:
    """An owner's log, the newest first; `before`: only what came before the entry with that id."""
    return [Entry(**row) for row in await pool.fetch(_READ, ownerid, before, limit)]
