"""A door between the gateway and a server behind it, to be shut or blocked by a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

from typing_extensions import override

from deploy.embedded.ports import LOOPBACK, free_ports


class Gate:
    """Forwards connections. `shut`: refuses new ones and cuts the old; `block`: takes all, answers nothing."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or LOOPBACK, parts.port or 0)
        (self._port,) = free_ports(1)
        login, at, _ = parts.netloc.rpartition("@")
        self.url = urlunsplit(parts._replace(netloc=f"{login}{at}{LOOPBACK}:{self._port}"))
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._free = asyncio.Event()
        self._free.set()

    async def open(self) -> None:
        """Lets everything through."""
        self._free.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, LOOPBACK, self._port)

    async def shut(self) -> None:
        """As if the server had died."""
        self._free.set()
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    def block(self) -> None:
        """As if the server hung."""
        self._free.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        await asyncio.gather(self._pass_on(reader, far_writer), self._answer(far_reader, writer, far_writer))
        self._writers -= {writer, far_writer}

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _far: asyncio.StreamWriter
    ) -> None:
        await self._pass_on(reader, writer)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                await self._free.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            writer.transport.abort()
        else:
            writer.close()


class Valve(Gate):
    """A gate that blocks by itself once so many bytes of answers went through, until it is opened."""

    def __init__(self, target: str, most: int) -> None:
        super().__init__(target)
        self._left: int | None = most

    @override
    async def open(self) -> None:
        """Lets everything through from now on; the first time, up to the limit."""
        if self._server is not None:
            self._left = None
        await super().open()

    @override
    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, far: asyncio.StreamWriter
    ) -> None:
        try:
            while data := await reader.read(65_536):
                await self._free.wait()
                writer.write(data)
                await writer.drain()
                if self._left is not None and (left := self._left - len(data)) < 0:
                    self.block()
                elif self._left is not None:
                    self._left = left
        except OSError:
            writer.transport.abort()
        else:
            writer.close()


@asynccontextmanager
async def gate_to(target: str) -> AsyncIterator[Gate]:
    """An open gate to the server at a URL."""
    gate = Gate(target)
    await gate.open()
    yield gate
    await gate.shut()
