"""Outbox and inbox: what is said, and what was heard, in the caller's own transaction."""

from __future__ import annotations

import asyncpg

from messages.envelope import Message

CHANNEL = "outbox"
"""NOTIFY channel that wakes the relay at commit."""


async def emit(connection: asyncpg.Connection, *messages: Message) -> None:
    """Says these messages when, and only when, the caller's transaction commits; the relay then carries them on."""
    await connection.executemany(
        "insert into outbox (message_id, body) values ($1, $2)",
        [(message.id, message.encode()) for message in messages],
    )
    await connection.execute(f"notify {CHANNEL}")


async def claim(connection: asyncpg.Connection, consumer: str, message_id: str) -> bool:
    """True for the one transaction that may act on this message for this consumer; False where handled.

    A second claim at the same time waits for the first transaction to end (unique index), so exactly one of them is True.
    """
    status: str = await connection.execute(
        "insert into inbox (consumer, message_id) values ($1, $2) on conflict do nothing",
        consumer,
        message_id,
    )
    return status.endswith(" 1")
