"""Keeps a server running: one that ends by itself is started again, after a pause that grows."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from deploy.embedded.process import ServerError
from deploy.embedded.server import EmbeddedServer

Say = Callable[[str], None]

_SHORTEST_PAUSE = 0.5
_LONGEST_PAUSE = 15.0
_HEALTHY_SECONDS = 60.0  # a life this long forgives earlier deaths


class Keeper:
    """Watches one started server until `stop`; `say` tells the operator what happened."""

    def __init__(self, server: EmbeddedServer, say: Say) -> None:
        self.name = server.name
        self._server = server
        self._say = say
        self._pause = _SHORTEST_PAUSE
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the server (raises ServerError when it does not) and keep it running from now on."""
        await self._server.start()
        self._watch = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Let the server end, in its own orderly way."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        await self._server.stop()

    async def _keep(self) -> None:
        while True:
            born = time.monotonic()
            code = await self._server.process.wait()
            if time.monotonic() - born > _HEALTHY_SECONDS:
                self._pause = _SHORTEST_PAUSE
            self._say(f"{self.name} ended with {code}, starting it again in {self._pause:g} s")
            await self._revive()

    async def _revive(self) -> None:
        while True:
            await self._server.stop()
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            try:
                await self._server.start()
            except ServerError as error:
                self._say(f"{error}\nTrying again in {self._pause:g} s")
            else:
                return
