"""The PostgreSQL pool of a process: deadlines on statements, JSON as Python values, a stale schema refused."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from messages.errors import PermanentError

SCHEMA_VERSION = 18
"""The number of the newest migration that this code needs."""

COMMAND_TIMEOUT = 30.0
"""Seconds for one statement."""

TRANSIENT: tuple[type[BaseException], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.OperatorInterventionError,
    asyncpg.TransactionRollbackError,
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""What a database that is down, restarting, failing over or busy answers: worth another attempt.

SQLSTATE 08, 25006, 40, 53, 55P03, 57 (PostgreSQL documentation, appendix A).
"""


async def open_pool(url: str, *, size: int = 10) -> asyncpg.Pool:
    """A pool of up to `size` connections; raises a member of TRANSIENT where the server cannot be reached."""
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        command_timeout=COMMAND_TIMEOUT,
        timeout=10,
        max_inactive_connection_lifetime=60,
        init=with_json,
        reset=_as_it_is,
    )


async def _as_it_is(_connection: asyncpg.Connection) -> None:
    """asyncpg would ask the server to forget what the session has set, a question more for each that is asked. We leave
    nothing there: who listens stops listening, and the one kind of lock that outlives a transaction is `alone`'s."""


@asynccontextmanager
async def alone(pool: asyncpg.Pool, lock: int) -> AsyncIterator[asyncpg.Connection | None]:
    """A connection of whoever has this advisory lock meanwhile; None where another session has it."""
    async with pool.acquire() as connection:
        if not await _told(connection, "select pg_try_advisory_lock($1)", lock):
            yield None
            return
        try:
            yield connection
        finally:
            await _told(connection, "select pg_advisory_unlock($1)", lock)


async def _told(connection: asyncpg.Connection, statement: str, lock: int) -> bool:
    """The server's answer about a lock. Without one, also where we were cancelled, it may be ours: it goes with the
    connection, which the pool would hand out again."""
    try:
        return bool(await connection.fetchval(statement, lock))
    except BaseException:
        connection.terminate()
        raise


def texts(values: Iterable[object]) -> list[str | None]:
    """An array to cast in SQL, as in `$1::text[]::bigint[]`. What any other type of array is, asyncpg asks the server
    once on each connection, which takes it 15 ms."""
    return [None if value is None else str(value) for value in values]


async def with_json(connection: asyncpg.Connection) -> None:
    """Makes `json` and `jsonb` columns Python values on this connection."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, encoder=json_text, decoder=json.loads, schema="pg_catalog")


def json_text(value: Any) -> str:
    """A value as JSON that PostgreSQL takes; raises ValueError for NaN and infinities."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


async def require_schema(pool: asyncpg.Pool) -> None:
    """Raises PermanentError where the database has not been migrated to this code's schema."""
    try:
        found = await pool.fetchval("select max(version) from schema_migration")
    except asyncpg.UndefinedTableError:
        found = None
    if found is None or found < SCHEMA_VERSION:
        raise PermanentError(
            f"the database has schema {found or 'none'}, this program needs {SCHEMA_VERSION}: run `dh-server migrate`"
        )
