"""Device codes: a machine without a browser waits while somebody agrees in a browser elsewhere (RFC 8628)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from gateway.auth.accounts import Account, Accounts
from gateway.auth.oauth.families import Families, Held, Program, hashed
from gateway.auth.oauth.refusals import DENIED, EXPIRED, INVALID_GRANT, PENDING, SLOW_DOWN, Refused

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
"""What the token endpoint calls it (3.4)."""
LIFETIME = 900
"""Seconds for somebody to agree."""
PACE = 5
"""Seconds between questions; so much more for each that comes too soon (3.5)."""
TOLERANCE = 0.5
"""Seconds that a question may be early: networks are not even."""
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""6.1: nothing that is taken for another letter or makes a word; eight of them are 34 bits."""
LENGTH = 8

_INSERT = """
    insert into device_code (hash, user_code, client, device, address, pace, expires_at)
    values ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7)) on conflict (user_code) do nothing
    returning user_code
"""
_FOUND = """
    select client, device, address, account_id, expires_at > now() as lives, state,
           asked_at > now() - make_interval(secs => pace - $2) as hasty
    from device_code where hash = $1 for update
"""
_ASKED = "update device_code set asked_at = now(), pace = pace + $2 where hash = $1"
_WAITING = """
    select client, device, address, made_at from device_code
    where user_code = $1 and state = 'waiting' and expires_at > now()
"""
_DECIDED = """
    update device_code set state = $2, account_id = $3
    where user_code = $1 and state = 'waiting' and expires_at > now() returning user_code
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """What a program is given: a secret to ask with, and what somebody types into a browser."""

    device_code: str
    user_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Who waits for consent, as the page shows it."""

    client: str
    device: str
    address: str
    made_at: datetime


class Devices:
    """The table `device_code`."""

    def __init__(self, pool: asyncpg.Pool, accounts: Accounts, families: Families) -> None:
        self._pool = pool
        self._accounts = accounts
        self._families = families

    async def begin(self, program: Program) -> DeviceCode:
        """A program begins to wait."""
        await self._pool.execute("delete from device_code where expires_at < now() - interval '1 hour'")
        while True:
            made = DeviceCode(device_code=secrets.token_urlsafe(32), user_code=_user_code())
            values = (hashed(made.device_code), canonical(made.user_code), program.client, program.device)
            if await self._pool.fetchval(_INSERT, *values, program.address, PACE, LIFETIME):
                return made

    async def waiting(self, user_code: str) -> Waiting | None:
        """Who waits with this code, however it is written; None where nobody does (any more)."""
        row = await self._pool.fetchrow(_WAITING, canonical(user_code))
        return Waiting(**row) if row else None

    async def decide(self, user_code: str, account: Account, *, allow: bool) -> bool:
        """Somebody agreed, or not; False where nobody waits any more."""
        state = "allowed" if allow else "denied"
        return await self._pool.fetchval(_DECIDED, canonical(user_code), state, account.id) is not None

    async def redeem(self, device_code: str, client: str) -> Held:
        """What a device code is worth, once; raises Refused with what the program is to do."""
        held: Held | None = None
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(_FOUND, hashed(device_code), TOLERANCE)
            refused = _refusal(row, client)
            if refused is None:
                held = await self._use(connection, row, hashed(device_code))
            elif refused.error in (PENDING, SLOW_DOWN):
                await connection.execute(_ASKED, hashed(device_code), PACE if refused.error == SLOW_DOWN else 0)
        if held is None:
            raise refused or Refused(INVALID_GRANT, "The account of this log-in is gone.")
        return held

    async def _use(self, connection: asyncpg.Connection, row: asyncpg.Record, code: bytes) -> Held | None:
        await connection.execute("update device_code set state = 'used' where hash = $1", code)
        account = await self._accounts.by_id(row["account_id"])
        if account is None:
            return None
        program = Program(client=row["client"], device=row["device"], address=row["address"])
        return await self._families.begin(connection, account, program)


def _refusal(row: asyncpg.Record | None, client: str) -> Refused | None:
    """Why there is no token (yet), if so."""
    if row is None or row["client"] != client or row["state"] == "used":
        return Refused(INVALID_GRANT, "There is no such device code, or it was used.")
    if row["state"] == "denied":
        return Refused(DENIED, "The log-in was refused in the browser.")
    if not row["lives"]:
        return Refused(EXPIRED, "Nobody agreed in time: begin again.")
    if row["state"] == "allowed":
        return None
    if row["hasty"]:
        return Refused(SLOW_DOWN, "Ask less often.")
    return Refused(PENDING, "Nobody has agreed yet.")


def _user_code() -> str:
    letters = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    return f"{letters[:4]}-{letters[4:]}"


def canonical(user_code: str) -> str:
    """A code as it is kept, however somebody wrote it."""
    return "".join(letter for letter in user_code.upper() if letter in LETTERS)[: LENGTH + 1]
