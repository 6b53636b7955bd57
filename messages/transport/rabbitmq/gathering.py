"""A socket whose writes of one turn of the event loop leave together.

The library writes every frame by itself, and uvloop sends every write at once: a system call and a packet for each
publish and each acknowledgement, a fifth of a busy worker's time, and as many packets for the broker to read.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiormq import TransportFactory
from aiormq.exceptions import AMQPConnectionError
from typing_extensions import override

if TYPE_CHECKING:
    from yarl import URL


class GatheringWriter(asyncio.StreamWriter):
    """A stream's writer; what is written before the loop's next turn is one write of the socket."""

    def __init__(
        self,
        transport: asyncio.WriteTransport,
        protocol: asyncio.StreamReaderProtocol,
        reader: asyncio.StreamReader,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(transport, protocol, reader, loop)
        self._turns = loop
        self._gathered: list[Any] = []

    @override
    def write(self, data: Any) -> None:
        """Takes note of `data`; errors show at the next `drain`, as with any stream."""
        if not self._gathered:
            self._turns.call_soon(self._send)
        self._gathered.append(data)

    def _send(self) -> None:
        gathered, self._gathered = self._gathered, []
        if gathered:
            self.writelines(gathered)

    async def room(self) -> None:
        """Returns at once while the other side keeps up, else when it has read enough."""
        await super().drain()

    @override
    async def drain(self) -> None:
        """The same, after all that was written."""
        self._send()
        await super().drain()

    @override
    def write_eof(self) -> None:
        """Says that nothing more will come, after all that was written."""
        self._send()
        super().write_eof()

    @override
    def close(self) -> None:
        """Closes the socket after all that was written."""
        self._send()
        super().close()


class Gathering(TransportFactory):
    """Opens such sockets, with or without TLS; `room` is that of the last one."""

    def __init__(self) -> None:
        self._writer: GatheringWriter | None = None

    @override
    async def create(self, url: URL, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """See the library. Raises AMQPConnectionError where nobody answers."""
        loop, provider = asyncio.get_running_loop(), options.pop("ssl_context_provider")
        context = await provider.get_context() if url.scheme == "amqps" else None
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            transport, _ = await loop.create_connection(
                lambda: protocol, str(url.host), int(url.port or 0), ssl=context, **options
            )
        except OSError as error:
            raise AMQPConnectionError(*error.args) from error
        self._writer = GatheringWriter(transport, protocol, reader, loop)
        return reader, self._writer

    async def room(self) -> None:
        """Waits while the broker does not read what it was sent (a blocked or a hung one)."""
        if self._writer is not None:
            await self._writer.room()
