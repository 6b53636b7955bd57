"""A pseudo-terminal to run `dh` on, as somebody at a keyboard does."""

from __future__ import annotations

import asyncio
import codecs
import os
import pty
import re
from collections.abc import Mapping, Sequence

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


class Screen:
    """The same for a command that waits for somebody: what appears can be read meanwhile."""

    def __init__(self, *words: str, **more: str) -> None:
        self.shown = ""
        self._appeared = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._ours, theirs = pty.openpty()
        plain = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", *_BROWSERS)}
        variables = {**plain, "COLUMNS": "160", **more}
        self._reading = asyncio.create_task(asyncio.to_thread(self._read))
        self._running = asyncio.create_task(asyncio.to_thread(_run_and_close, theirs, words, variables))

    async def until(self, pattern: str) -> re.Match[str]:
        """The first place where this pattern appears."""
        async with asyncio.timeout(60):
            while not (found := re.search(pattern, self.shown)):
                self._appeared.clear()
                await self._appeared.wait()
        return found

    async def code(self) -> int:
        """The exit code, once the command has ended."""
        code = await self._running
        await self._reading
        return code

    def _read(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")()  # a piece may end within a character
        with os.fdopen(self._ours, "rb", buffering=0) as stream:
            while True:
                try:
                    piece = stream.read(65_536)
                except OSError:  # Linux says EIO when the last writer has gone
                    return
                if not piece:
                    return
                self._loop.call_soon_threadsafe(self._add, decoder.decode(piece))

    def _add(self, text: str) -> None:
        self.shown += text
        self._appeared.set()


_BROWSERS = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")


def _run_and_close(terminal: int, words: Sequence[str], variables: Mapping[str, str]) -> int:
    try:
        return warm.run_on((terminal, terminal, terminal), words, variables)
    finally:
        os.close(terminal)
