"""A flow's status as server-sent events, until nothing changes any more."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import structlog
from aiohttp import web

from gateway.auth.identity import identify
from gateway.auth.rights import Action
from gateway.edge import set_deadline
from gateway.live import Key, Live
from gateway.parts import Parts
from gateway.problems import not_found, unavailable
from gateway.snapshot import Snapshot

LIVE: web.AppKey[Live] = web.AppKey("live", Live)

_log = structlog.get_logger()

HEARTBEAT = 10.0
"""Seconds of quiet after which a reader is sent a comment, so that proxies keep the connection."""
WRITE_DEADLINE = 20.0
"""Seconds in which a reader has to take a PIECE: whoever takes none is cut off, and may come back."""
PIECE = 66_000
"""Bytes of one write: after so many the library waits for the reader."""
UNSENT = 16_384
"""Bytes that may wait in the kernel for a reader."""
RETRY = 2_000
"""Milliseconds after which a browser whose stream broke comes back, or up to twice as many: not all at once."""
MOST_READERS = 2_000
"""Readers of one process; more are asked to come back (503) and poll meanwhile."""
TICK = 1.0
"""Seconds between two looks whether the reader is still there."""


def follow_while_serving(app: web.Application, parts: Parts) -> None:
    """Adds GET /source/{owner}/{dataset}/{revision}/events, and the listening behind it while the application runs."""
    statuses = parts.statuses

    async def status_of(key: Key) -> dict[str, Any] | None:
        status = await statuses.of_flow(key.flow_id, sees_all=key.sees_all)
        # Whoever followed before it turned private hears no more.
        return None if status and status["findability"] == "private" and not key.is_inside else status

    live = Live(parts.pool, parts.transport, parts.heard, status_of)
    app[LIVE] = live

    async def listening(_app: web.Application) -> AsyncIterator[None]:
        async with live:
            yield

    async def let_go(_app: web.Application) -> None:
        live.release()

    async def events(request: web.Request) -> web.StreamResponse:
        """Server-sent events: the status object, then each change, until the flow has ended and is indexed. Whoever
        names the id of the last event they have (`Last-Event-ID`) is told what has changed since."""
        names = request.match_info
        viewer = await identify(request, query=True)
        found = await statuses.find(names["owner"], names["dataset"], names["revision"], viewer)
        if found is None:
            raise not_found()
        if live.readers >= MOST_READERS:
            raise unavailable("Too many are following right now. Ask for the status instead.")
        seen = request.headers.get("Last-Event-ID")
        now = Snapshot.of(found)
        if now.final and now.id == seen:
            return web.Response(status=204)  # a browser that has heard the end does not come back after this
        ownerid = found["ownerid"]
        is_inside, sees_all = viewer.may(Action.READ, ownerid, found["dataset"]), viewer.may(Action.READ, ownerid)
        return await _Stream(request, seen).run(live, Key(found["id"], is_inside, sees_all))

    app.cleanup_ctx.append(listening)
    app.on_shutdown.append(let_go)
    app.router.add_get("/source/{owner}/{dataset}/{revision}/events", events, allow_head=False)


class _Stream:
    """One reader, who knows the moment with the id `seen`; ends after the final event, or when they are gone.

    Little is ever on its way to them (`UNSENT`): whoever is slow gets the newest when they have taken what was before.
    """

    def __init__(self, request: web.Request, seen: str | None) -> None:
        self._request = request
        self._seen = seen
        self._said: Snapshot | None = None
        self._response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )

    async def run(self, live: Live, key: Key) -> web.StreamResponse:
        set_deadline(self._request, None)
        await self._response.prepare(self._request)
        _keep_short(self._request)
        quiet = 0.0
        try:
            await self._write(f"retry: {random.randrange(RETRY, 2 * RETRY)}\n\n")  # noqa: S311 no secret
            async with aclosing(live.follow(key, TICK)) as snapshots:
                async for snapshot in snapshots:
                    if self._is_gone:
                        return self._response
                    news = self._news(snapshot) if snapshot else ""
                    quiet = 0.0 if news else quiet + TICK
                    if news:
                        await self._write(news)
                    elif quiet >= HEARTBEAT:
                        quiet = 0.0
                        await self._write(": still here\n\n")
        except TimeoutError:
            _log.info("reader_too_slow", flow=key.flow_id)
            if self._request.transport is not None:
                self._request.transport.abort()
            return self._response
        await self._response.write_eof()
        return self._response

    @property
    def _is_gone(self) -> bool:
        return self._request.transport is None or self._request.transport.is_closing()

    def _news(self, snapshot: Snapshot) -> str:
        """What the reader does not know yet."""
        before, self._said = self._said, snapshot
        if before is None and snapshot.id != self._seen:
            news = snapshot.event()
        elif snapshot.final:
            news = snapshot.event() if before is None or before.id != snapshot.id else ""
        else:
            news = snapshot.change(before)
        return news + (snapshot.end() if snapshot.final else "")

    async def _write(self, text: str) -> None:
        """Raises TimeoutError where nothing is taken for too long, however much there is to take."""
        body = text.encode()
        for start in range(0, len(body), PIECE):
            async with asyncio.timeout(WRITE_DEADLINE):
                await self._response.write(body[start : start + PIECE])


def _keep_short(request: web.Request) -> None:
    """Has what was written and not sent yet wait here and not in the kernel, where it cannot be overtaken."""
    if request.transport is None:
        return
    request.transport.set_write_buffer_limits(high=UNSENT)
    connection = request.transport.get_extra_info("socket")
    if connection is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
