"""Organisations: owners that never log in, whose members act for them.

Who is a member and what their role is changes one at a time for each organisation, under a lock on its row: so the last
owner is known, and cannot leave.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from gateway.auth.accounts import ORGANISATION, PERSON, Account, AccountRefused, check_name
from gateway.auth.audit import Origin, record
from gateway.auth.rights import Action, Role, still_may
from gateway.problems import Problem, not_found

MOST_MADE = 50
"""Organisations that one account is an owner of, when it makes another."""
MOST_MEMBERS = 1_000
MOST_JOINED = 200
"""Organisations that one account is in: each request of its reads them."""

_MAKE = """
    insert into account (id, username, name, kind) values ($1, $2, $3, $4)
    on conflict do nothing returning id, username, name, email, created_at, kind
"""
_JOIN = "insert into membership (organisation_id, account_id, role) values ($1, $2, $3)"
_OWNED = "select count(*) from membership where account_id = $1 and role = 'owner'"
_MINE = """
    select o.id, o.username, o.name, m.role, (select count(*) from membership where organisation_id = o.id) as members
    from membership m join account o on o.id = m.organisation_id
    where m.account_id = $1 and o.disabled_at is null order by o.username
"""
_MEMBERS = """
    select a.id, a.username, a.name, m.role, m.since from membership m join account a on a.id = m.account_id
    where m.organisation_id = $1 order by array_position(array['owner', 'maintainer', 'publisher', 'reader'], m.role),
    a.username
"""
# Not the lock of a deletion: pushes, which hold a key share of this row, go on meanwhile.
_LOCK = "select id from account where id = $1 and kind = $2 and disabled_at is null for no key update"
_PERSON = "select id, username from account where lower(username) = lower($1) and kind = $2 and disabled_at is null"
_ROLE = "select role from membership where organisation_id = $1 and account_id = $2 for update"
_OWNERS = "select count(*) from membership where organisation_id = $1 and role = 'owner'"
_SIZES = """
    select (select count(*) from membership where organisation_id = $1) as members,
           (select count(*) from membership where account_id = $2) as joined
"""
_CHANGE = "update membership set role = $3 where organisation_id = $1 and account_id = $2"
_LEAVE = "delete from membership where organisation_id = $1 and account_id = $2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """An organisation as one of its members sees it."""

    id: str
    username: str
    name: str
    role: Role
    members: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member as the others see them."""

    id: str
    username: str
    name: str
    role: Role
    since: datetime


class Organisations:
    """The organisations, in `account`, and their members, in `membership`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def make(self, username: str, name: str, origin: Origin) -> Account:
        """A new organisation, its maker the first owner; raises Problem 403, 409 (taken, too many), 422."""
        username, maker = username.lower(), origin.actor.known
        try:
            check_name(username)
        except AccountRefused as refused:
            raise Problem(422, "invalid-name", f"This cannot be an organisation's name: {refused}.") from None
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("select from account where id = $1 for no key update", maker.id)
            if not await still_may(connection, origin.actor, Action.ADMINISTER, maker.id):
                raise Problem(403, "not-yours", "The token in your hand does not let you make organisations.")
            if await connection.fetchval(_OWNED, maker.id) >= MOST_MADE:
                raise Problem(409, "too-many", f"You own {MOST_MADE} organisations, which is the most.")
            row = await connection.fetchrow(_MAKE, secrets.token_hex(16), username, name or username, ORGANISATION)
            if row is None:
                raise Problem(409, "name-taken", f"The name {username!r} is taken.")
            await connection.execute(_JOIN, row["id"], maker.id, Role.OWNER.value)
            await record(connection, row["id"], "organisation-made", username, origin)
        return Account(**row)

    async def of(self, account_id: str) -> Sequence[Membership]:
        """What an account is a member of, by name."""
        rows = await self._pool.fetch(_MINE, account_id)
        return [Membership(**{**row, "role": Role(row["role"])}) for row in rows]

    async def members(self, organisation_id: str) -> Sequence[Member]:
        """The members, owners first."""
        rows = await self._pool.fetch(_MEMBERS, organisation_id)
        return [Member(**{**row, "role": Role(row["role"])}) for row in rows]

    async def set_role(self, organisation_id: str, username: str, role: Role, origin: Origin) -> None:
        """Makes a person a member, or gives a member another role.

        Raises Problem 403, 404 (nobody of that name), 409 (the last owner, too many members).
        """
        async with self._pool.acquire() as connection, connection.transaction():
            await self._enter(connection, organisation_id, origin)
            account_id, username = await _person(connection, username)
            before = await connection.fetchval(_ROLE, organisation_id, account_id)
            if before == role.value:
                return
            if before is None:
                await _require_room(connection, organisation_id, account_id)
                await connection.execute(_JOIN, organisation_id, account_id, role.value)
                await record(connection, organisation_id, "member-added", username, origin, role=role.value)
                return
            await _require_owner_left(connection, organisation_id, before)
            await connection.execute(_CHANGE, organisation_id, account_id, role.value)
            words = {"role": role.value, "before": before}
            await record(connection, organisation_id, "role-changed", username, origin, **words)

    async def remove(self, organisation_id: str, username: str, origin: Origin) -> None:
        """Ends a membership: an owner anybody's, a member their own; raises Problem 403, 404, 409 (the last owner)."""
        async with self._pool.acquire() as connection, connection.transaction():
            leaving = username.lower() == origin.actor.known.username and origin.actor.scope is None
            await self._enter(connection, organisation_id, origin, leaving=leaving)
            account_id, username = await _person(connection, username)
            before = await connection.fetchval(_ROLE, organisation_id, account_id)
            if before is None:
                raise not_found(f"{username} is no member.")
            await _require_owner_left(connection, organisation_id, before)
            await connection.execute(_LEAVE, organisation_id, account_id)
            await record(connection, organisation_id, "member-removed", username, origin, before=before)

    async def _enter(
        self, connection: asyncpg.Connection, organisation_id: str, origin: Origin, *, leaving: bool = False
    ) -> None:
        """Nobody else changes members until the transaction ends."""
        if await connection.fetchval(_LOCK, organisation_id, ORGANISATION) is None:
            raise not_found("There is no organisation of this name.")
        if not leaving and not await still_may(connection, origin.actor, Action.ADMINISTER, organisation_id):
            raise Problem(403, "not-yours", "Only an owner of the organisation says who its members are.")


async def _person(connection: asyncpg.Connection, username: str) -> tuple[str, str]:
    row = None if "\x00" in username else await connection.fetchrow(_PERSON, username, PERSON)
    if row is None:
        raise not_found(f"There is nobody called {username[:60]!r}: a member is a person with an account here.")
    return row["id"], row["username"]


async def _require_owner_left(connection: asyncpg.Connection, organisation_id: str, before: str) -> None:
    if before == Role.OWNER.value and await connection.fetchval(_OWNERS, organisation_id) == 1:
        text = "This is the last owner, and an organisation has one: make somebody else an owner first."
        raise Problem(409, "last-owner", text)


async def _require_room(connection: asyncpg.Connection, organisation_id: str, account_id: str) -> None:
    sizes = await connection.fetchrow(_SIZES, organisation_id, account_id)
    if sizes["members"] >= MOST_MEMBERS:
        raise Problem(409, "too-many", f"The organisation has {MOST_MEMBERS:,} members, which is the most.")
    if sizes["joined"] >= MOST_JOINED:
        raise Problem(409, "too-many", f"This person is in {MOST_JOINED} organisations, which is the most.")
