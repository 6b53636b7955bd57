"""The gateway's composition root: every part made once, every route in one list."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack

import asyncpg
import structlog
import uvloop
from aiohttp import web

from gateway import health, rawstore, source
from gateway.auth import endpoints
from gateway.auth.accounts import Accounts
from gateway.auth.keys import SigningKeys
from gateway.auth.tokens import Tokens
from gateway.edge import access_middleware, deadline_middleware, secure_headers
from gateway.parts import PARTS, Parts
from gateway.problems import problem_middleware
from messages.blobs import Blobs
from messages.database import open_pool, require_schema
from messages.outbox import Relay
from messages.settings import Settings
from messages.transport import open_transport
from messages.transport.port import Transport

IDLE = 15.0
"""Seconds that a connection may stay without a whole request."""
GRACE = 10.0
"""Seconds that running requests get at shutdown."""

POOL = 20
"""Database connections of one process."""

_log = structlog.get_logger()


def create_app(settings: Settings, pool: asyncpg.Pool, blobs: Blobs, transport: Transport) -> web.Application:
    """The application, ready to be served; its signing keys are made when it starts."""
    parts = Parts(
        settings=settings,
        pool=pool,
        blobs=blobs,
        transport=transport,
        accounts=Accounts(pool),
        tokens=Tokens(SigningKeys(pool), issuer=settings.gateway.public_url),
    )
    app = web.Application(
        middlewares=[access_middleware, problem_middleware, deadline_middleware],
        client_max_size=settings.gateway.max_body,
    )
    app[PARTS] = parts
    app.on_response_prepare.append(secure_headers(settings.gateway.public_url))
    app.on_startup.append(_make_keys)
    for module in (health, endpoints, rawstore, source):
        app.add_routes(module.routes(parts))
    return app


async def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT, then lets running requests end.

    Raises PermanentError for a database without the current schema, a member of TRANSIENT where there is none to reach.
    """
    async with AsyncExitStack() as stack:
        pool = await open_pool(settings.database_url, size=POOL)
        stack.push_async_callback(_close, pool)
        await require_schema(pool)
        blobs = await stack.enter_async_context(Blobs(settings.store))
        transport = open_transport(settings)
        stack.push_async_callback(transport.close)
        relay = Relay(settings.database_url, transport)
        await stack.enter_async_context(relay)
        await _serve_until_told(create_app(settings, pool, blobs, transport), settings)


async def _serve_until_told(app: web.Application, settings: Settings) -> None:
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=IDLE, shutdown_timeout=GRACE)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.gateway.host, settings.gateway.port).start()
        _log.info("gateway_serving", url=settings.gateway.public_url)
        await told.wait()
        _log.info("gateway_stopping")
    finally:
        await runner.cleanup()


async def _close(pool: asyncpg.Pool) -> None:
    # A graceful close waits for ever on a connection to a silent server.
    try:
        async with asyncio.timeout(GRACE):
            await pool.close()
    except TimeoutError:
        pool.terminate()


def run(settings: Settings) -> None:
    """Serves on an event loop of uvloop; returns when told to stop."""
    uvloop.run(serve(settings))


async def _make_keys(app: web.Application) -> None:
    await app[PARTS].tokens.prepare()
