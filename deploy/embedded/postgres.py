"""PostgreSQL as a child process: own data directory, a free port on loopback, a password of its own."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import signal
import time
from pathlib import Path

from typing_extensions import override

from deploy.embedded.ports import LOOPBACK, free_ports
from deploy.embedded.postgres_binaries import (
    SHARED_HOME,
    find_binaries,
    reachable,
    server_identity,
    shared_binaries,
)
from deploy.embedded.process import Identity, ServerError, ServerProcess
from deploy.embedded.secret import kept_secret, write_private
from deploy.embedded.server import EmbeddedServer

_USER = "app"
_START_SECONDS = 30.0
_ENV = {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
_STILL_LEAVING = ("is another postmaster", "pre-existing shared memory block")
_CARELESS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class EmbeddedPostgres(EmbeddedServer):
    """A private PostgreSQL server.

    `durable=False` is for tests: commits are not flushed. As root the server runs as another account, and its
    cluster lies under /var/lib where that account cannot reach `directory` (whose file `location` says where).
    """

    def __init__(self, directory: Path, *, durable: bool = True, max_connections: int = 100) -> None:
        super().__init__("PostgreSQL", directory)
        self._durable = durable
        self._max_connections = max_connections
        self._port = 0
        self._password = ""

    def url(self, database: str = "postgres") -> str:
        """Address of `database` with user and password (it is a secret)."""
        return f"postgresql://{_USER}:{self._password}@{LOOPBACK}:{self._port}/{database}?sslmode=disable"

    def prepare(self) -> None:
        """Choose port and password, so that `url` is known before the start."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._password = kept_secret(self._directory / "password")
        if not self._port:
            (self._port,) = free_ports(1)

    @override
    async def start(self) -> None:
        """Create the cluster if there is none, then serve."""
        self.prepare()
        identity = server_identity()
        binaries = find_binaries()
        if identity:
            binaries = await asyncio.to_thread(shared_binaries, binaries)
        cluster = self._cluster(identity)
        if not cluster.exists():
            await self._initdb(binaries, cluster, identity)
        await self._serve(binaries, cluster, identity)

    def _cluster(self, identity: Identity | None) -> Path:
        if identity is None or reachable(self._directory.resolve()):
            return self._directory / "cluster"
        # Named after the password too: a directory that was deleted and made anew starts with a new cluster.
        name = hashlib.sha256(f"{self._directory.resolve()}:{self._password}".encode()).hexdigest()[:16]
        SHARED_HOME.mkdir(mode=0o755, exist_ok=True)
        (self._directory / "location").write_text(f"{SHARED_HOME / name}\n")
        return SHARED_HOME / name

    async def _initdb(self, binaries: Path, cluster: Path, identity: Identity | None) -> None:
        unfinished = cluster.with_name(f"{cluster.name}.new")  # a kill in the middle leaves no half cluster
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        password = cluster.with_name(f"{cluster.name}.password")
        write_private(password, self._password)
        if identity:
            os.chown(unfinished, identity.uid, identity.gid)
            os.chown(password, identity.uid, identity.gid)
        words = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]
        words += ["--set=scram_iterations=1"]  # more make guessing slow, and 256 random bits are not guessed
        words += [] if self._durable else ["--no-sync"]
        command: list[str | Path] = [binaries / "initdb", "-D", unfinished, "-U", _USER, f"--pwfile={password}", *words]
        try:
            initdb = await ServerProcess.start(
                "initdb", command, log=self._log, env=_ENV, identity=identity, stop_signal=signal.SIGKILL
            )
            if await initdb.wait() != 0:
                raise ServerError(f"The database cluster could not be created.\n{initdb.last_lines()}")
        finally:
            password.unlink()
        unfinished.rename(cluster)

    async def _serve(self, binaries: Path, cluster: Path, identity: Identity | None) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            self._process = await self._launch(binaries, cluster, identity)
            try:
                await self._process.ready(self._accepts, deadline_seconds=_START_SECONDS)
            except ServerError as error:
                await self.stop()
                # After a kill -9 of our predecessor its postmaster needs a moment to leave the cluster.
                if time.monotonic() > deadline or not any(sign in str(error) for sign in _STILL_LEAVING):
                    raise
                await asyncio.sleep(0.2)
            else:
                return

    async def _launch(self, binaries: Path, cluster: Path, identity: Identity | None) -> ServerProcess:
        self._log.unlink(missing_ok=True)
        settings = [
            f"listen_addresses={LOOPBACK}",
            "unix_socket_directories=",
            "shared_buffers=64MB",
            f"max_connections={self._max_connections}",
            *(() if self._durable else _CARELESS),
        ]
        return await ServerProcess.start(
            self.name,
            [
                binaries / "postgres",
                *("-D", cluster, "-p", str(self._port)),
                *(word for setting in settings for word in ("-c", setting)),
            ],
            log=self._log,
            env=_ENV,
            stop_signal=signal.SIGINT,
            identity=identity,
        )

    async def _accepts(self) -> bool:
        # An open port is not enough: during recovery the server accepts and says "starting up".
        import asyncpg

        try:
            connection = await asyncpg.connect(self.url(), timeout=5)
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True
