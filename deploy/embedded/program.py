"""Gateway and workers as children of the supervisor: the very commands that an operator runs by hand."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from typing_extensions import override

from deploy.embedded.process import Probe, ServerProcess
from deploy.embedded.server import EmbeddedServer

_READY_SECONDS = 60.0


class Program(EmbeddedServer):
    """One `dh-server` command as a process with its log at `log`.

    `probe` tells when it is ready (at once if None). `warm` starts the process early: it imports what it needs, which
    takes a second, and then waits for `begin` or `start`.
    """

    def __init__(
        self, words: Sequence[str], log: Path, environment: Mapping[str, str], probe: Probe | None = None
    ) -> None:
        super().__init__(log.stem, log.parent)
        self._words = words
        self._environment = environment
        self._probe = probe

    async def warm(self) -> None:
        """Start the process, but let it wait."""
        command = [sys.executable, "-m", "deploy.server", *self._words, "--wait"]
        self._process = await ServerProcess.start(
            self.name,
            command,
            log=self._log,
            env=self._environment,
            orphan_signal=signal.SIGKILL,  # no server is left that an orderly end could talk to
            listens=True,
        )

    def begin(self) -> None:
        """Let a warm process connect; `start` waits until it is ready."""
        self.process.tell()

    @override
    async def start(self) -> None:
        if self._process is None:
            await self.warm()
        self.begin()
        if self._probe:
            await self.process.ready(self._probe, deadline_seconds=_READY_SECONDS)
