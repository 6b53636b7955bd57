"""A signed POST form with a file at its end, streamed from disk.

Object stores want the length beforehand and the file last (Amazon S3, "Browser-based uploads using POST"): everything
after `file` is ignored. So the few bytes around the file are made here and its contents pass through in pieces.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Form:
    """`head` + the file's `size` bytes + `tail`."""

    content_type: str
    head: bytes
    tail: bytes
    location: Path
    size: int

    @property
    def length(self) -> int:
        return len(self.head) + self.size + len(self.tail)

    async def pieces(self, sent: Callable[[int], None]) -> AsyncIterator[bytes]:
        """The form's bytes; `sent` is told how many of the file's are out, each time the connection takes more.

        Never more than `size` of the file, however it grew meanwhile: the announced length would be wrong.
        """
        yield self.head
        left = self.size
        with self.location.open("rb") as file:
            while left and (piece := await asyncio.to_thread(file.read, min(_PIECE, left))):
                yield piece
                left -= len(piece)
                sent(self.size - left)
        if left:
            raise EOFError(f"{self.location} became shorter while it was sent")
        yield self.tail


def make_form(fields: Mapping[str, str], location: Path, size: int) -> Form:
    """The form for one file; `fields` go first, in their order."""
    boundary = f"----dh-{secrets.token_hex(16)}"
    head = "".join(_field(boundary, name, value) for name, value in fields.items())
    # The name says nothing: the key is among the fields, and a name of the publisher's could break the header.
    head += f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n'
    head += f"Content-Type: {fields.get('Content-Type', 'application/octet-stream')}\r\n\r\n"
    tail = f"\r\n--{boundary}--\r\n"
    return Form(f"multipart/form-data; boundary={boundary}", head.encode(), tail.encode(), location, size)


def _field(boundary: str, name: str, value: str) -> str:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
