"""Gateway and workers as children of the supervisor: the very commands that an operator runs by hand."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from typing_extensions import override

from deploy.embedded.process import Probe, ServerProcess
from deploy.embedded.server import EmbeddedServer

_READY_SECONDS = 60.0


class Program(EmbeddedServer):
    """One `dh-server` command as a process, with its log at `log`; `probe` tells when it is ready (at once if None)."""

    def __init__(
        self, words: Sequence[str], log: Path, environment: Mapping[str, str], probe: Probe | None = None
    ) -> None:
        super().__init__(log.stem, log.parent)
        self._words = words
        self._environment = environment
        self._probe = probe

    @override
    async def start(self) -> None:
        self._process = await ServerProcess.start(
            self.name,
            [sys.executable, "-m", "deploy.server", *self._words],
            log=self._log,
            env=self._environment,
        )
        if self._probe:
            await self._process.ready(self._probe, deadline_seconds=_READY_SECONDS)
