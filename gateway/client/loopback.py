"""The listener that the browser brings the code to (RFC 8252, 7.3): this machine only, one answer, not for ever."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from gateway.client.failures import RequestFailure

PATIENCE = 300.0  # seconds in which somebody logs in, or the listener closes
PATH = "/logged-in"
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<h1>{title}</h1><p>You may close this window and go back to the terminal.</p></html>"""
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


class Loopback:
    """Waits for one request that knows the `state` of this log-in; `address` is what the browser is sent to."""

    def __init__(self) -> None:
        self.state = secrets.token_urlsafe(24)
        self._code: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.host = ""

    @property
    def address(self) -> str:
        return f"http://{self.host}{PATH}"

    async def code(self, patience: float = PATIENCE) -> str:
        """The code that the browser brought; raises RequestFailure when nobody logged in within `patience` seconds, or
        somebody refused."""
        try:
            code = await asyncio.wait_for(self._code, patience)
        except TimeoutError:
            raise RequestFailure(f"nobody logged in within {patience:.0f} s: run `dh login` again") from None
        if not code:
            raise RequestFailure("the log-in was refused in the browser")
        return code

    async def answer(self, request: web.Request) -> web.Response:
        """404 for everything but the first right request.

        A wrong Host is a page of another site that rebinds its name to this address.
        """
        state = request.query.get("state", "")
        right = request.headers.get("Host") == self.host and hmac.compare_digest(state.encode(), self.state.encode())
        if not right or self._code.done():
            return web.Response(status=404, text="not found", headers=_HEADERS)
        code = request.query.get("code", "")
        if not code and "error" not in request.query:
            return web.Response(status=400, text="the log-in brought no code", headers=_HEADERS)
        self._code.set_result(code)
        page = _PAGE.format(title="You are logged in" if code else "You are not logged in")
        return web.Response(text=page, content_type="text/html", headers=_HEADERS)


@asynccontextmanager
async def listening() -> AsyncIterator[Loopback]:
    """A listener on a free port of 127.0.0.1, closed at the end (after the answer went out)."""
    loopback = Loopback()
    app = web.Application()
    app.router.add_get(PATH, loopback.answer)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        loopback.host = f"127.0.0.1:{runner.addresses[0][1]}"
        yield loopback
    finally:
        await runner.cleanup()
