"""RabbitMQ as a private node for tests: nothing of it is shared with a broker that may run on the machine."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

from typing_extensions import override

from deploy.embedded.ports import LOOPBACK, answers, free_ports
from deploy.embedded.process import ServerError, ServerProcess
from deploy.embedded.secret import kept_secret, write_private
from deploy.embedded.server import EmbeddedServer

_START_SECONDS = 180.0
_AMQP_GREETING = b"AMQP\x00\x00\x09\x01"
_SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # unlike the one in /usr/sbin it runs as any account
_CONTROL = Path("/usr/lib/rabbitmq/bin/rabbitmqctl")
_LIBRARY = Path("/usr/lib/rabbitmq/lib")
_USER = "app"
_NO_NAME_SERVER = "-start_epmd false"
"""A program that finds ours gone, because all is being stopped, would start another one that nobody ends."""
_ERLANG_FLAGS = (
    "-kernel inet_dist_use_interface {127,0,0,1} "
    # Spinning takes time from the tests. Without any, each file of a start is two sleeping threads woken: 12 s, not 6.
    "+sbwt very_short +sbwtdcpu none +sbwtdio very_short"
)


class EmbeddedRabbitMQ(EmbeddedServer):
    """A private RabbitMQ node with the management interface; queues and node name are kept between starts."""

    user = _USER

    def __init__(self, directory: Path) -> None:
        super().__init__("RabbitMQ", directory)
        self._name_server: ServerProcess | None = None
        self._port = self._management_port = self._distribution_port = self._epmd_port = 0
        self.password = ""

    def url(self, vhost: str = "/") -> str:
        """AMQP address of `vhost` with user and password (it is a secret)."""
        path = "" if vhost == "/" else vhost
        return f"amqp://{self.user}:{self.password}@{LOOPBACK}:{self._port}/{path}"

    @property
    def management_url(self) -> str:
        """Address of the management interface (user and password are the same)."""
        return f"http://{LOOPBACK}:{self._management_port}"

    def prepare(self) -> None:
        """Choose ports and password and write the configuration: what `start` and `control` need."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.password = kept_secret(self._directory / "password")
        if not self._port:
            self._port, self._management_port, self._distribution_port, self._epmd_port = free_ports(4)
        self._write_configuration()

    @override
    async def start(self) -> None:
        if not installed():
            raise ServerError("RabbitMQ is not installed (Debian: apt-get install rabbitmq-server).")
        self.prepare()
        # Our own epmd in the foreground: the one that Erlang starts by itself outlives the node.
        epmd = ["epmd", "-port", str(self._epmd_port), "-address", LOOPBACK]
        self._name_server = await self._launch("epmd", epmd)
        await self._name_server.ready(lambda: answers(self._epmd_port), deadline_seconds=_START_SECONDS)
        self._process = await self._launch(self.name, [_SERVER])
        await self._process.ready(self._greets, deadline_seconds=_START_SECONDS)

    @override
    async def stop(self) -> None:
        """Kill the node and its name server: confirmed messages survive it, and an orderly stop takes 8 seconds."""
        await super().stop()
        if self._name_server is not None:
            await self._name_server.stop()
            self._name_server = None

    def wipe(self) -> None:
        """Lose the disk of a stopped node: queues, exchanges, users and messages. The next start is as the first."""
        shutil.rmtree(self._directory / "mnesia")

    async def control(self, *words: str) -> None:
        """Run `rabbitmqctl words...`. Raises ServerError with what it says."""
        process = await asyncio.create_subprocess_exec(
            _CONTROL, *words, env=self._environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate()
        if process.returncode:
            raise ServerError(f"rabbitmqctl {' '.join(words)}: {said.decode(errors='replace')}")

    async def _launch(self, name: str, command: Sequence[str | Path]) -> ServerProcess:
        log = self._directory / f"{name.lower()}.log"
        log.unlink(missing_ok=True)
        return await ServerProcess.start(
            name,
            command,
            log=log,
            env=self._environment(),
            cwd=self._directory,
            stop_signal=signal.SIGKILL,
        )

    async def _greets(self) -> bool:
        return await answers(self._port, _AMQP_GREETING, reply=8)

    def _write_configuration(self) -> None:
        configuration = f"""\
listeners.tcp.1 = {LOOPBACK}:{self._port}
default_user = {self.user}
default_pass = {self.password}
management.tcp.ip = {LOOPBACK}
management.tcp.port = {self._management_port}
log.console = true
log.file = false
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 200MB
"""
        write_private(self._directory / "rabbitmq.conf", configuration)
        write_private(self._directory / "enabled_plugins", "[rabbitmq_management].\n")
        write_private(self._directory / "env.conf", "")
        write_private(self._directory / "advanced.config", "[].\n")
        home = self._directory / "home"
        home.mkdir(exist_ok=True, mode=0o700)
        kept_secret(home / ".erlang.cookie")
        (home / ".erlang.cookie").chmod(0o400)

    def _environment(self) -> dict[str, str]:
        home = self._directory
        name = home / "node-name"
        if not name.exists():
            write_private(name, f"dh_{secrets.token_hex(4)}@localhost")
        return {
            "PATH": f"{os.defpath}:/usr/sbin:/sbin",
            "LC_ALL": "C.UTF-8",
            "HOME": str(home / "home"),
            # Makes the start script exec Erlang, so that our child is the broker and not a shell beside it.
            "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_NODENAME": name.read_text(),
            "RABBITMQ_CONF_ENV_FILE": str(home / "env.conf"),
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_MNESIA_DIR": str(home / "mnesia" / "n"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": str(home / "pid"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(home / "generated"),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_MAX_PORTS": "8192",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ERLANG_FLAGS,
            "ERL_FLAGS": _NO_NAME_SERVER,
        }


def installed_version() -> str:
    """The version of the RabbitMQ on this machine, as its folder has it; empty where there is none."""
    folders = sorted(_LIBRARY.glob("rabbitmq_server-*"))
    return folders[-1].name.removeprefix("rabbitmq_server-") if folders else ""


def installed() -> bool:
    """Say whether Debian's RabbitMQ and Erlang's name server are on this machine."""
    return _SERVER.exists() and shutil.which("epmd") is not None
