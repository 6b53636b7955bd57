"""The keys that sign receipts. Unlike those of tokens none is ever forgotten: a receipt is to be verified for years.

One signs at a time. Another one takes its place when an operator wants so; of the old one the public half stays in the
published set for ever, and the private half is destroyed, so that nothing can be signed in the name of the past.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from gateway.auth.keys import SigningKey, jwk_of, load_key, make_key

_LOCK = 7_021_884_120  # any number that nothing else in this database locks
_SIGNING = "select kid, private_pem from receipt_key where retired_at is null"
_INSERT = "insert into receipt_key (kid, public_x, private_pem) values ($1, $2, $3)"


@dataclass(frozen=True, slots=True)
class ReceiptKeyRecord:
    """What an operator sees of a key."""

    kid: str
    created_at: datetime
    retired_at: datetime | None


async def signing_key(pool: asyncpg.Pool) -> SigningKey:
    """The key that signs; the first who asks makes one."""
    row = await pool.fetchrow(_SIGNING)
    if row is None:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
            row = await connection.fetchrow(_SIGNING) or await _make(connection)
    return load_key(row["kid"], row["private_pem"])


async def published_keys(pool: asyncpg.Pool) -> list[dict[str, str]]:
    """Every key that ever signed, the newest first, as a JWK each."""
    rows = await pool.fetch("select kid, public_x from receipt_key order by created_at desc")
    return [jwk_of(row["kid"], row["public_x"]) for row in rows]


async def rotate(pool: asyncpg.Pool) -> str:
    """Makes a key that signs from now on, and destroys the private half of the one before; the new one's id."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(
            "update receipt_key set retired_at = now(), private_pem = null where retired_at is null"
        )
        kid: str = (await _make(connection))["kid"]
    return kid


async def listed(pool: asyncpg.Pool) -> list[ReceiptKeyRecord]:
    """Every key there is, the newest last."""
    rows = await pool.fetch("select kid, created_at, retired_at from receipt_key order by created_at")
    return [ReceiptKeyRecord(**row) for row in rows]


async def _make(connection: asyncpg.Connection) -> dict[str, str]:
    key, pem = make_key()
    await connection.execute(_INSERT, key.kid, key.public_x(), pem)
    return {"kid": key.kid, "private_pem": pem}
