"""A bad line to a server: it cuts, stalls, slows and garbles what goes there, at points that a seed decides."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PIECE = 64 * 1024
SLOW = 400_000
"""Bytes a second of a connection that was slowed."""
SLOW_FOR = 400_000
"""Bytes after which it is as before."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to the connection that carries the byte with number `at` of all that go to the server."""

    at: int
    kind: str


@dataclass(slots=True)
class BadLink:
    """`carried`: bytes that went to the server so far; `met`: the faults that did happen; `url`: this end.

    `freed` is set while the line may carry anything at all.
    """

    target: str
    faults: list[Fault]
    url: str = ""
    carried: int = 0
    met: list[Fault] = field(default_factory=list)
    freed: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Condition = field(default_factory=asyncio.Condition)
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        where = urlsplit(self.target)
        try:
            far_reader, far_writer = await asyncio.open_connection(where.hostname, where.port)
        except OSError:
            writer.transport.abort()
            return
        self.writers |= {writer, far_writer}
        try:
            await asyncio.gather(self._there(reader, far_writer, writer), self._back(far_reader, writer))
        finally:
            self.writers -= {writer, far_writer}

    async def wait_for(self, carried: int) -> None:
        """Returns when so many bytes went to the server."""
        async with self.reached:
            await self.reached.wait_for(lambda: self.carried >= carried)

    def cut_all(self) -> None:
        """Cuts every connection there is."""
        for writer in self.writers:
            writer.transport.abort()

    async def _there(self, reader: asyncio.StreamReader, far: asyncio.StreamWriter, near: asyncio.StreamWriter) -> None:
        slow = 0
        try:
            while data := await reader.read(PIECE):
                self.carried += len(data)
                async with self.reached:
                    self.reached.notify_all()
                await self.freed.wait()
                for fault in self._due():
                    if fault.kind == "cut":
                        raise ConnectionAbortedError
                    if fault.kind == "stall":
                        await _ended(near)
                        raise ConnectionAbortedError
                    if fault.kind == "garble":
                        data = data[:-1] + bytes([data[-1] ^ 1])
                    if fault.kind == "slow":
                        slow = SLOW_FOR
                if slow > 0:
                    slow -= len(data)
                    await asyncio.sleep(len(data) / SLOW)
                far.write(data)
                await far.drain()
            far.close()
        except OSError:
            for writer in (far, near):
                writer.transport.abort()

    async def _back(self, far_reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        try:
            while data := await far_reader.read(PIECE):
                await self.freed.wait()
                near.write(data)
                await near.drain()
            near.close()
        except OSError:
            near.transport.abort()

    def _due(self) -> list[Fault]:
        due = [fault for fault in self.faults if fault.at < self.carried]
        self.faults = self.faults[len(due) :]
        self.met += due
        return due


async def _ended(near: asyncio.StreamWriter) -> None:
    """Nothing moves until the other end has had enough of it."""
    while not near.transport.is_closing():
        await asyncio.sleep(0.05)


def faults(seed: int, kinds: Sequence[str], total: int) -> list[Fault]:
    """One of each kind, anywhere in so many bytes."""
    chance = random.Random(seed)
    points = sorted(chance.randrange(total) for _ in kinds)
    return [Fault(at, kind) for at, kind in zip(points, chance.sample(kinds, len(kinds)), strict=True)]


@asynccontextmanager
async def bad_link(target: str, faults: Sequence[Fault] = ()) -> AsyncIterator[BadLink]:
    """A line to the server at an address, open until the end of the block."""
    link = BadLink(target, list(faults))
    link.freed.set()
    server = await asyncio.start_server(link.carry, "127.0.0.1", 0)
    link.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield link
    finally:
        server.close()
        link.freed.set()
        link.cut_all()
