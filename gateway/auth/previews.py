"""Preview links: whoever has one reads one private dataset, until it expires or is revoked.

The link's secret is told once, to who makes it; kept is its SHA-256 (256 random bits need no slow hash).
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from gateway.auth.accounts import LOOKUP_DEADLINE
from gateway.auth.audit import Origin, record
from gateway.auth.lastuse import note_use
from gateway.auth.rights import Action, still_may
from gateway.patience import in_time
from gateway.problems import Problem, not_found

PREFIX = "dhl_"
"""Begins every secret, so that one that leaked is known for what it is."""
MOST_DAYS = 90
USUAL_DAYS = 7
MOST_LINKS = 20
"""Good links of one dataset."""
LONGEST_NOTE = 100
_SECRET = re.compile(PREFIX + "[A-Za-z0-9_-]{43}")

_LOCK = "select ownerid, name from dataset where id = $1 for no key update"
_COUNT = "select count(*) from preview_link where dataset_id = $1 and revoked_at is null and expires_at > now()"
_MAKE = """
    insert into preview_link (id, digest, dataset_id, note, account_id, expires_at)
    values ($1, $2, $3, $4, $5, now() + make_interval(days => $6)) returning id, expires_at
"""
_LIST = """
    select l.id, l.note, a.username as maker, l.created_at, l.expires_at, l.used_at
    from preview_link l join account a on a.id = l.account_id
    where l.dataset_id = $1 and l.revoked_at is null and l.expires_at > now() order by l.created_at desc
"""
_REVOKE = """
    update preview_link set revoked_at = now()
    where dataset_id = $1 and id = $2 and revoked_at is null and expires_at > now() returning id
"""
_OPEN = """
    select id, dataset_id, expires_at, used_at is null or used_at < now() - interval '1 minute' as quiet
    from preview_link where digest = $1 and revoked_at is null and expires_at > now()
"""
_USED = "update preview_link set used_at = now() where id = $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A good link as those see it who may manage the dataset: its secret is known to nobody any more."""

    id: str
    note: str
    maker: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "note": self.note,
            "maker": self.maker,
            "created": self.created_at.isoformat(),
            "expires": self.expires_at.isoformat(),
            "last_used": self.used_at.isoformat() if self.used_at else None,
        }


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link that was just made, with its secret."""

    id: str
    secret: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """What a secret opens."""

    dataset_id: str
    expires_at: datetime


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


async def make(pool: asyncpg.Pool, dataset_id: str, days: int, note: str, origin: Origin) -> NewLink:
    """A new link; raises Problem 403, 409 (too many), 422 (of the days or the note)."""
    if not 0 < days <= MOST_DAYS:
        raise Problem(422, "invalid-days", f"A link is good for 1 to {MOST_DAYS} days.")
    if len(note) > LONGEST_NOTE or set("\x00\r\n") & set(note):
        raise Problem(422, "invalid-note", f"A note is one line of at most {LONGEST_NOTE} characters.")
    secret, link_id = PREFIX + secrets.token_urlsafe(32), secrets.token_hex(8)
    async with pool.acquire() as connection, connection.transaction():
        name, ownerid = await _enter(connection, dataset_id, origin)
        if await connection.fetchval(_COUNT, dataset_id) >= MOST_LINKS:
            raise Problem(409, "too-many", f"The dataset has {MOST_LINKS} links, which is the most: revoke one.")
        account = origin.actor.known
        row = await connection.fetchrow(_MAKE, link_id, _digest(secret), dataset_id, note, account.id, days)
        await record(connection, ownerid, "link-made", name, origin, link=link_id, days=days)
    return NewLink(row["id"], secret, row["expires_at"])


async def links(pool: asyncpg.Pool, dataset_id: str) -> Sequence[Link]:
    """The good links of a dataset, the newest first."""
    return [Link(**row) for row in await pool.fetch(_LIST, dataset_id)]


async def revoke(pool: asyncpg.Pool, dataset_id: str, link_id: str, origin: Origin) -> None:
    """Ends a link now; raises Problem 403, 404."""
    async with pool.acquire() as connection, connection.transaction():
        name, ownerid = await _enter(connection, dataset_id, origin)
        if "\x00" in link_id or await connection.fetchval(_REVOKE, dataset_id, link_id) is None:
            raise not_found("There is no such link, or it is good for nothing any more.")
        await record(connection, ownerid, "link-revoked", name, origin, link=link_id)


async def opened_by(pool: asyncpg.Pool, secret: str) -> Opened | None:
    """The dataset that a secret opens; None for what is none, or no longer one."""
    if not _SECRET.fullmatch(secret):
        return None
    row = await in_time(pool.fetchrow(_OPEN, _digest(secret)), LOOKUP_DEADLINE)
    if row is None:
        return None
    if row["quiet"]:
        await note_use(pool, _USED, row["id"])
    return Opened(row["dataset_id"], row["expires_at"])


async def _enter(connection: asyncpg.Connection, dataset_id: str, origin: Origin) -> tuple[str, str]:
    row = await connection.fetchrow(_LOCK, dataset_id)
    if not await still_may(connection, origin.actor, Action.MANAGE, row["ownerid"], row["name"]):
        raise Problem(403, "not-yours", "You may not make or revoke links to this dataset.")
    return row["name"], row["ownerid"]
