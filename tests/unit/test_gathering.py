"""Writes to the broker: what is said in one moment leaves at once, and nothing piles up for a broker that is busy."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from yarl import URL

from messages.transport.rabbitmq.gathering import Gathering

LARGE = 16_000_000
"""Bytes: more than the kernel takes for a socket that nobody reads."""


@dataclass
class Ends:
    """Both ends of a connection; `far` does not read by itself."""

    gathering: Gathering
    writer: asyncio.StreamWriter
    far: socket.socket

    async def read(self, size: int) -> bytes:
        async with asyncio.timeout(20):
            return await asyncio.get_running_loop().sock_recv(self.far, size)

    async def read_all(self) -> int:
        """How many bytes come before the near end is closed."""
        count = 0
        while piece := await self.read(1 << 20):
            count += len(piece)
        return count


@pytest_asyncio.fixture
async def ends() -> AsyncIterator[Ends]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        gathering = Gathering()
        url = URL.build(scheme="amqp", host="127.0.0.1", port=server.getsockname()[1])
        _, writer = await gathering.create(url, ssl_context_provider=None)
        far, _ = server.accept()
    far.setblocking(False)
    with far:
        yield Ends(gathering, writer, far)
        writer.close()


async def test_writes_of_one_turn_leave_together_and_in_order(ends: Ends) -> None:
    ends.writer.write(b"one ")
    ends.writer.write(b"two")
    with pytest.raises(BlockingIOError):
        ends.far.recv(100)

    assert await ends.read(100) == b"one two"


async def test_there_is_room_again_when_the_other_side_has_read(ends: Ends) -> None:
    await ends.gathering.room()
    ends.writer.write(bytes(LARGE))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(ends.gathering.room())
    await asyncio.sleep(0.05)  # what is asserted first could only be true by mistake if this is too short
    assert not waiting.done()

    reading = asyncio.create_task(ends.read_all())
    async with asyncio.timeout(20):
        await waiting
    ends.writer.close()

    assert await reading == LARGE


async def test_what_was_written_before_a_close_arrives(ends: Ends) -> None:
    ends.writer.write(b"goodbye")
    ends.writer.close()

    assert await ends.read_all() == len(b"goodbye")


async def test_drain_sends_without_waiting_for_the_next_turn(ends: Ends) -> None:
    ends.writer.write(b"now")
    draining = ends.writer.drain()
    with pytest.raises(StopIteration):
        draining.send(None)

    assert ends.far.recv(100) == b"now"
