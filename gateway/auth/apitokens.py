"""API tokens: the table `api_token`. Each is for one owner or one of its datasets, and ends by itself.

Nothing that can be done with one makes, widens or lengthens one: only who is logged in makes tokens.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import asyncpg

from gateway.auth import rights
from gateway.auth.accounts import LOOKUP_DEADLINE
from gateway.auth.audit import Origin, record
from gateway.auth.lastuse import note_use
from gateway.auth.rights import Action, Actor, Scope
from gateway.auth.tokensecret import digest_of, new_secret
from gateway.patience import in_time

ACCESS = (Action.READ, Action.PUBLISH, Action.MANAGE)
"""What a token may be for; each includes those before it. Who may do what is never said with a token."""
MOST = 100
"""Good tokens of one account."""
REMEMBERED = 90
"""Days for which one that has ended is still shown."""


_SHOWN = """
    select t.id, t.name, t.access, t.ownerid, o.username as owner, t.dataset, t.created_at, t.expires_at,
           t.last_used_at, t.last_address, t.revoked_at, t.expires_at <= now() as expired
    from api_token t join account o on o.id = t.ownerid
"""
_MINE = f"""
    {_SHOWN} where t.account_id = $1 and t.trust_id is null
    order by t.revoked_at is not null, t.expires_at <= now(), t.created_at desc
"""
_ONE = f"{_SHOWN} where t.id = $1"
# The name of one that has ended by itself is free again.
_TIDY = """
    update api_token set revoked_at = expires_at
    where account_id = $1 and revoked_at is null and expires_at <= now() and trust_id is null
"""
_FORGET = "delete from api_token where account_id = $1 and revoked_at < now() - make_interval(days => $2)"
_COUNT = "select count(*) from api_token where account_id = $1 and revoked_at is null and trust_id is null"
_INSERT = """
    insert into api_token (id, digest, account_id, name, access, ownerid, dataset, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(days => $8))
    on conflict do nothing returning id
"""
_REVOKE = """
    update api_token set revoked_at = now()
    where account_id = $1 and id = $2 and revoked_at is null returning ownerid, name
"""
_HELD = """
    select id, account_id, access, ownerid, dataset, floor(extract(epoch from expires_at))::bigint as expires,
           last_used_at is null or last_used_at < now() - interval '1 minute' as quiet
    from api_token where {} and revoked_at is null and expires_at > now()
"""
_BY_DIGEST, _BY_ID = _HELD.format("digest = $1"), _HELD.format("id = $1")
_TOUCH = "update api_token set last_used_at = now(), last_address = $2 where id = $1"


class TokenRefused(Exception):
    """No token can be made of this; the message is a sentence for whoever asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """What somebody wants: `days` from now it ends; `dataset` None is for everything of the owner's."""

    name: str
    access: Action
    ownerid: str
    dataset: str | None
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """What its maker sees of a token. `owner` is a user name; the last use is known to the minute."""

    id: str
    name: str
    access: str
    ownerid: str
    owner: str
    dataset: str | None
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    last_address: str | None
    revoked_at: datetime | None
    expired: bool

    @property
    def scope(self) -> str:
        """`owner` or `owner/dataset`."""
        return f"{self.owner}/{self.dataset}" if self.dataset else self.owner

    @property
    def ended(self) -> str | None:
        """Why it is good for nothing any more; None while it is good."""
        if self.expired:
            return "expired"
        return "revoked" if self.revoked_at else None

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "access": self.access,
            "scope": self.scope,
            "created": self.created_at.isoformat(),
            "expires": self.expires_at.isoformat(),
            "last_used": self.last_used_at.isoformat() if self.last_used_at else None,
            "last_address": self.last_address,
            "ended": self.ended,
        }


async def make(pool: asyncpg.Pool, origin: Origin, wanted: NewToken) -> tuple[ApiToken, str]:
    """A new token and its secret, which nobody can be told again; raises TokenRefused: its name is taken, too many."""
    secret, token_id, account_id = new_secret(), secrets.token_hex(16), origin.actor.known.id
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select from account where id = $1 for update", account_id)
        await connection.execute(_TIDY, account_id)
        await connection.execute(_FORGET, account_id, REMEMBERED)
        if await connection.fetchval(_COUNT, account_id) >= MOST:
            raise TokenRefused(f"you have {MOST} tokens, which is the limit: revoke one that is not used any more")
        made = await connection.fetchval(
            _INSERT,
            token_id,
            digest_of(secret),
            account_id,
            wanted.name,
            wanted.access.value,
            wanted.ownerid,
            wanted.dataset,
            wanted.days,
        )
        if made is None:
            raise TokenRefused(f"you have a token called {wanted.name!r} already: revoke it, or choose another name")
        token = ApiToken(**await connection.fetchrow(_ONE, token_id))
        told: dict[str, str | int | None] = {"id": token.id, "access": token.access, "scope": token.scope}
        await record(connection, token.ownerid, "token-made", token.name, origin, days=wanted.days, **told)
    return token, secret


async def listed(pool: asyncpg.Pool, account_id: str) -> list[ApiToken]:
    """The tokens of an account, those that are good first, then the newest first."""
    return [ApiToken(**row) for row in await pool.fetch(_MINE, account_id)]


async def revoke(pool: asyncpg.Pool, origin: Origin, token_id: str) -> bool:
    """Ends a token of one's own at once, and what it was exchanged for; False where there is none to end."""
    async with pool.acquire() as connection, connection.transaction():
        ended = await connection.fetchrow(_REVOKE, origin.actor.known.id, token_id)
        if ended is not None:
            await record(connection, ended["ownerid"], "token-revoked", ended["name"], origin, id=token_id)
    return ended is not None


async def holder_of_secret(pool: asyncpg.Pool, secret: str, address: str) -> Actor | None:
    """Whom a secret speaks for; None where it is nobody's, has ended, or its account is disabled."""
    return await _holder(pool, _BY_DIGEST, digest_of(secret), address)


async def holder_of_id(pool: asyncpg.Pool, token_id: str, address: str) -> Actor | None:
    """The same for what a token was exchanged for: it is good as long as that token is."""
    return await _holder(pool, _BY_ID, token_id, address)


async def _holder(pool: asyncpg.Pool, query: str, which: bytes | str, address: str) -> Actor | None:
    held = await in_time(pool.fetchrow(query, which), LOOKUP_DEADLINE)
    actor = await rights.holder(pool, held["account_id"], held["id"]) if held else None
    if held is None or actor is None:
        return None
    if held["quiet"]:
        await note_use(pool, _TOUCH, held["id"], address)
    access = Action(held["access"])
    scope = Scope(
        actions=frozenset(ACCESS[: ACCESS.index(access) + 1]),
        ownerid=held["ownerid"],
        dataset=held["dataset"],
        token_id=held["id"],
        expires=held["expires"],
    )
    # Its address is for the account alone; a token may lie in the settings of some machine.
    return replace(actor, account=replace(actor.known, email=""), scope=scope)
