"""The directory in which `dh-server up` keeps everything: data, logs, secrets, the lock and the endpoints."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.embedded.process import ServerError
from deploy.embedded.secret import write_private


class State:
    """`DH_STATE`, or `.state` where the command is run. Only its owner reads what is secret in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> State:
        """The state directory that the environment names."""
        return cls(Path(environ.get("DH_STATE", ".state")))

    @property
    def logs(self) -> Path:
        """Directory of the logs of gateway and workers."""
        return self.directory / "logs"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory for this process; raises ServerError while another one holds it.

        The kernel frees the lock when the process ends, however it ends.
        """
        # Root's PostgreSQL runs as another account, which has to pass through.
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
        self.logs.mkdir(exist_ok=True, mode=0o700)
        descriptor = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ServerError(
                    f"Another `dh-server up` (process {lock.read()}) uses {self.directory}: stop it,"
                    " or give this one a directory of its own with DH_STATE."
                ) from None
            lock.truncate()
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    @contextmanager
    def announced(self, environment: Mapping[str, str]) -> Iterator[None]:
        """Let operator commands find the running stack: its settings in `endpoints.json` (0600) for the while."""
        write_private(self._endpoints, json.dumps(dict(environment), indent=2))
        try:
            yield
        finally:
            self._endpoints.unlink()

    def environment(self, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
        """The settings of the running stack, if one runs, overridden by those of `environ`."""
        running = json.loads(self._endpoints.read_text()) if self._endpoints.exists() else {}
        return {**running, **environ}

    @property
    def _endpoints(self) -> Path:
        return self.directory / "endpoints.json"
