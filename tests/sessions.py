"""What whoever used a connection of a pool has left in its session: nothing, for the next one gets it as it is
(decision 36).

The setting `jit` is what asyncpg leaves after it has asked the server what a type is, an array of numbers say: a
question that ours are not worth."""

from __future__ import annotations

from contextlib import AsyncExitStack

import asyncpg

_LEFT = """
select 'the lock ' || objid from pg_locks where pid = pg_backend_pid() and locktype = 'advisory'
union all select 'listens to ' || channel from pg_listening_channels() as channel
union all select 'the setting ' || name from pg_settings where source = 'session'
union all select 'the table ' || relname from pg_class where relnamespace = pg_my_temp_schema()
"""


async def left_in_sessions(pool: asyncpg.Pool) -> list[str]:
    """Locks, channels listened to, settings and temporary tables of the connections that nobody uses just now."""
    async with AsyncExitStack() as taken:
        idle = [await taken.enter_async_context(pool.acquire()) for _ in range(pool.get_idle_size())]
        return [row[0] for connection in idle for row in await connection.fetch(_LEFT)]
