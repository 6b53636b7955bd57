"""A child program with a log file, a readiness deadline and a life that ends with its parent's."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.02
_LOG_LINES = 20

Probe = Callable[[], Awaitable[bool]]


class ServerError(RuntimeError):
    """A server of the embedded stack did not start, or is not there; the message is for the operator."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The system account a child runs as (servers that refuse root need one)."""

    uid: int
    gid: int


class ServerProcess:
    """One running child, in a session of its own: Ctrl-C reaches only the parent, which stops all in order."""

    def __init__(self, name: str, child: asyncio.subprocess.Process, log: Path, stop_signal: signal.Signals) -> None:
        self.name = name
        self._child = child
        self._log = log
        self._stop_signal = stop_signal

    @classmethod
    async def start(
        cls,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str],
        cwd: str | Path = "/",
        stop_signal: signal.Signals = signal.SIGTERM,
        orphan_signal: signal.Signals | None = None,
        identity: Identity | None = None,
        listens: bool = False,
    ) -> ServerProcess:
        """Start `command`, its output appended to `log` (0600); raises ServerError when that is impossible.

        `stop_signal` asks it to end; `orphan_signal` (the same by default) is what the kernel sends it when
        this process dies, even by SIGKILL. `listens` gives the child a standard input for `tell`.
        """
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            child = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE if listens else asyncio.subprocess.DEVNULL,
                stdout=descriptor,
                stderr=asyncio.subprocess.STDOUT,
                cwd=cwd,
                env=dict(env),
                start_new_session=True,
                user=identity.uid if identity else None,
                group=identity.gid if identity else None,
                extra_groups=[] if identity else None,
                preexec_fn=dies_with_parent(orphan_signal or stop_signal),
            )
        except OSError as error:
            raise ServerError(f"{name} cannot be started: {error}") from error
        finally:
            os.close(descriptor)
        return cls(name, child, log, stop_signal)

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """What the child ended with (negative: the signal), None while it runs."""
        return self._child.returncode

    async def ready(self, probe: Probe, *, deadline_seconds: float) -> None:
        """Wait until `probe` says yes.

        Raises ServerError with the last log lines when the child ends before that, or time runs out.
        """
        deadline = time.monotonic() + deadline_seconds
        while not await probe():
            if self.exit_code is not None:
                raise ServerError(f"{self.name} ended with {self.exit_code} while starting.\n{self.last_lines()}")
            if time.monotonic() > deadline:
                raise ServerError(f"{self.name} was not ready after {deadline_seconds:g} s.\n{self.last_lines()}")
            await asyncio.sleep(_POLL_SECONDS)

    def tell(self) -> None:
        """Send a line to a child that was started with `listens`; one that is gone does not hear it."""
        assert self._child.stdin is not None
        self._child.stdin.write(b"\n")

    async def wait(self) -> int:
        """Wait for the child to end and return its exit code."""
        return await self._child.wait()

    async def stop(self, *, grace_seconds: float = 10) -> None:
        """Ask the child to end; after the grace, kill it and whatever it left in its session."""
        with contextlib.suppress(ProcessLookupError):
            self._child.send_signal(self._stop_signal)
        try:
            async with asyncio.timeout(grace_seconds):
                await self._child.wait()
        except TimeoutError:
            self._kill_group()
            await self._child.wait()
        self._kill_group()

    def last_lines(self) -> str:
        """The last lines of the child's log, indented for a message."""
        lines = self._log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        return "\n".join([f"Its last words ({self._log}):", *(f"  {line}" for line in lines)])

    def _kill_group(self) -> None:
        # The child leads its session, so the group outlives it only by processes it forgot to end.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)


def dies_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """A `preexec_fn`: the kernel sends the child `death_signal` when this process is gone, however it went."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def ask_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, int(death_signal))
        # The parent may have died between fork and prctl: then no signal would ever come.
        if os.getppid() != parent:
            os._exit(1)

    return ask_kernel
