"""What `dh-server` does once and then ends: migrate, user add, topology."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from messages import topology
from messages.errors import PermanentError
from messages.settings import Settings


async def migrate_all(settings: Settings, say: Callable[[str], None]) -> None:
    """Bring the schema up to date and make both buckets; `say` hears what was done."""
    from deploy.migrate import migrate
    from messages.blobs import Blobs

    steps = await migrate(settings.database_url)
    for step in steps:
        say(f"applied {step.version:04d}_{step.name}")
    async with Blobs(settings.store) as blobs:
        await blobs.ensure_buckets()
    say(f"schema is current, buckets {settings.store.raw_bucket} and {settings.store.package_bucket} are there")


async def add_user(settings: Settings, username: str, password: str, name: str, email: str) -> None:
    """Make a local account; raises PermanentError for a bad or taken name and for a bad password."""
    from gateway.auth.accounts import AccountRefused, Accounts
    from messages.database import open_pool, require_schema

    async with await open_pool(settings.database_url, size=1) as pool:
        await require_schema(pool)
        try:
            await Accounts(pool).add(username, password, name, email)
        except AccountRefused as refusal:
            raise PermanentError(str(refusal)) from refusal


async def rotate_keys(settings: Settings, *, receipts: bool = False) -> str:
    """Make a new key that signs tokens, or `receipts`; its id."""
    from gateway.auth import keys, receiptkeys
    from messages.database import open_pool, require_schema

    async with await open_pool(settings.database_url, size=1) as pool:
        await require_schema(pool)
        return await receiptkeys.rotate(pool) if receipts else (await keys.rotate(pool)).kid


async def revoke_key(settings: Settings, kid: str) -> None:
    """Forget a signing key, and with it every token that it signed; raises PermanentError where there is none."""
    from gateway.auth import keys
    from messages.database import open_pool, require_schema

    async with await open_pool(settings.database_url, size=1) as pool:
        await require_schema(pool)
        if not await keys.revoke(pool, kid):
            raise PermanentError(f"there is no key {kid!r}: `dh-server keys list` shows them")


async def key_table(settings: Settings) -> str:
    """The signing keys as a table for people: of tokens, then of receipts."""
    from gateway.auth import keys, receiptkeys
    from messages.database import open_pool, require_schema

    async with await open_pool(settings.database_url, size=1) as pool:
        await require_schema(pool)
        listed = (("tokens", await keys.listed(pool)), ("receipts", await receiptkeys.listed(pool)))
    rows = [("key", "signs", "made", "signs until")]
    rows += [(k.kid, what, _time(k.created_at), _time(k.retired_at)) for what, found in listed for k in found]
    return "\n".join(f"{kid:18}{what:10}{made:22}{until}" for kid, what, made, until in rows)


def _time(moment: datetime | None) -> str:
    return "further notice" if moment is None else moment.isoformat(sep=" ", timespec="seconds")[:19]


async def declare(settings: Settings) -> None:
    """Make the exchanges and queues exist at the broker that the settings name."""
    from messages.transport import open_transport

    transport = open_transport(settings)
    try:
        await transport.declare()
    finally:
        await transport.close()


def topology_table() -> str:
    """The topology as a table for people."""
    rows = [("queue", "exchange", "type", "key")]
    rows += [
        (queue.name, exchange, topology.EXCHANGES[exchange], key)
        for queue in _queues()
        for exchange, key in queue.bindings
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def topology_json() -> str:
    """The topology for programs."""
    queues = [
        {"name": queue.name, "bindings": [{"exchange": exchange, "key": key} for exchange, key in queue.bindings]}
        for queue in _queues()
    ]
    return json.dumps({"exchanges": dict(topology.EXCHANGES), "queues": queues}, indent=2)


def _queues() -> tuple[topology.Queue, ...]:
    return (*topology.QUEUES, *topology.RETRY_QUEUES.values(), topology.DEAD_QUEUE)
