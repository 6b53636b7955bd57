"""Signing keys: made at first start, kept in the database, shared by every gateway process; the newest one signs."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from dataclasses import dataclass

import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

_LOCK = 7_021_884_119  # any number that nothing else in this database locks
_REFETCH = 30.0
"""Seconds between looks for keys that another process made: tokens with invented key ids cost no more than that."""


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

    def jwk(self) -> dict[str, str]:
        """The public half as RFC 8037 writes it."""
        x = self.public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return {
            "kty": "OKP",
            "crv": "Ed25519",
            "use": "sig",
            "alg": "EdDSA",
            "kid": self.kid,
            "x": base64.urlsafe_b64encode(x).rstrip(b"=").decode(),
        }


class SigningKeys:
    """The table `signing_key`. Call `prepare` once before anything else."""

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
        rows = await self._pool.fetch("select kid, private_pem, retired_at from signing_key order by created_at")
        keys = {row["kid"]: _load(row["kid"], row["private_pem"]) for row in rows}
        self._signing = [keys[row["kid"]] for row in rows if row["retired_at"] is None][-1]
        self._keys = keys
        self._fetched = time.monotonic()


def _new_key() -> tuple[str, str]:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return hashlib.sha256(public).hexdigest()[:16], pem


def _load(kid: str, pem: str) -> SigningKey:
    private = load_pem_private_key(pem.encode(), password=None)
    assert isinstance(private, Ed25519PrivateKey), "only Ed25519 keys are made"
    return SigningKey(kid, private)
