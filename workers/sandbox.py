"""CPU work on publishers' bytes runs in a child process that can be killed and has limits: see `jail` and `forkserver`.

What a child's end means: an answer is the result; a child that ran out of memory or time, or crashed, is `Refused`, a
failure of that one resource; a fork server that died is `TransientError`, and the next call starts another.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process, create_subprocess_exec
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import structlog

from messages.errors import TransientError
from workers.forkserver import ENDED, REQUEST
from workers.jail import LENGTH
from workers.stage import Refused, Report

log = structlog.get_logger()

LONGEST_FRAME = 16 * 1024 * 1024
"""Bytes; larger results go to a file in the working directory."""

DISK_TRANSIENT = ("ENOSPC", "EDQUOT", "EIO", "EMFILE", "ENFILE")


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one child: bytes of address space, bytes of the largest file it may write."""

    memory: int
    file_size: int = 16_000_000_000


class SandboxBug(Exception):
    """The code in the child raised something that nobody foresaw: the error, and its traceback, for our log only."""


class Sandbox:
    """`async with`: runs functions of importable modules in children of one fork server, started by the first call."""

    def __init__(self, limits: Limits, preload: Sequence[str] = ()) -> None:
        self._limits = limits
        self._preload = tuple(preload)
        self._starting = asyncio.Lock()
        self._link: _Link | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._link is not None:
            await self._link.close()

    async def start(self) -> None:
        """Starts the fork server ahead of the first call; it imports in parallel to what the caller does next."""
        await self._linked()

    async def run(
        self,
        function: Callable[..., Any],
        arguments: Mapping[str, Any],
        *,
        workdir: Path,
        deadline: float,
        report: Report | None = None,
    ) -> Any:
        """What `function(progress=..., **arguments)` returned in a child whose current directory is `workdir`.

        Arguments and result are JSON values; `deadline` is in seconds; `report` hears the child's progress. Raises
        Refused, TransientError or SandboxBug. A caller that is cancelled takes the child with it.
        """
        link = await self._linked()
        ours, theirs = socket.socketpair()
        with theirs:
            number, ended = link.fork(theirs)
        request = {
            "call": f"{function.__module__}:{function.__qualname__}",
            "arguments": dict(arguments),
            "workdir": str(workdir),
            "limits": {
                "memory": self._limits.memory,
                "cpu": int(deadline) + 5,
                "file_size": self._limits.file_size,
            },
        }
        try:
            async with asyncio.timeout(deadline):
                answer = await _converse(ours, request, report)
                status = 0 if answer is not None else await asyncio.shield(ended)
        except TimeoutError:
            raise _over("time-limit", f"processing it took longer than {_duration(deadline)}, the limit") from None
        finally:
            ours.close()
            link.kill(number)
            with suppress(TransientError):
                await asyncio.shield(ended)  # only then may the working directory go
        return _result(answer, status, self._limits, deadline)

    async def _linked(self) -> _Link:
        async with self._starting:
            if self._link is None or self._link.broken:
                self._link = await _Link.open(self._preload)
            return self._link


class _Link:
    """The control socket of one fork server, and the jobs whose children have not ended yet."""

    def __init__(self, process: Process, control: socket.socket) -> None:
        self._process = process
        self._control = control
        self._numbers = 0
        self._running: dict[int, asyncio.Future[int]] = {}
        self.broken = False
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, preload: Sequence[str]) -> _Link:
        ours, theirs = socket.socketpair()
        with theirs:
            process = await create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                "workers.forkserver",
                str(theirs.fileno()),
                *preload,
                pass_fds=[theirs.fileno()],
                stdin=DEVNULL,
                stdout=DEVNULL,
                cwd="/",
                env=_environment(),
                start_new_session=True,  # Ctrl-C is for the parent, which lets the children finish
            )
        ours.setblocking(False)
        return cls(process, ours)

    def fork(self, channel: socket.socket) -> tuple[int, asyncio.Future[int]]:
        """Asks for a child that speaks on `channel`; the future is its wait status, or TransientError."""
        self._numbers += 1
        number = self._numbers
        ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        ended.add_done_callback(lambda future: future.cancelled() or future.exception())  # may have no reader
        try:
            socket.send_fds(self._control, [REQUEST.pack(b"F", number)], [channel.fileno()])
        except OSError as error:
            self.broken = True
            raise TransientError("the sandbox's fork server is gone") from error
        self._running[number] = ended
        return number, ended

    def kill(self, number: int) -> None:
        """Kills the job's child if it still runs."""
        if number in self._running:
            with suppress(OSError):
                self._control.send(REQUEST.pack(b"K", number))

    async def close(self) -> None:
        """Ends the fork server and its children."""
        self._reading.cancel()
        self._give_up()
        self._control.close()
        await self._process.wait()

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        pending = b""
        try:
            while received := await loop.sock_recv(self._control, 4096):
                pending += received
                while len(pending) >= ENDED.size:
                    _letter, number, status = ENDED.unpack_from(pending)
                    pending = pending[ENDED.size :]
                    self._running.pop(number).set_result(status)
        except OSError:
            pass
        log.warning("fork_server_gone", running=len(self._running))
        self._give_up()
        self._control.close()
        await self._process.wait()

    def _give_up(self) -> None:
        self.broken = True
        for ended in self._running.values():
            if not ended.done():
                ended.set_exception(TransientError("the sandbox's fork server is gone"))
        self._running.clear()


async def _converse(ours: socket.socket, request: Mapping[str, Any], report: Report | None) -> dict[str, Any] | None:
    """The child's last frame; None where it ended without one."""
    reader, writer = await asyncio.open_connection(sock=ours, limit=LONGEST_FRAME)
    try:
        body = json.dumps(request).encode()
        writer.write(LENGTH.pack(len(body)) + body)
        await writer.drain()
        while True:
            (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
            if length > LONGEST_FRAME:
                return None
            frame: dict[str, Any] = json.loads(await reader.readexactly(length))
            if "progress" not in frame:
                return {name: printable(value) for name, value in frame.items()}
            if report is not None:
                report(*frame["progress"])
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    finally:
        writer.close()


def _result(answer: dict[str, Any] | None, status: int, limits: Limits, deadline: float) -> Any:
    if answer is None:
        raise _ended(status, limits, deadline)
    if "result" in answer:
        return answer["result"]
    if "memory" in answer:
        raise _out_of_memory(limits)
    if answer.get("disk") == "EFBIG":
        raise _over("size-limit", f"what is made of it has more than {limits.file_size:,} bytes, the limit")
    if answer.get("disk") in DISK_TRANSIENT:
        raise TransientError(f"the sandbox's disk answered {answer['disk']}")
    trace = str(answer.get("bug")).rstrip()
    raise SandboxBug(f"{trace.rpartition(chr(10))[2]}\n{trace}")


def _over(rule: str, why: str) -> Refused:
    """The failure of a resource that takes more than one may have; the sentence says the limit."""
    return Refused(rule, f"The file could not be processed: {why}.")


def _out_of_memory(limits: Limits) -> Refused:
    return _over("memory-limit", f"it needs more than {limits.memory / 1e6:,.0f} MB of memory, the limit")


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"


def _ended(status: int, limits: Limits, deadline: float) -> Refused:
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number == signal.SIGXCPU:
        return _over("time-limit", f"it takes more than {_duration(deadline)} of computing time, the limit")
    if number == signal.SIGKILL:
        return _out_of_memory(limits)  # the kernel's OOM killer; a deadline is told apart above
    return _over("crashed", "reading it made our program crash")


def printable(value: Any) -> Any:
    """The JSON value without what PostgreSQL or UTF-8 cannot hold: NUL and lone surrogates become U+FFFD."""
    if isinstance(value, str):
        if value.isascii() and "\0" not in value:
            return value
        return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [printable(item) for item in value]
    if isinstance(value, dict):
        return {printable(key): printable(item) for key, item in value.items()}
    return value


def _environment() -> dict[str, str]:
    """Nothing of ours: no database, no keys. Only where Python finds its modules."""
    return {
        "PATH": os.defpath,
        "PYTHONPATH": str(Path(__file__).parent.parent),
        "PYTHONUTF8": "1",
        "LANG": "C.UTF-8",
    }
