"""What the embedded servers have in common: a directory, a process, a start and a stop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.embedded.process import ServerError, ServerProcess


class EmbeddedServer(ABC):
    """A private server on loopback; `async with` starts and stops it.

    `directory` keeps data and secrets between starts. The first start chooses free ports; a second start of the same
    object uses the same ones, so that clients find a server that was restarted.
    """

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        self._directory = directory
        self._process: ServerProcess | None = None

    @property
    def process(self) -> ServerProcess:
        """The running server. Raises ServerError when it was not started."""
        if self._process is None:
            raise ServerError(f"{self.name} was not started.")
        return self._process

    @abstractmethod
    async def start(self) -> None:
        """Serve, with what the directory holds. Raises ServerError with the server's last words.

        Whoever calls it without `async with` calls `stop` after a failure.
        """

    async def stop(self) -> None:
        """End the server in its own orderly way; nothing happens when it does not run."""
        if self._process is not None:
            await self._process.stop()
            self._process = None

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:  # cancelled in the middle of a start, too: nothing may be left running
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def _log(self) -> Path:
        return self._directory / f"{self.name.lower()}.log"
