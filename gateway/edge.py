"""What surrounds every request: an id, one log line, security headers, a time limit."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import structlog
from aiohttp import web

from gateway.patience import leave

LOOK_LIMIT = 5.0
"""Seconds for the answer to a GET to begin."""
TIME_LIMIT = 20.0
"""Seconds for any other answer to begin, the reading of a body not counted: a push may name a thousand files."""

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'; "
    "img-src 'self' data:"
)

REQUEST_ID = web.RequestKey("request_id", str)
STARTED = web.RequestKey("started", bool)
IDENTIFIED = web.RequestKey("identified", bool)
"""Set where the answer depends on who asks: such an answer is kept by no cache."""
PREVIEWED = web.RequestKey("previewed", bool)
"""Set where a preview link was shown: the answer is kept by nobody, in no index, and its address told to nobody."""
_TIMEOUT = web.RequestKey("timeout", asyncio.Timeout)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = structlog.get_logger()


@web.middleware
async def access_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Gives the request an id and writes one log line: the path without its query, which may hold tokens."""
    request[REQUEST_ID] = secrets.token_hex(8)
    started = time.monotonic()
    status = 500
    with structlog.contextvars.bound_contextvars(request_id=request[REQUEST_ID]):
        try:
            response = await handler(request)
            status = response.status
            return response
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            _log.info(
                "request_served",
                method=request.method[:20],
                path=request.path[:500],
                status=status,
                milliseconds=round((time.monotonic() - started) * 1000, 1),
            )


@web.middleware
async def deadline_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Ends a handler that waits too long for something of ours, with TimeoutError."""
    limit = LOOK_LIMIT if request.method in ("GET", "HEAD") else TIME_LIMIT
    task = asyncio.ensure_future(handler(request))
    try:
        async with asyncio.timeout(limit) as timeout:
            request[_TIMEOUT] = timeout
            return await asyncio.shield(task)
    finally:
        leave(task)


def set_deadline(request: web.Request, seconds: float | None) -> None:
    """Restarts the request's time limit; None lifts it (a stream of events, the reading of a body)."""
    when = None if seconds is None else asyncio.get_running_loop().time() + seconds
    request[_TIMEOUT].reschedule(when)


def security_headers(public_url: str) -> dict[str, str]:
    """The headers that are on every answer."""
    headers = {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Server": "datahub",
    }
    if urlsplit(public_url).scheme == "https":
        headers["Strict-Transport-Security"] = "max-age=63072000"
    return headers


def secure_headers(public_url: str) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """The signal that puts the security headers on every answer; a handler's own header of the same name stays."""
    headers = security_headers(public_url)

    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        request[STARTED] = True
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        response.headers["Server"] = headers["Server"]  # aiohttp has named itself already
        response.headers["X-Request-Id"] = request[REQUEST_ID]
        if request.get(IDENTIFIED):
            response.headers["Cache-Control"] = "no-store"
        if request.get(PREVIEWED):
            response.headers["Referrer-Policy"] = "no-referrer"
            response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"

    return prepare


def allow_any_origin(response: web.StreamResponse) -> None:
    """Lets scripts of other sites read this answer; only for public data, and never with credentials."""
    response.headers["Access-Control-Allow-Origin"] = "*"
