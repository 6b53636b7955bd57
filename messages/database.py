"""The PostgreSQL pool of a process: deadlines on statements, JSON as Python values, a stale schema refused."""

from __future__ import annotations

import json
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
    )


async def with_json(connection: asyncpg.Connection) -> None:
    """Makes `json` and `jsonb` columns Python values on this connection."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, encoder=_encode, decoder=json.loads, schema="pg_catalog")


def _encode(value: Any) -> str:
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
