"""A file in blocks of whole lines, with bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

BLOCK = 1_048_576


class OverlongLine(Exception):
    """A line is longer than the limit; it starts at byte `offset`."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"overlong line at byte {offset}")
        self.offset = offset


def blocks(file: BinaryIO, longest: int) -> Iterator[bytes]:
    """Blocks of about 1 MB that end with a line's end (the last one may not). Raises OverlongLine."""
    carry = b""
    offset = 0
    while chunk := file.read(BLOCK):
        data = carry + chunk
        # A carriage return at the very end may be half of CRLF: it waits for the next chunk.
        cut = max(data.rfind(b"\n"), data.rfind(b"\r", 0, len(data) - 1)) + 1
        if cut:
            yield data[:cut]
            offset += cut
        carry = data[cut:]
        if len(carry) > longest:
            raise OverlongLine(offset)
    if carry:
        yield carry
