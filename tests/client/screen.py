"""A pseudo-terminal to run `dh` on, as somebody at a keyboard does."""

from __future__ import annotations

import asyncio
import os
import pty

from tests import warm


async def on_a_terminal(*words: str, **more: str) -> tuple[int, str]:
    """Run `dh` with its three streams on a terminal 160 wide; its exit code, and everything that appeared."""
    ours, theirs = pty.openpty()
    plain = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    variables = {**plain, "COLUMNS": "160", **{name: value for name, value in more.items() if value}}
    shown = asyncio.create_task(asyncio.to_thread(_read_all, ours))
    try:
        code = await asyncio.to_thread(warm.run_on, (theirs, theirs, theirs), words, variables)
    finally:
        os.close(theirs)
    return code, await shown


def _read_all(terminal: int) -> str:
    pieces: list[bytes] = []
    with open(terminal, "rb", buffering=0) as stream:
        while True:
            try:
                piece = stream.read(65_536)
            except OSError:  # Linux says EIO when the last writer has gone
                break
            if not piece:
                break
            pieces.append(piece)
    return b"".join(pieces).decode()
