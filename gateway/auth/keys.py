"""Signing keys: made at first start, kept in the database, shared by every gateway process.

The oldest key that is not retired signs. A new key verifies at once and signs a little later, when the one before
retires (`NOTICE`): by then every process has seen it. A retired key goes on verifying until the last of its tokens has
ended. So keys are exchanged while everybody stays logged in.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from messages.database import TRANSIENT

_LOCK = 7_021_884_119  # any number that nothing else in this database locks
_REFETCH = 30.0
"""Seconds between looks for keys that another process made: tokens with invented key ids cost no more than that."""
REFRESH = 60.0
"""Seconds between looks for keys when nobody asks."""
NOTICE = 180.0
"""Seconds from a key's making until it signs: three looks, so that no process meets a token of a key it has not."""
AFTERLIFE = 15 * 24 * 3600
"""Seconds for which a key verifies after it signed last: a day longer than any token lives."""

# The clock is the database's, one for all processes.
_CURRENT = """
    select kid, private_pem, retired_at is null or retired_at > now() as signs from signing_key
    where retired_at is null or retired_at > now() - make_interval(secs => $1)
    order by created_at
"""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 pair; `kid` is the beginning of the public half's SHA-256."""

    kid: str
    private: Ed25519PrivateKey

    @property
    def public(self) -> Ed25519PublicKey:
        return self.private.public_key()

    def public_pem(self) -> str:
        """SubjectPublicKeyInfo in PEM."""
        return self.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def public_x(self) -> str:
        """The public half in base64url, as RFC 8037 has it in `x`."""
        x = self.public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return base64.urlsafe_b64encode(x).rstrip(b"=").decode()

    def jwk(self) -> dict[str, str]:
        """The public half as RFC 8037 writes it."""
        return jwk_of(self.kid, self.public_x())


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What an operator sees of a key; `retired_at` may lie ahead."""

    kid: str
    created_at: datetime
    retired_at: datetime | None


class SigningKeys:
    """The table `signing_key`. Call `prepare` once before anything else, and let `follow` run."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._keys: dict[str, SigningKey] = {}
        self._signing: SigningKey | None = None
        self._fetched = 0.0
        self._lock = asyncio.Lock()

    async def prepare(self) -> None:
        """Loads the keys; the first process of all makes one."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
            if not await connection.fetchval("select exists (select from signing_key where retired_at is null)"):
                await connection.execute("insert into signing_key (kid, private_pem) values ($1, $2)", *_new_key())
        await self._fetch()

    async def follow(self) -> None:
        """Looks for new keys for ever; a database that is away is asked again."""
        while True:
            await asyncio.sleep(REFRESH)
            try:
                await self._fetch()
            except TRANSIENT as error:
                _log.warning("keys_not_read", error=type(error).__name__)

    @property
    def signing(self) -> SigningKey:
        """The key that new tokens are signed with."""
        assert self._signing is not None, "prepare() was not awaited"
        return self._signing

    def all(self) -> list[SigningKey]:
        """Every key that still verifies."""
        return list(self._keys.values())

    async def find(self, kid: str) -> SigningKey | None:
        """The key with this id; one that another process made is looked up at most every 30 seconds."""
        if kid in self._keys:
            return self._keys[kid]
        async with self._lock:
            if kid not in self._keys and time.monotonic() - self._fetched > _REFETCH:
                await self._fetch()
        return self._keys.get(kid)

    async def _fetch(self) -> None:
        rows = await self._pool.fetch(_CURRENT, AFTERLIFE)
        keys = {row["kid"]: self._keys.get(row["kid"]) or load_key(row["kid"], row["private_pem"]) for row in rows}
        self._signing = next(keys[row["kid"]] for row in rows if row["signs"])
        self._keys = keys
        self._fetched = time.monotonic()


async def rotate(pool: asyncpg.Pool, notice: float = NOTICE) -> KeyRecord:
    """Makes a key that signs in `notice` seconds, when the one before retires; forgets keys that verify no more."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(
            "update signing_key set retired_at = now() + make_interval(secs => $1) where retired_at is null", notice
        )
        await connection.execute(
            "delete from signing_key where retired_at < now() - make_interval(secs => $1)", AFTERLIFE
        )
        row = await connection.fetchrow(
            "insert into signing_key (kid, private_pem) values ($1, $2) returning kid, created_at, retired_at",
            *_new_key(),
        )
    return KeyRecord(**row)


async def revoke(pool: asyncpg.Pool, kid: str) -> bool:
    """Forgets a key, for one that has leaked: whoever holds a token of it is logged out within REFRESH seconds.

    False where there is no such key. Where it was the last, there is a new one at once.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
        gone = await connection.fetchval("delete from signing_key where kid = $1 returning kid", kid)
        if not await connection.fetchval("select exists (select from signing_key where retired_at is null)"):
            await connection.execute("insert into signing_key (kid, private_pem) values ($1, $2)", *_new_key())
    return gone is not None


async def listed(pool: asyncpg.Pool) -> list[KeyRecord]:
    """Every key there is, the newest last."""
    rows = await pool.fetch("select kid, created_at, retired_at from signing_key order by created_at")
    return [KeyRecord(**row) for row in rows]


def jwk_of(kid: str, x: str) -> dict[str, str]:
    """A public key as RFC 8037 writes it."""
    return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x}


def make_key() -> tuple[SigningKey, str]:
    """A new key, and its private half in PEM."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return SigningKey(hashlib.sha256(public).hexdigest()[:16], private), pem


def load_key(kid: str, pem: str) -> SigningKey:
    """The key whose private half this PEM is."""
    private = load_pem_private_key(pem.encode(), password=None)
    assert isinstance(private, Ed25519PrivateKey), "only Ed25519 keys are made"
    return SigningKey(kid, private)


def _new_key() -> tuple[str, str]:
    key, pem = make_key()
    return key.kid, pem
