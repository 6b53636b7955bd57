"""Of several processes one does what only one may do at a time; whatever happens to it, another can go on."""

from __future__ import annotations

import asyncpg
import pytest

from messages.database import alone, open_pool

LOCK = 4_851_799_999


async def test_only_one_has_the_lock_and_the_next_one_after_it(database_url: str) -> None:
    async with await open_pool(database_url, size=3) as pool:
        async with alone(pool, LOCK) as first, alone(pool, LOCK) as second:
            assert (first is not None, second) == (True, None)
        async with alone(pool, LOCK) as third:
            assert third is not None


async def test_a_lock_that_cannot_be_given_back_goes_with_its_connection(database_url: str) -> None:
    async with await open_pool(database_url, size=1) as pool, await open_pool(database_url, size=1) as others:
        with pytest.raises(asyncpg.InFailedSQLTransactionError):
            await fail_in_a_transaction(pool)
        assert await pool.fetchval("select 1") == 1  # its pool goes on
        async with alone(others, LOCK) as other:
            assert other is not None


async def fail_in_a_transaction(pool: asyncpg.Pool) -> None:
    """Leaves the lock's connection so that it takes no further statement."""
    async with alone(pool, LOCK) as connection:
        assert connection is not None
        await connection.execute("begin")
        with pytest.raises(asyncpg.DivisionByZeroError):
            await connection.execute("select 1/0")
