"""Local accounts: who may log in, and the proof of it (argon2id)."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TypeVar

import asyncpg
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.patience import in_time

T = TypeVar("T")

USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,38}[a-z0-9])?")
ACCOUNT_ID = re.compile(r"[0-9a-f]{32}")
_RESERVED = """
    about admin api app assets auth dashboard docs events favicon health help login logout me metastore new
    organisation organisations pkgstore rawstore resolver robots search settings sharing source static status success
    tools user users webhooks well-known www
"""
RESERVED = frozenset(_RESERVED.split())
"""Names that are, or may become, the first part of an address of the site itself."""
SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1024
PERSON, ORGANISATION = "person", "organisation"
"""Kinds of account: an organisation has members and never logs in."""
LOOKUP_DEADLINE = 4.0
"""Seconds for the first question to the database in a request: a silent server is found out here."""


class AccountRefused(Exception):
    """No account can be made of this; the message is a sentence for whoever asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account: `id` is opaque and for ever, `username` is what people see."""

    id: str
    username: str
    name: str
    email: str
    created_at: datetime
    kind: str = PERSON


def _hasher() -> PasswordHasher:
    """OWASP's minimum for argon2id (19 MiB, 2 passes): a log-in costs ~20 ms and little enough memory."""
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@cache
def _nobody() -> str:
    """What is checked for a name that nobody has, so that it takes as long as for one that somebody has."""
    return _hasher().hash(secrets.token_hex(16))


class Accounts:
    """The table `account`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._hasher = _hasher()
        self._slots = asyncio.Semaphore(2)
        self._nobody = _nobody()

    async def add(self, username: str, password: str, name: str = "", email: str = "") -> Account:
        """Makes an account; raises AccountRefused for a bad or taken name or a password that is too short or long."""
        username = username.lower()
        check_name(username)
        _check(password, name, email)
        password_hash = await self._run(self._hasher.hash, password)
        return await _insert(self._pool, username, name, email, password_hash)

    async def add_without_password(
        self, connection: asyncpg.Connection, username: str, name: str, email: str
    ) -> Account:
        """The same in the caller's transaction, for somebody who logs in elsewhere; raises AccountRefused."""
        username = username.lower()
        check_name(username)
        return await _insert(connection, username, name, email, None)

    async def revoke(self, token_id: str, expires: int) -> None:
        """Ends a token before its time (`expires`, seconds since 1970); forgets those whose time has come anyway."""
        await self._pool.execute(
            "insert into revoked_token (token_id, expires_at) values ($1, to_timestamp($2)) on conflict do nothing",
            token_id,
            expires,
        )
        await self._pool.execute("delete from revoked_token where expires_at < now() - interval '1 day'")

    async def by_username(self, username: str) -> Account | None:
        """The account with this name in any case, unless it is disabled."""
        row = await self._ask(
            "select id, username, name, email, created_at, kind from account"
            " where lower(username) = lower($1) and disabled_at is null",
            username,
        )
        return Account(**row) if row else None

    async def by_id(self, account_id: str) -> Account | None:
        """The account with this id, unless it is disabled."""
        row = await self._ask(
            "select id, username, name, email, created_at, kind from account where id = $1 and disabled_at is null",
            account_id,
        )
        return Account(**row) if row else None

    async def verify(self, username: str, password: str) -> Account | None:
        """The account whose name and password these are; takes as long where there is none (no account is guessed)."""
        row = await self._ask(
            "select id, username, name, email, created_at, password_hash from account"
            " where lower(username) = lower($1) and disabled_at is null",
            username,
        )
        password_hash = row["password_hash"] if row and row["password_hash"] else self._nobody
        matches = len(password) <= LONGEST_PASSWORD and await self._run(self._matches, password_hash, password)
        if row is None or row["password_hash"] is None or not matches:
            return None
        return Account(**{key: value for key, value in row.items() if key != "password_hash"})

    async def _ask(self, query: str, *arguments: str) -> asyncpg.Record | None:
        return await in_time(self._pool.fetchrow(query, *arguments), LOOKUP_DEADLINE)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, function: Callable[..., T], *arguments: str) -> T:
        # argon2 releases the GIL, so a thread does; two at a time bound memory and leave cores to the event loop.
        async with self._slots:
            return await asyncio.to_thread(function, *arguments)


async def _insert(
    connection: asyncpg.Pool | asyncpg.Connection, username: str, name: str, email: str, password_hash: str | None
) -> Account:
    row = await connection.fetchrow(
        "insert into account (id, username, name, email, password_hash) values ($1, $2, $3, $4, $5)"
        " on conflict do nothing returning id, username, name, email, created_at",
        secrets.token_hex(16),
        username,
        name or username,
        email,
        password_hash,
    )
    if row is None:
        raise AccountRefused(f"the name {username!r} is taken")
    return Account(**row)


def check_name(username: str) -> None:
    """Raises AccountRefused for what cannot be the name of a person or organisation."""
    if not USERNAME.fullmatch(username) or ACCOUNT_ID.fullmatch(username):
        raise AccountRefused("a user name has 1 to 40 of the characters a-z 0-9 - _ and begins and ends with a-z 0-9")
    if username in RESERVED:
        raise AccountRefused(f"the name {username!r} is reserved")


def _check(password: str, name: str, email: str) -> None:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise AccountRefused(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    if any(character in name + email for character in "\x00\r\n"):
        raise AccountRefused("name and e-mail address are one line each")
