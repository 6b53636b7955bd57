"""Identities: who a provider says somebody is, linked to an account here. By issuer and `sub`, never by e-mail."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from gateway.auth.accounts import Account, Accounts
from gateway.auth.oidc.provider import Person

_USED = """
    update identity set used_at = now(), email = $3 from account
    where identity.account_id = account.id and issuer = $1 and sub = $2
    returning account.id, username, account.name, account.email, created_at, disabled_at
"""
_OTHERS = "select count(*) from identity where account_id = $1 and issuer = any($2) and (issuer, sub) <> ($3, $4)"


class LinkRefused(Exception):
    """An identity cannot be linked or unlinked; the message is a sentence for whoever asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An identity that is linked; `email` as the provider verified it, or empty."""

    issuer: str
    sub: str
    email: str
    linked_at: datetime
    used_at: datetime


class Identities:
    """The table `identity`."""

    def __init__(self, pool: asyncpg.Pool, accounts: Accounts) -> None:
        self._pool = pool
        self._accounts = accounts

    async def account(self, person: Person) -> Account | None:
        """The account that this person logs in to; None where there is none. Raises LinkRefused: it is disabled."""
        row = await self._pool.fetchrow(_USED, person.issuer, person.sub, person.email)
        if row is None:
            return None
        if row["disabled_at"] is not None:
            raise LinkRefused("This account is disabled.")
        return Account(**{name: value for name, value in row.items() if name != "disabled_at"})

    async def join(self, person: Person, username: str) -> Account:
        """A new account for somebody new; raises AccountRefused for a bad or taken name, LinkRefused for a race."""
        async with self._pool.acquire() as connection, connection.transaction():
            account = await self._accounts.add_without_password(connection, username, person.name, person.email)
            await self._insert(connection, person, account.id)
        return account

    async def link(self, person: Person, account_id: str) -> None:
        """Lets this person log in to an account that is theirs; raises LinkRefused where it is linked elsewhere."""
        async with self._pool.acquire() as connection, connection.transaction():
            await self._insert(connection, person, account_id)

    async def _insert(self, connection: asyncpg.Connection, person: Person, account_id: str) -> None:
        holder = await connection.fetchval(
            "insert into identity (issuer, sub, account_id, email) values ($1, $2, $3, $4)"
            " on conflict (issuer, sub) do update set used_at = now() returning account_id",
            *(person.issuer, person.sub, account_id, person.email),
        )
        if holder != account_id:
            raise LinkRefused("This log-in belongs to another account already: unlink it there first.")

    async def of(self, account_id: str) -> Sequence[Identity]:
        """What is linked to an account, the oldest first."""
        rows = await self._pool.fetch(
            "select issuer, sub, email, linked_at, used_at from identity where account_id = $1 order by linked_at",
            account_id,
        )
        return [Identity(**row) for row in rows]

    async def has_password(self, account_id: str) -> bool:
        """Whether the account can be logged in to without any provider."""
        has: bool = await self._pool.fetchval("select password_hash is not null from account where id = $1", account_id)
        return has

    async def unlink(self, account_id: str, issuer: str, sub: str, working: Collection[str]) -> None:
        """Takes a log-in away; raises LinkRefused where it is the last. `working`: issuers that can be used now."""
        async with self._pool.acquire() as connection, connection.transaction():
            # Two that are taken away at the same time must not both find the other there.
            has_password = await connection.fetchval(
                "select password_hash is not null from account where id = $1 for update", account_id
            )
            others = await connection.fetchval(_OTHERS, account_id, list(working), issuer, sub)
            if not has_password and not others:
                raise LinkRefused("This is the only way to log in to this account: link another one first.")
            await connection.execute(
                "delete from identity where account_id = $1 and issuer = $2 and sub = $3", account_id, issuer, sub
            )
