"""Free TCP ports of the loopback interface."""

from __future__ import annotations

import asyncio
import contextlib
import socket

LOOPBACK = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """Return `count` different ports that nothing listens on now (all are held until the last is chosen)."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]


async def answers(port: int, greeting: bytes = b"", reply: int = 0) -> bool:
    """Say whether a server accepts on `port` and, after `greeting`, sends up to `reply` bytes within 1 s."""
    try:
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                writer.write(greeting)
                return len(await reader.read(reply)) > 0 if reply else True
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
