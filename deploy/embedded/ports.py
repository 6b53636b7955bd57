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


def is_free(port: int) -> bool:
    """Say whether a server could listen on `port` now."""
    with socket.socket() as probe:
        # As servers do: connections of a predecessor that still wind down are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


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
