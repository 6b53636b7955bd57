"""Migrations: once each, in order, one process at a time, all of a step or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from deploy.migrate import MIGRATIONS, migrate, migrations, pending
from messages.database import SCHEMA_VERSION
from messages.errors import PermanentError
from tests.services import DatabaseServer


@pytest_asyncio.fixture
async def empty_database_url(postgres: DatabaseServer) -> AsyncIterator[str]:
    url = await postgres.empty()
    yield url
    await postgres.drop(url)


def write(directory: Path, **files: str) -> Path:
    for name, sql in files.items():
        (directory / f"{name.removeprefix('n')}.sql").write_text(sql)
    return directory


async def test_steps_are_applied_once_and_in_order(empty_database_url: str, tmp_path: Path) -> None:
    write(tmp_path, n0001_first="create table a (x int)", n0002_second="insert into a values (1)")
    assert [step.name for step in await migrate(empty_database_url, tmp_path)] == ["first", "second"]
    assert await migrate(empty_database_url, tmp_path) == []
    connection = await asyncpg.connect(empty_database_url)
    assert await connection.fetchval("select count(*) from a") == 1
    await connection.close()


async def test_processes_that_start_together_apply_each_step_once(empty_database_url: str) -> None:
    taken = await asyncio.gather(*(migrate(empty_database_url) for _ in range(6)))
    assert sorted(len(steps) for steps in taken) == [0, 0, 0, 0, 0, len(migrations())]


async def test_a_failing_step_leaves_nothing_of_itself(empty_database_url: str, tmp_path: Path) -> None:
    write(tmp_path, n0001_good="create table a (x int)", n0002_bad="create table b (x int); select 1/0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(empty_database_url, tmp_path)
    connection = await asyncpg.connect(empty_database_url)
    assert await connection.fetchval("select to_regclass('a')") == "a"
    assert await connection.fetchval("select to_regclass('b')") is None
    assert [step.name for step in await pending(connection, tmp_path)] == ["bad"]
    await connection.close()


@pytest.mark.parametrize(
    "files",
    [
        {"n0002_late": ""},
        {"n0001_a": "", "n0003_c": ""},
        {"n0001_a": "", "n0001_b": ""},
        {"nfirst": ""},
    ],
    ids=["starts late", "gap", "doubled", "misnamed"],
)
def test_misnumbered_files_are_refused(files: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(PermanentError):
        migrations(write(tmp_path, **files))


def test_the_code_asks_for_the_newest_migration() -> None:
    assert migrations(MIGRATIONS)[-1].version == SCHEMA_VERSION
