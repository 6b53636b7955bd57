"""A server that counts who falls for an address in what was sent to the gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from deploy.embedded.ports import LOOPBACK, free_ports


@dataclass(slots=True)
class Canary:
    """`hits`: the paths that somebody asked for; it stays empty."""

    url: str
    hits: list[str] = field(default_factory=list)


@asynccontextmanager
async def watching() -> AsyncIterator[Canary]:
    """A canary that listens."""
    (port,) = free_ports(1)
    counted = Canary(f"http://{LOOPBACK}:{port}")

    async def hit(request: web.BaseRequest) -> web.Response:
        counted.hits.append(request.path)
        return web.json_response({})

    runner = web.ServerRunner(web.Server(hit))
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, port).start()
    yield counted
    await runner.cleanup()
