"""A ZIP archive made while it is sent: no more of it in memory than the piece on its way."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

PIECE = 1024 * 1024
"""Bytes compressed at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file of the archive: `size` is what `content` yields in all."""

    name: str
    size: int
    content: AsyncIterator[bytes]


class _Outbox:
    """Where zipfile writes: it cannot go back, so sizes and checksums follow each file (APPNOTE 4.3.9)."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        """Keeps a piece until it is taken."""
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """The archive is whole."""

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


async def zipped(entries: AsyncIterator[Entry], moment: datetime) -> AsyncIterator[bytes]:
    """The bytes of an archive with these files, all dated `moment`; compression runs beside the event loop."""
    outbox = _Outbox()
    with zipfile.ZipFile(outbox, "w", zipfile.ZIP_DEFLATED, compresslevel=5) as archive:
        async for entry in entries:
            info = zipfile.ZipInfo(entry.name, date_time=moment.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            info.file_size = entry.size  # decides on ZIP64 before the first byte
            with archive.open(info, "w") as file:
                async for chunk in entry.content:
                    for start in range(0, len(chunk), PIECE):
                        await asyncio.to_thread(file.write, chunk[start : start + PIECE])
                        if piece := outbox.take():
                            yield piece
    yield outbox.take()


async def of_bytes(content: bytes) -> AsyncIterator[bytes]:
    """A small content as a stream."""
    yield content
