"""When a secret was used last, written down beside an answer that does not depend on it."""

from __future__ import annotations

import asyncpg
import structlog

from gateway.auth.accounts import LOOKUP_DEADLINE
from gateway.patience import in_time
from messages.database import TRANSIENT

_log = structlog.get_logger()


async def note_use(pool: asyncpg.Pool, update: str, *arguments: str) -> None:
    """Runs the update, unless the database takes no writes for a while: readers go on reading."""
    try:
        await in_time(pool.execute(update, *arguments), LOOKUP_DEADLINE)
    except TRANSIENT as error:
        _log.warning("last_use_not_kept", error=type(error).__name__)
