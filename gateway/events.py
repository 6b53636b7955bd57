"""A flow's status as server-sent events, until nothing changes any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

from aiohttp import web

from gateway.auth.identity import identify
from gateway.edge import set_deadline
from gateway.live import Live
from gateway.parts import Parts
from gateway.problems import not_found, unavailable
from gateway.status import Statuses

LIVE: web.AppKey[Live] = web.AppKey("live", Live)

HEARTBEAT = 10.0
"""Seconds of quiet after which a reader is sent a comment, so that proxies keep the connection."""
WRITE_DEADLINE = 20.0
"""Seconds a reader may take to accept an event."""
MOST_READERS = 2_000
"""Readers of one process; more are asked to come back (503) and poll meanwhile."""
TICK = 1.0
"""Seconds between two looks whether the reader is still there."""


def follow_while_serving(app: web.Application, parts: Parts) -> None:
    """Adds GET /source/{owner}/{dataset}/{revision}/events, and the listening behind it while the application runs."""
    statuses = Statuses(parts.pool, parts.settings.gateway.public_url)
    live = Live(parts.pool, parts.transport, statuses.of_flow)
    app[LIVE] = live

    async def listening(_app: web.Application) -> AsyncIterator[None]:
        async with live:
            yield

    async def let_go(_app: web.Application) -> None:
        live.release()

    async def events(request: web.Request) -> web.StreamResponse:
        """Server-sent events: the status object now and at each change, until the flow has ended and is indexed."""
        names = request.match_info
        viewer = await identify(request, query=True)
        found = await statuses.find(names["owner"], names["dataset"], names["revision"], viewer)
        if found is None:
            raise not_found()
        if live.readers >= MOST_READERS:
            raise unavailable("Too many are following right now. Ask for the status instead.")
        return await _stream(request, live, found["id"])

    app.cleanup_ctx.append(listening)
    app.on_shutdown.append(let_go)
    app.router.add_get("/source/{owner}/{dataset}/{revision}/events", events, allow_head=False)


async def _stream(request: web.Request, live: Live, flow_id: str) -> web.StreamResponse:
    """Server-sent events (WHATWG HTML 9.2): `data` is the status; the stream ends after the final one."""
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    set_deadline(request, None)
    await response.prepare(request)
    quiet = 0.0
    async with aclosing(live.follow(flow_id, TICK)) as snapshots:
        async for snapshot in snapshots:
            if request.transport is None or request.transport.is_closing():
                return response
            quiet = 0.0 if snapshot else quiet + TICK
            if snapshot:
                await _write(response, f"id: {snapshot.number}\ndata: {snapshot.body}\n\n")
            elif quiet >= HEARTBEAT:
                quiet = 0.0
                await _write(response, ": still here\n\n")
    await response.write_eof()
    return response


async def _write(response: web.StreamResponse, text: str) -> None:
    async with asyncio.timeout(WRITE_DEADLINE):
        await response.write(text.encode())
