"""Sign-ons under way: each belongs to one browser, is good for ten minutes, and is taken once.

What a browser or a provider is shown is only kept as its hash.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

import asyncpg

from gateway.auth.oidc.provider import Person, Secrets

LIFETIME = 600
"""Seconds for the way to a provider and back, and for choosing a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOn:
    """One way to a provider and back: `account_id` is whom the identity is to be linked to, None for a log-in;
    `again` where somebody who is logged in proves once more who they are."""

    provider: str
    destination: str
    account_id: str | None
    again: bool


class SignOns:
    """The tables `sign_on` and `newcomer`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def begin(self, sign_on: SignOn, browser: str) -> Secrets:
        """Remembers who sets out, from which browser."""
        made = Secrets(
            state=secrets.token_urlsafe(32), nonce=secrets.token_urlsafe(32), verifier=secrets.token_urlsafe(48)
        )
        await self._pool.execute("delete from sign_on where expires_at < now()")
        await self._pool.execute(
            "insert into sign_on (state, browser, provider, nonce, verifier, destination, account_id, again,"
            " expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(secs => $9))",
            *(hashed(made.state), hashed(browser), sign_on.provider, made.nonce, made.verifier, sign_on.destination),
            *(sign_on.account_id, sign_on.again, LIFETIME),
        )
        return made

    async def finish(self, state: str, browser: str, provider: str) -> tuple[SignOn, Secrets] | None:
        """What began with this state in this browser at this provider; None, or the second time, for anything else."""
        row = await self._pool.fetchrow(
            "delete from sign_on where state = $1 and browser = $2 and provider = $3 and expires_at > now()"
            " returning nonce, verifier, destination, account_id, again",
            *(hashed(state), hashed(browser), provider),
        )
        if row is None:
            return None
        begun = SignOn(
            provider=provider, destination=row["destination"], account_id=row["account_id"], again=row["again"]
        )
        return begun, Secrets(state=state, nonce=row["nonce"], verifier=row["verifier"])

    async def welcome(self, person: Person, destination: str, browser: str) -> None:
        """Remembers somebody who is proven and has no account yet."""
        await self._pool.execute("delete from newcomer where expires_at < now()")
        await self._pool.execute(
            "insert into newcomer (browser, issuer, sub, username, name, email, destination, expires_at)"
            " values ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8))"
            " on conflict (browser) do update set issuer = excluded.issuer, sub = excluded.sub,"
            " username = excluded.username, name = excluded.name, email = excluded.email,"
            " destination = excluded.destination, expires_at = excluded.expires_at",
            *(hashed(browser), person.issuer, person.sub, person.username, person.name, person.email),
            *(destination, LIFETIME),
        )

    async def newcomer(self, browser: str) -> tuple[Person, str] | None:
        """Who waits for an account in this browser, and where they want to go."""
        row = await self._pool.fetchrow(
            "select issuer, sub, username, name, email, destination from newcomer"
            " where browser = $1 and expires_at > now()",
            hashed(browser),
        )
        if row is None:
            return None
        return Person(**{name: value for name, value in row.items() if name != "destination"}), row["destination"]

    async def welcomed(self, browser: str) -> None:
        """Forgets somebody who has an account now."""
        await self._pool.execute("delete from newcomer where browser = $1", hashed(browser))


def hashed(secret: str) -> bytes:
    """What is kept of a secret with 256 bits of its own: no salt or slowness could make it harder to guess."""
    return hashlib.sha256(secret.encode()).digest()
