"""The transport's own pool: opened when needed, each statement with a deadline, trouble as TransientError."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from messages.database import TRANSIENT, open_pool
from messages.errors import TransientError

DEADLINE = 5.0
"""Seconds for a statement, the wait for a connection included."""


class Database:
    """A pool of up to `size` connections to `url` that is opened when it is first needed."""

    def __init__(self, url: str, size: int) -> None:
        self._url = url
        self._size = size
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    async def fetch(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """The rows of one statement, which is its own transaction; raises TransientError within DEADLINE."""
        try:
            async with asyncio.timeout(DEADLINE):
                return await self._fetch(await self._opened(), statement, arguments)
        except TRANSIENT as error:
            raise TransientError(f"database: {type(error).__name__}: {error}") from error

    async def _fetch(self, pool: asyncpg.Pool, statement: str, arguments: tuple[Any, ...]) -> list[asyncpg.Record]:
        connection = await pool.acquire()
        try:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
        except asyncio.CancelledError:
            # Nobody knows what the server does with the statement; and to ask it to stop could take for ever as well.
            connection.terminate()
            raise
        finally:
            await pool.release(connection)
        return rows

    async def close(self) -> None:
        """Gives the connections up; a server that does not say goodbye in time is left without it."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(DEADLINE):
                await pool.close()
        except TRANSIENT:
            pool.terminate()

    async def _opened(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await open_pool(self._url, size=self._size)
            return self._pool
