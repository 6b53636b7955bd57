"""The gateway's composition root: every part made once, every route in one list."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import structlog
from aiohttp import web

from gateway import health, membership, quota, rawparts, rawstore, sharing, source
from gateway.admission import Admission
from gateway.auth import endpoints, tokenrequests
from gateway.auth.accounts import Accounts
from gateway.auth.ci import exchange
from gateway.auth.ci import requests as trustrequests
from gateway.auth.ci.issuers import CiIssuers
from gateway.auth.keys import SigningKeys
from gateway.auth.oidc.identities import Identities
from gateway.auth.oidc.providers import Providers
from gateway.auth.tokens import Tokens
from gateway.caller import rate_middleware
from gateway.edge import access_middleware, deadline_middleware, secure_headers
from gateway.heard import Heard
from gateway.lines import Lines
from gateway.parts import PARTS, Parts
from gateway.problems import Handler, problem_middleware
from gateway.protocol import EdgeRunner, version_middleware
from gateway.rates import Rate, Rates
from gateway.reading import add_reading
from gateway.status import Statuses
from gateway.webhooks import requests as webhookrequests
from messages.blobs import Blobs
from messages.database import TRANSIENT, open_pool, require_schema
from messages.ending import dismiss
from messages.errors import TransientError
from messages.outbox import Relay
from messages.settings import Settings
from messages.transport import open_transport
from messages.transport.backoff import Backoff
from messages.transport.port import Transport

IDLE = 20.0
"""Seconds that a connection may stay without a whole request; more than the 15 after which clients of aiohttp drop one
themselves, so that they do not send into a connection that is just being closed."""
GRACE = 10.0
"""Seconds that running requests get at shutdown."""

MODULES = (
    *(health, endpoints, tokenrequests, trustrequests, exchange, membership),
    *(quota, rawstore, rawparts, sharing, source, webhookrequests),
)
"""Whatever serves programs; the pages come after them (`add_reading`)."""
OUTAGE: tuple[type[BaseException], ...] = (TransientError, *TRANSIENT)
POOL = 20
"""Database connections of one process."""

_log = structlog.get_logger()


def create_app(settings: Settings, pool: asyncpg.Pool, blobs: Blobs, transport: Transport) -> web.Application:
    """The application, ready to be served; its signing keys are made when it starts."""
    heard = Heard()
    accounts = Accounts(pool)
    parts = Parts(
        settings=settings,
        pool=pool,
        blobs=blobs,
        transport=transport,
        accounts=accounts,
        tokens=Tokens(SigningKeys(pool), issuer=settings.gateway.public_url),
        providers=Providers(settings.gateway.providers, settings.gateway.public_url),
        ci=CiIssuers(settings.gateway.ci_issuers, settings.gateway.public_url),
        identities=Identities(pool, accounts),
        admission=Admission(),
        rates=Rates(Rate("address", settings.gateway.address_rate), Rate("account", settings.gateway.account_rate)),
        heard=heard,
        statuses=Statuses(pool, settings.gateway.public_url, heard, Lines(transport)),
    )
    app = web.Application(
        middlewares=[access_middleware, problem_middleware, version_middleware, rate_middleware, deadline_middleware],
        client_max_size=settings.gateway.max_body,
    )
    app[PARTS] = parts
    app.on_response_prepare.append(secure_headers(settings.gateway.public_url))
    app.cleanup_ctx.append(_keep_keys)
    app.cleanup_ctx.append(_follow_providers)
    for module in MODULES:
        app.add_routes(module.routes(parts))
    _refuse_other_methods(app)
    add_reading(app, parts)
    return app


def _refuse_other_methods(app: web.Application) -> None:
    """Addresses that only take POST say so: without this the readers' `/{owner}/{dataset}` would answer their GET."""
    for resource in app.router.resources():
        methods = {route.method for route in resource}
        if "GET" not in methods and isinstance(resource, web.Resource):
            resource.add_route("*", _refusal(methods))


def _refusal(allowed: set[str]) -> Handler:
    async def refuse(request: web.Request) -> web.StreamResponse:
        raise web.HTTPMethodNotAllowed(request.method, allowed)

    return refuse


async def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT, then lets running requests end.

    Raises PermanentError for a database without the current schema, a member of TRANSIENT where there is none to reach.
    """
    async with AsyncExitStack() as stack:
        pool = await open_pool(settings.database_url, size=POOL)
        stack.push_async_callback(close_pool, pool)
        await require_schema(pool)
        blobs = await stack.enter_async_context(Blobs(settings.store))
        transport = open_transport(settings)
        stack.push_async_callback(transport.close)
        relay = asyncio.create_task(_carry(pool, transport))
        stack.push_async_callback(dismiss, relay)
        await _serve_until_told(create_app(settings, pool, blobs, transport), settings, relay)


async def _carry(pool: asyncpg.Pool, transport: Transport) -> None:
    """Makes the topology exist, then carries the outbox: pushes are accepted meanwhile, broker or not."""
    backoff = Backoff()
    while True:
        try:
            await transport.declare()
            break
        except OUTAGE as error:
            _log.warning("transport_unavailable", error=repr(error))
            await backoff.wait()
    await Relay(pool, transport).run()


async def _serve_until_told(app: web.Application, settings: Settings, relay: asyncio.Task[None]) -> None:
    told = asyncio.Event()
    # A relay that ends has met a bug: better to be started anew than to accept what never leaves.
    relay.add_done_callback(lambda _: told.set())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    runner = EdgeRunner(app, access_log=None, keepalive_timeout=IDLE, shutdown_timeout=GRACE)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.gateway.host, settings.gateway.port).start()
        _log.info("gateway_serving", url=settings.gateway.public_url)
        await told.wait()
        _log.info("gateway_stopping")
        if relay.done():
            relay.result()
    finally:
        await runner.cleanup()


async def close_pool(pool: asyncpg.Pool) -> None:
    """Closes the connections, gracefully where the server lets us."""
    # A graceful close waits for ever on a connection to a silent server.
    try:
        async with asyncio.timeout(GRACE):
            await pool.close()
    except TimeoutError:
        pool.terminate()


async def _keep_keys(app: web.Application) -> AsyncIterator[None]:
    await app[PARTS].tokens.prepare()
    following = asyncio.create_task(app[PARTS].tokens.keys.follow())
    yield
    await dismiss(following)


async def _follow_providers(app: web.Application) -> AsyncIterator[None]:
    async with app[PARTS].providers.following(), app[PARTS].ci.following():
        yield
