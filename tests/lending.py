"""One set of servers for all test processes; the one that hands out tests starts each when it is first asked for."""

from __future__ import annotations

import asyncio
import json
import tempfile
import threading
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from tests import services


class Lender:
    """Answers who asks at `path` for one of `services.VARIABLES` with the values of its variables, from a thread of its
    own; `close` stops whatever was started."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="dh-lend-")
        self.path = Path(self._folder.name) / "socket"
        self._loop = asyncio.new_event_loop()
        self._servers = AsyncExitStack()
        self._started: dict[str, asyncio.Task[Sequence[str]]] = {}
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._listener = asyncio.run_coroutine_threadsafe(
            asyncio.start_unix_server(self._answer, self.path), self._loop
        ).result()

    def close(self) -> None:
        """Stops the servers and the thread."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._folder.cleanup()

    async def _stop(self) -> None:
        self._listener.close()
        await asyncio.gather(*self._started.values(), return_exceptions=True)
        await self._servers.aclose()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name = (await reader.readline()).decode().strip()
        if name not in self._started:
            started = self._servers.enter_async_context(services.started(name))
            self._started[name] = asyncio.create_task(started)
        try:
            answer = {"values": await self._started[name]}
        except Exception as error:  # whoever asks is told, and its test fails with the reason
            answer = {"error": repr(error)}
        writer.write(json.dumps(answer).encode())
        writer.close()
        await writer.wait_closed()
