"""Whether this process lives, and whether it can do its work."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from aiohttp import web

from gateway.parts import Parts
from gateway.patience import in_time
from messages.database import TRANSIENT
from messages.errors import PermanentError, TransientError

TROUBLE: tuple[type[BaseException], ...] = (TransientError, PermanentError, *TRANSIENT)
DEADLINE = 3.0
"""Seconds for each part to answer."""


class Health:
    """Handlers of `/health/*`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def live(self, _request: web.Request) -> web.Response:
        """200 while the event loop turns."""
        return web.json_response({"status": "live"})

    async def ready(self, _request: web.Request) -> web.Response:
        """200 when database and object store answer, else 503 with what does not."""
        names = ("database", "object store")
        reasons = await asyncio.gather(_trouble(self._database()), _trouble(self._store()))
        wrong = {name: reason for name, reason in zip(names, reasons, strict=True) if reason}
        if wrong:
            return web.json_response(
                {"status": "not ready", "reasons": wrong}, status=503, headers={"Retry-After": "3"}
            )
        return web.json_response({"status": "ready"})

    async def _database(self) -> None:
        # A pool can sit on a server that became a standby, or takes no writes, while `select 1` still passes.
        if await self._parts.pool.fetchval("select current_setting('transaction_read_only')::boolean"):
            raise TransientError("read-only")

    async def _store(self) -> None:
        settings = self._parts.settings.store
        for bucket in (settings.raw_bucket, settings.package_bucket):
            await self._parts.blobs.head(bucket, "health")


async def _trouble(question: Coroutine[Any, Any, None]) -> str | None:
    try:
        await in_time(question, DEADLINE)
    except TROUBLE as error:
        return type(error).__name__
    return None


def routes(parts: Parts) -> list[web.RouteDef]:
    """The routes of the health checks."""
    health = Health(parts)
    return [web.get("/health/live", health.live), web.get("/health/ready", health.ready)]
