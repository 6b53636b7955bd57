"""Answers to what is not HTTP, or too long: as a problem, with every security header, and one log line.

aiohttp answers those before any middleware: as plain text that quotes what it was sent (a token in a header that is too
long), and with a traceback in the log for whoever cares to fill it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import structlog
from aiohttp import web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest
from typing_extensions import override

from gateway.edge import security_headers
from gateway.parts import PARTS
from gateway.problems import Problem

_log = structlog.get_logger()


class EdgeHandler(RequestHandler):
    """One connection. `headers` are on every answer."""

    headers: Mapping[str, str]

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


def _problem(status: int, error: BaseException | None) -> Problem:
    if isinstance(error, LineTooLong):
        return Problem(431, "too-large", "The address or a header is too long.")
    if status < 500:
        return Problem(400, "syntax", "This is not a request of HTTP/1.1.")
    return Problem(500, "internal", "Something went wrong on our side.")


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
