"""Families: one log-in of a program, and the refresh tokens that come one after the other of it.

A refresh token is good for one exchange. Whoever shows one that was exchanged already has a copy, or is robbed: the
family ends, with all its tokens (RFC 9700, 4.14). An answer that is lost on its way would end it, too, so a program may
send a secret of its own with an exchange (`attempt`) and ask for the same exchange again with it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import structlog

from gateway.auth.accounts import PERSON, Account
from gateway.auth.audit import Origin, record
from gateway.auth.oauth.refusals import INVALID_GRANT, Refused
from gateway.auth.rights import Actor

IDLE = 60 * 24 * 3600
"""Seconds without an exchange after which a family has ended."""
PREFIX = "dhr_"
REUSED, LOGGED_OUT = "reused", "logged out"

_FOUND = """
    select f.id, f.ended_at is null and f.expires_at > now() as lives, r.successor, r.attempt,
           a.id as account_id, a.username, a.name, a.email, a.created_at, a.kind
    from refresh_token r join login_family f on f.id = r.family_id join account a on a.id = f.account_id
    where r.hash = $1 and a.disabled_at is null and a.kind = $2
    for update of r, f
"""
# Both: of a row that is not locked itself, whoever waited for the other would see what was there before.
_BEGIN = """
    insert into login_family (id, account_id, client, device, address, expires_at)
    values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))
"""
_USED = """
    update login_family set used_at = now(), address = $2, expires_at = now() + make_interval(secs => $3) where id = $1
"""
_END = """
    update login_family set ended_at = now(), ended_why = $2 where id = $1 and ended_at is null
    returning account_id, client, device
"""
_FORGET = "delete from login_family where coalesce(ended_at, expires_at) < now() - interval '90 days'"

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What logs in: the client's id, what it calls its machine, and from which address it comes."""

    client: str
    device: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a program holds after a log-in or an exchange."""

    account: Account
    family: str
    refresh_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A log-in of a program that goes on, as its account's settings show it."""

    id: str
    client: str
    device: str
    address: str
    made_at: datetime
    used_at: datetime


class Families:
    """The tables `login_family` and `refresh_token`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def begin(self, connection: asyncpg.Connection, account: Account, program: Program) -> Held:
        """A new family, in the caller's transaction."""
        family, token = secrets.token_hex(16), new_token()
        await connection.execute(_FORGET)
        await connection.execute(_BEGIN, family, account.id, program.client, program.device, program.address, IDLE)
        await _add(connection, token, family)
        origin = Origin(actor=Actor(account=account), address=program.address)
        await record(connection, account.id, "logged-in", program.device, origin, client=program.client)
        return Held(account=account, family=family, refresh_token=token)

    async def exchange(self, token: str, attempt: str, address: str) -> Held:
        """The next refresh token for this one; raises Refused, and ends the family of one that was exchanged before."""
        held: Held | None = None
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(_FOUND, hashed(token), PERSON)
            if row is not None and row["lives"]:
                held = await self._next(connection, row, token, attempt, address)
        if held is None:
            raise Refused(INVALID_GRANT, "This log-in has ended: log in again.")
        return held

    async def _next(
        self, connection: asyncpg.Connection, row: asyncpg.Record, token: str, attempt: str, address: str
    ) -> Held | None:
        asked = hashed(attempt) if attempt else None
        if row["successor"] is not None and not await _withdrawn(connection, row, asked):
            _log.warning("refresh_token_reused", family=row["id"], account=row["account_id"])
            await _end(connection, row["id"], REUSED, address)
            return None
        following = new_token()
        await _add(connection, following, row["id"])
        await connection.execute(
            "update refresh_token set successor = $2, attempt = $3 where hash = $1",
            *(hashed(token), hashed(following), asked),
        )
        await connection.execute(_USED, row["id"], address, IDLE)
        account = Account(
            id=row["account_id"], **{name: row[name] for name in ("username", "name", "email", "created_at", "kind")}
        )
        return Held(account=account, family=row["id"], refresh_token=following)

    async def end(self, token: str, address: str) -> None:
        """Ends the family of a refresh token, whichever of it this is; nothing happens for what is none (RFC 7009)."""
        async with self._pool.acquire() as connection, connection.transaction():
            family = await connection.fetchval("select family_id from refresh_token where hash = $1", hashed(token))
            if family is not None:
                await _end(connection, family, LOGGED_OUT, address)

    async def end_of(self, account_id: str, family: str, address: str) -> None:
        """Ends a family of this account."""
        async with self._pool.acquire() as connection, connection.transaction():
            mine = "select id from login_family where id = $1 and account_id = $2"
            if await connection.fetchval(mine, family, account_id) is not None:
                await _end(connection, family, LOGGED_OUT, address)

    async def end_reused(self, connection: asyncpg.Connection, family: str, address: str) -> None:
        """Ends a family whose code was shown a second time, in the caller's transaction."""
        _log.warning("authorization_code_reused", family=family)
        await _end(connection, family, REUSED, address)

    async def of(self, account_id: str) -> Sequence[Family]:
        """The families of an account that go on, the last used first."""
        rows = await self._pool.fetch(
            "select id, client, device, address, made_at, used_at from login_family"
            " where account_id = $1 and ended_at is null and expires_at > now() order by used_at desc",
            account_id,
        )
        return [Family(**row) for row in rows]


async def _withdrawn(connection: asyncpg.Connection, row: asyncpg.Record, asked: bytes | None) -> bool:
    """Takes back a successor whose answer got lost: nobody used it, and the same secret asks again."""
    if asked is None or row["attempt"] is None or not secrets.compare_digest(asked, row["attempt"]):
        return False
    gone = "delete from refresh_token where hash = $1 and successor is null returning hash"
    return await connection.fetchval(gone, row["successor"]) is not None


async def _add(connection: asyncpg.Connection, token: str, family: str) -> None:
    await connection.execute("insert into refresh_token (hash, family_id) values ($1, $2)", hashed(token), family)


async def _end(connection: asyncpg.Connection, family: str, why: str, address: str) -> None:
    row = await connection.fetchrow(_END, family, why)
    if row is not None:
        account = await connection.fetchrow(
            "select id, username, name, email, created_at, kind from account where id = $1", row["account_id"]
        )
        origin = Origin(actor=Actor(account=Account(**account)), address=address)
        await record(connection, account["id"], "logged-out", row["device"], origin, client=row["client"], why=why)


def new_token() -> str:
    """A secret of 256 bits, to be recognised by its beginning."""
    return PREFIX + secrets.token_urlsafe(32)


def hashed(secret: str) -> bytes:
    """What is kept of a secret with 256 bits of its own: no salt or slowness could make it harder to guess."""
    return hashlib.sha256(secret.encode()).digest()
