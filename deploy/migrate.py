"""Numbered SQL files (`migrations/NNNN_name.sql`), each applied once and recorded in table `schema_migration`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from messages.errors import PermanentError

MIGRATIONS = Path(__file__).parent / "migrations"

_LOCK = 4_851_700_322  # any number that nothing else in this database locks
_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_LEDGER = """
create table if not exists schema_migration (
    version integer primary key,
    name text not null,
    applied_at timestamptz not null default now()
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema: `version` counts from 1 without gaps."""

    version: int
    name: str
    sql: str


def migrations(directory: Path = MIGRATIONS) -> list[Migration]:
    """Return the steps in order; raises PermanentError for a misnamed or doubled file or a gap."""
    found = [_read(path) for path in sorted(directory.glob("*.sql"))]
    if [step.version for step in found] != list(range(1, len(found) + 1)):
        raise PermanentError(f"migrations in {directory} are not numbered 0001, 0002, ... without gaps")
    return found


async def pending(connection: asyncpg.Connection, directory: Path = MIGRATIONS) -> list[Migration]:
    """Return the steps that the database of `connection` still lacks, in order."""
    if await connection.fetchval("select to_regclass('schema_migration')") is None:
        return migrations(directory)
    applied = {row["version"] for row in await connection.fetch("select version from schema_migration")}
    return [step for step in migrations(directory) if step.version not in applied]


async def migrate(url: str, directory: Path = MIGRATIONS) -> list[Migration]:
    """Bring the database at `url` up to date and return the steps taken now.

    Safe to run from several processes at once: all but one wait, then find nothing to do. A step that fails
    (asyncpg.PostgresError) leaves the database as the step before it did.
    """
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute("select pg_advisory_lock($1)", _LOCK)  # held until the connection closes
        steps = await pending(connection, directory)
        for step in steps:
            async with connection.transaction():
                await connection.execute(_LEDGER)
                await connection.execute(step.sql)
                await connection.execute(
                    "insert into schema_migration (version, name) values ($1, $2)", step.version, step.name
                )
        return steps
    finally:
        await connection.close()


def _read(path: Path) -> Migration:
    name = _FILE_NAME.fullmatch(path.name)
    if name is None:
        raise PermanentError(f"{path} is not named like 0001_start.sql")
    return Migration(int(name[1]), name[2], path.read_text(encoding="utf-8"))
