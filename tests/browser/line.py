"""The line between a browser and its servers: a proxy that cuts the requests that a test chooses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

PIECE = 64 * 1024
HOP = (b"connection:", b"proxy-connection:")
"""Headers of a connection, not of what is sent: RFC 9110, section 7.6.1."""


@dataclass(slots=True)
class Line:
    """Asks `is_cut` for every part that is sent, in their order; of one that is, some bytes arrive here and none there.

    `parts`: the addresses of all parts so far; `url`: this end.
    """

    is_cut: Callable[[str], bool] = lambda _: False
    parts: list[str] = field(default_factory=list)
    url: str = ""

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request with its answer; the next one comes on a connection of its own."""
        try:
            request, _, headers = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")
            method, address, version = request.decode().split(" ")
            if method == "PUT" and "partNumber=" in address:
                self.parts.append(address)
                if self.is_cut(address):
                    await reader.read(PIECE)
                    return
            where = urlsplit(address)
            far_reader, far_writer = await asyncio.open_connection(where.hostname, where.port)
            lines = [each for each in headers.split(b"\r\n") if not each.lower().startswith(HOP)]
            path = urlunsplit(where._replace(scheme="", netloc=""))
            far_writer.write(f"{method} {path} {version}\r\nConnection: close\r\n".encode() + b"\r\n".join(lines))
            await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))
        except (OSError, asyncio.IncompleteReadError):  # the browser needs it no more
            return
        finally:
            writer.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(PIECE):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


@asynccontextmanager
async def line() -> AsyncIterator[Line]:
    """A line that cuts nothing yet."""
    made = Line()
    server = await asyncio.start_server(made.carry, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    server.close()
