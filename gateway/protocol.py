"""Connections: answers to what is not HTTP, and deadlines for whoever sends or reads slowly.

aiohttp answers what it cannot read before any middleware: as plain text that quotes what it was sent (a token in a
header that is too long), and with a traceback in the log for whoever cares to fill it. And it waits for ever for a
reader who does not read: two hundred of them would hold two hundred answers in memory.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Mapping

import structlog
from aiohttp import HttpVersion10, web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest
from typing_extensions import override

from gateway.edge import security_headers
from gateway.parts import PARTS
from gateway.problems import Handler, Problem

HEADER_LIMIT = 15.0
"""Seconds for a request's first line and headers: from the connection's start, or from its own first byte."""
STALLED = 30.0
"""Seconds for a reader to take the 48 kB that make room for more; also for what is left when an answer has ended."""

_log = structlog.get_logger()


class EdgeHandler(RequestHandler):
    """One connection. `headers` are on every answer."""

    headers: Mapping[str, str]
    _slow_sender: asyncio.TimerHandle | None = None
    _slow_reader: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Starts the time for the first request."""
        super().connection_made(transport)
        connected = transport.get_extra_info("socket")
        if connected is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(STALLED * 1000))
        self._slow_sender = self._loop.call_later(HEADER_LIMIT, self._give_up)

    @override
    def data_received(self, data: bytes) -> None:
        """Ends the time of a request that is whole, or starts that of one that has begun."""
        before = self._request_count
        super().data_received(data)
        if self._request_count > before:
            _cancel(self._slow_sender)
            self._slow_sender = None
        elif self._slow_sender is None and self._waiter is not None:
            self._slow_sender = self._loop.call_later(HEADER_LIMIT, self._give_up)

    @override
    def pause_writing(self) -> None:
        """Starts the time of a reader who is behind."""
        super().pause_writing()
        self._slow_reader = self._loop.call_later(STALLED, self._give_up)

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        _cancel(self._slow_reader)
        self._slow_reader = None

    @override
    def connection_lost(self, exc: BaseException | None) -> None:
        _cancel(self._slow_sender)
        _cancel(self._slow_reader)
        super().connection_lost(exc)

    def _give_up(self) -> None:
        if self.transport is not None:
            _log.info("connection_given_up", reading=self._slow_reader is None)
            self.transport.abort()

    @override
    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to a request that could not be read, or that a handler failed to end."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer had begun")
        request_id = secrets.token_hex(8)
        _log.info("request_unreadable", status=status, error=type(exc).__name__, request_id=request_id)
        response = _problem(status, exc).response(request_id)
        response.headers.update(self.headers)
        response.force_close()
        return response


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()


def _problem(status: int, error: BaseException | None) -> Problem:
    if isinstance(error, LineTooLong):
        return Problem(431, "too-large", "The address or a header is too long.")
    if status < 500:
        return Problem(400, "syntax", "This is not a request of HTTP/1.1.")
    return Problem(500, "internal", "Something went wrong on our side.")


@web.middleware
async def version_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses HTTP/0.9, which has no headers: neither ours nor those that say where a request ends."""
    if request.version < HttpVersion10:
        raise Problem(400, "syntax", "This is not a request of HTTP/1.1.")
    return await handler(request)


class EdgeServer(web.Server):
    """Makes the handlers of connections."""

    headers: Mapping[str, str]

    @override
    def __call__(self) -> RequestHandler:
        handler = EdgeHandler(self, loop=self._loop, **self._kwargs)
        handler.headers = self.headers
        return handler


class EdgeRunner(web.AppRunner):
    """Runs an application behind an EdgeServer."""

    @override
    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        # aiohttp has no public way to choose the class of connections.
        server = EdgeServer(made.request_handler, request_factory=made.request_factory, **made._kwargs)
        server.headers = security_headers(self.app[PARTS].settings.gateway.public_url)
        return server
