"""The table `webhook`: who is told of what, and at which address.

A webhook belongs to a subscriber, a person or an organisation, and names one dataset that the subscriber may read, or
stands for all datasets of the subscriber's own. Secrets are kept as they are, like the keys that sign: an HMAC needs
them.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from gateway.auth.accounts import Account
from gateway.auth.audit import Origin, record
from gateway.auth.rights import Action, still_may
from gateway.problems import Problem, not_found
from messages.webhooks.audience import READS
from messages.webhooks.signing import new_secret

MOST = 20
"""Webhooks of one subscriber."""
OVERLAP = 24
"""Hours for which the secret before the newest signs, too."""

_LOCK = "select from account where id = $1 for no key update"
_FIND = f"""
    select d.id from dataset d join account a on a.id = d.ownerid, account s
    where s.id = $1 and lower(a.username) = lower($2) and d.name = $3 and {READS}
"""  # noqa: S608 what is put in is a constant of ours
_COUNT = "select count(*) from webhook where ownerid = $1"
_ADD = """
    insert into webhook (id, ownerid, dataset_id, url, secret, account_id) values ($1, $2, $3, $4, $5, $6)
    on conflict do nothing returning id
"""
_LIST = """
    select w.id, w.url, o.username || '/' || d.name as dataset, a.username as maker, w.created_at, w.disabled_at,
           case when w.old_until > now() then w.old_until end as old_until,
           (select count(*) from webhook_delivery x where x.webhook_id = w.id and x.state = 'waiting') as waiting,
           (select count(*) from webhook_delivery x where x.webhook_id = w.id and x.state = 'parked') as parked
    from webhook w join account a on a.id = w.account_id
         left join dataset d on d.id = w.dataset_id left join account o on o.id = d.ownerid
    where w.ownerid = $1 order by w.created_at, w.id
"""
_REMOVE = "delete from webhook where ownerid = $1 and id = $2 returning url"
_ROTATE = """
    update webhook set old_secret = secret, old_until = now() + make_interval(hours => $4), secret = $3
    where ownerid = $1 and id = $2 returning url
"""
_ENABLE = "update webhook set disabled_at = null where ownerid = $1 and id = $2 returning url"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook as those see it who may manage it. `dataset`: `owner/name`, None for all of the subscriber's own;
    `old_until`: until when the secret before the newest signs, too; `waiting`, `parked`: how many deliveries are."""

    id: str
    url: str
    dataset: str | None
    maker: str
    created_at: datetime
    disabled_at: datetime | None
    old_until: datetime | None
    waiting: int
    parked: int

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "url": self.url,
            "dataset": self.dataset,
            "maker": self.maker,
            "created": self.created_at.isoformat(),
            "disabled": self.disabled_at.isoformat() if self.disabled_at else None,
            "old_secret_until": self.old_until.isoformat() if self.old_until else None,
            "waiting": self.waiting,
            "parked": self.parked,
        }


async def add(
    pool: asyncpg.Pool, origin: Origin, owner: Account, url: str, dataset: tuple[str, str] | None
) -> tuple[str, str]:
    """A new webhook of `owner` for the dataset (owner's name, name) or all of its own: its id and its secret.

    Raises Problem 403, 404 (no such dataset, or not one that the subscriber may read), 409 (there already, too many).
    """
    webhook_id, secret = secrets.token_hex(8), new_secret()
    async with pool.acquire() as connection, connection.transaction():
        await _enter(connection, owner, origin)
        dataset_id = await find(connection, owner, dataset) if dataset else None
        if await connection.fetchval(_COUNT, owner.id) >= MOST:
            raise Problem(409, "too-many", f"{owner.username} has {MOST} webhooks, which is the most: remove one.")
        account = origin.actor.known
        if await connection.fetchval(_ADD, webhook_id, owner.id, dataset_id, url, secret, account.id) is None:
            raise Problem(409, "there-already", "There is such a webhook already.")
        told = "/".join(dataset) if dataset else None
        await record(connection, owner.id, "webhook-added", webhook_id, origin, host=_host(url), dataset=told)
    return webhook_id, secret


async def find(connection: asyncpg.Connection | asyncpg.Pool, owner: Account, dataset: tuple[str, str]) -> str:
    """The id of a dataset that a subscriber may read; raises Problem 404, for another's private one as for none."""
    found: str | None = await connection.fetchval(_FIND, owner.id, *dataset)
    if found is None:
        raise not_found("There is no such dataset.")
    return found


async def of_owner(pool: asyncpg.Pool, owner: Account) -> Sequence[Webhook]:
    """A subscriber's webhooks, the oldest first."""
    return [Webhook(**row) for row in await pool.fetch(_LIST, owner.id)]


async def one(pool: asyncpg.Pool, owner: Account, webhook_id: str) -> Webhook:
    """One of a subscriber's webhooks; raises Problem 404."""
    for each in await of_owner(pool, owner):
        if each.id == webhook_id:
            return each
    raise no_webhook()


async def remove(pool: asyncpg.Pool, origin: Origin, owner: Account, webhook_id: str) -> None:
    """Ends it, and forgets what waits for it; raises Problem 403, 404."""
    async with pool.acquire() as connection, connection.transaction():
        await _enter(connection, owner, origin)
        await _done(connection, owner, origin, "webhook-removed", webhook_id, _REMOVE)


async def rotate(pool: asyncpg.Pool, origin: Origin, owner: Account, webhook_id: str) -> str:
    """A new secret; the one before signs, too, for OVERLAP hours, and what signed before that no more. Raises Problem
    403, 404."""
    secret = new_secret()
    async with pool.acquire() as connection, connection.transaction():
        await _enter(connection, owner, origin)
        await _done(connection, owner, origin, "webhook-rotated", webhook_id, _ROTATE, secret, OVERLAP)
    return secret


async def enable(pool: asyncpg.Pool, origin: Origin, owner: Account, webhook_id: str) -> None:
    """Has it be told again, after its receiver had said that it was gone; raises Problem 403, 404."""
    async with pool.acquire() as connection, connection.transaction():
        await _enter(connection, owner, origin)
        await _done(connection, owner, origin, "webhook-enabled", webhook_id, _ENABLE)


async def _enter(connection: asyncpg.Connection, owner: Account, origin: Origin) -> None:
    """One change at a time of what a subscriber has, by who may."""
    await connection.execute(_LOCK, owner.id)
    if not await still_may(connection, origin.actor, Action.MANAGE, owner.id):
        raise Problem(403, "not-yours", f"You may not manage the webhooks of {owner.username}.")


async def _done(
    connection: asyncpg.Connection, owner: Account, origin: Origin, act: str, webhook_id: str, query: str, *more: object
) -> None:
    url = None if "\x00" in webhook_id else await connection.fetchval(query, owner.id, webhook_id, *more)
    if url is None:
        raise no_webhook()
    await record(connection, owner.id, act, webhook_id, origin, host=_host(url))


def no_webhook() -> Problem:
    """404, for a stranger's as for none."""
    return not_found("There is no such webhook.")


def _host(url: str) -> str:
    """What of an address goes into the audit log: the rest may hold a secret of its receiver's."""
    return urlsplit(url).netloc
