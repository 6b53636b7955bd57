"""The whole system as its own processes: the same commands and variables that compose.yaml and `dh-server up` use."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import aiohttp
import asyncpg

from deploy.embedded.ports import free_ports
from deploy.embedded.process import dies_with_parent
from gateway.auth.accounts import Accounts
from messages.settings import StoreSettings
from tests.warm import Finished, run_dh

PASSWORD = "correct horse battery staple"
READY_DEADLINE = 90.0


class Process(Protocol):
    """What a stack needs of its processes: as `asyncio.subprocess.Process` has it."""

    @property
    def pid(self) -> int:
        """Its number."""

    @property
    def returncode(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""

    async def wait(self) -> int:
        """Its exit code, once it has ended."""

    def send_signal(self, signal: int) -> None:
        """Signals it."""


@dataclass(slots=True)
class Stack:
    """A gateway and workers on one database, object store and transport. `processes` by role; logs in `directory`."""

    environment: Mapping[str, str]
    url: str
    directory: Path
    processes: dict[str, Process] = field(default_factory=dict)

    async def start(self, role: str, *command: str) -> None:
        """Start `dh-server command...` under the name `role`."""
        self.processes[role] = await self._launch(role, command)

    async def _launch(self, role: str, command: Sequence[str]) -> Process:
        log = (self.directory / f"{role}.log").open("ab")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deploy.server", *command),
            env=dict(self.environment),
            stdout=log,
            stderr=log,
            preexec_fn=dies_with_parent(signal.SIGKILL),  # a test run that is killed leaves nothing
        )
        log.close()
        return process

    async def start_all(self) -> None:
        """Gateway, one process for all stages, one for all writers and rescue; returns when the gateway is ready."""
        await self.start("gateway", "gateway")
        await self.start("stages", "worker", "stages")
        await self.start("writers", "worker", "writers")
        await self.ready()

    async def ready(self) -> None:
        """Return when the gateway says it is ready; fails with its log otherwise."""
        async with asyncio.timeout(READY_DEADLINE), aiohttp.ClientSession() as session:
            while True:
                assert self.processes["gateway"].returncode is None, self.log("gateway")
                try:
                    async with session.get(f"{self.url}/health/ready") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.05)

    async def kill(self, role: str) -> None:
        """SIGKILL: no chance to tidy up."""
        process = self.processes.pop(role)
        process.send_signal(signal.SIGKILL)
        await process.wait()

    async def stop(self) -> None:
        """SIGTERM to all, gateway last; whoever does not leave within its grace is killed."""
        roles = sorted(self.processes, key=lambda role: role == "gateway")
        for role in roles:
            if self.processes[role].returncode is None:
                self.processes[role].send_signal(signal.SIGTERM)
        for role in roles:
            process = self.processes.pop(role)
            try:
                await asyncio.wait_for(process.wait(), 30)
            except TimeoutError:
                process.send_signal(signal.SIGKILL)
                await process.wait()

    async def add_user(self, username: str) -> str:
        """An account with PASSWORD; its id."""
        pool = await asyncpg.create_pool(self.environment["DATABASE_URL"], min_size=1, max_size=1)
        async with pool:
            account = await Accounts(pool).add(username, PASSWORD)
        return account.id

    def log(self, role: str) -> str:
        """What a process has said so far."""
        return (self.directory / f"{role}.log").read_text()

    async def dh(self, *words: str, config: Path, stdin: str | None = None) -> Finished:
        """Run `dh` against this stack's gateway."""
        return await run_dh(words, {**plain_environment(), "DH_CONFIG": str(config), "DH_SERVER": self.url}, stdin)


def plain_environment() -> dict[str, str]:
    """PATH, HOME and locale of this process, and nothing of ours."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "SSL_CERT_FILE") if name in os.environ}


def environment(database_url: str, store: StoreSettings, amqp_url: str | None, directory: Path) -> dict[str, str]:
    """The settings of every process of a stack: see docs/settings.md."""
    port = free_ports(1)[0]
    settings = {
        **plain_environment(),
        "DATABASE_URL": database_url,
        "S3_ENDPOINT_URL": store.endpoint_url,
        "S3_ACCESS_KEY": store.access_key,
        "S3_SECRET_KEY": store.secret_key,
        "S3_RAW_BUCKET": store.raw_bucket,
        "S3_PACKAGE_BUCKET": store.package_bucket,
        "DH_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "DH_PORT": str(port),
        "DH_SPOOL_DIR": str(directory / "spool"),
        "DH_RATE_ADDRESS": "0",  # everybody is 127.0.0.1 here
        "DH_WEBHOOK_NETWORKS": "127.0.0.0/8",  # receivers, too
    }
    return {**settings, "AMQP_URL": amqp_url} if amqp_url else settings


@asynccontextmanager
async def running(
    database_url: str,
    store: StoreSettings,
    amqp_url: str | None,
    directory: Path,
    kind: type[Stack] = Stack,
    /,
    **more: str,
) -> AsyncIterator[Stack]:
    """A started stack (`more` are variables); stopped at the end, whatever happened."""
    variables = {**environment(database_url, store, amqp_url, directory), **more}
    stack = kind(variables, variables["DH_PUBLIC_URL"], directory)
    async with started(stack):
        yield stack


@asynccontextmanager
async def started(stack: Stack) -> AsyncIterator[None]:
    """The stack runs meanwhile."""
    try:
        await stack.start_all()
        yield
    finally:
        await stack.stop()
