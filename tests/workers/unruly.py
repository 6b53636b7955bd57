"""A door to the object store behind which one answer in five goes wrong, each in a way of its own."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import suppress

from typing_extensions import override

from tests.gateway.gate import Gate

REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
MISHAPS = {"error": 0.05, "reset": 0.05, "cut": 0.05, "hang": 0.03, "drip": 0.02}
"""The share of the answers that each happens to."""


class UnrulyGate(Gate):
    """Hurts answers by chance, the same for the same seed and order; `happened` counts them."""

    def __init__(self, target: str, seed: int) -> None:
        super().__init__(target)
        self.happened: Counter[str] = Counter()
        self._random = random.Random(seed)

    @override
    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, far: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):  # either side may hang up
            while data := await reader.read(65_536):
                mishap = self._draw() if data.startswith(b"HTTP/1.1 2") else None
                if mishap is not None:
                    await self._hurt(mishap, data, writer)
                    break
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
        far.transport.abort()

    def _draw(self) -> str | None:
        drawn = self._random.random()
        for name, share in MISHAPS.items():
            drawn -= share
            if drawn < 0:
                self.happened[name] += 1
                return name
        return None

    async def _hurt(self, mishap: str, data: bytes, writer: asyncio.StreamWriter) -> None:
        if mishap == "error":
            writer.write(REFUSAL)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        elif mishap == "cut":
            writer.write(data[: len(data) // 2])
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        elif mishap == "hang":
            await self._until_given_up(writer)
        elif mishap == "drip":
            for byte in data:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(1)

    async def _until_given_up(self, writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            await asyncio.sleep(0.1)
