"""A pseudo-terminal to run `dh` on, as somebody at a keyboard does."""

from __future__ import annotations

import asyncio
import os
import pty
import sys


async def on_a_terminal(*words: str, **more: str) -> tuple[int, str]:
    """Run `dh` with its three streams on a terminal 160 wide; its exit code, and everything that appeared."""
    ours, theirs = pty.openpty()
    plain = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway.client.cli", *words),
        env={**plain, "COLUMNS": "160", **{name: value for name, value in more.items() if value}},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = await asyncio.to_thread(_read_all, ours)
    return await process.wait(), shown


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
