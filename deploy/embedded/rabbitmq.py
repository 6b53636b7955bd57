"""RabbitMQ as a private node for tests: nothing of it is shared with a broker that may run on the machine."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.embedded.ports import LOOPBACK, answers, free_ports
from deploy.embedded.process import ServerError, ServerProcess
from deploy.embedded.secret import kept_secret, write_private

_START_SECONDS = 90.0
_AMQP_GREETING = b"AMQP\x00\x00\x09\x01"
_SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # unlike the one in /usr/sbin it runs as any account
_USER = "app"
_ERLANG_FLAGS = (
    "-kernel inet_dist_use_interface {127,0,0,1} "
    "+sbwt none +sbwtdcpu none +sbwtdio none"  # idle schedulers would spin for work and take it from the tests
)


class EmbeddedRabbitMQ:
    """A private RabbitMQ node; `async with` starts and stops it.

    `directory` keeps queues and node name between starts; ports are new at each start. The node is killed on stop:
    confirmed messages survive that, and an orderly stop takes 8 seconds.
    """

    user = _USER

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._processes: list[ServerProcess] = []
        self._port = self._management_port = 0
        self.password = ""

    def url(self, vhost: str = "/") -> str:
        """AMQP address of `vhost` with user and password (it is a secret)."""
        path = "" if vhost == "/" else vhost
        return f"amqp://{self.user}:{self.password}@{LOOPBACK}:{self._port}/{path}"

    @property
    def management_url(self) -> str:
        """Address of the management interface (user and password are the same)."""
        return f"http://{LOOPBACK}:{self._management_port}"

    @property
    def process(self) -> ServerProcess:
        """The broker's process. Raises ServerError when it was not started."""
        if not self._processes:
            raise ServerError("RabbitMQ was not started.")
        return self._processes[-1]

    async def start(self) -> None:
        """Serve the queues in the directory. Raises ServerError with the broker's last words."""
        if not installed():
            raise ServerError("RabbitMQ is not installed (Debian: apt-get install rabbitmq-server).")
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.password = kept_secret(self._directory / "password")
        self._port, self._management_port, distribution, epmd = free_ports(4)
        self._write_configuration()
        environment = self._environment(distribution, epmd)
        try:
            # Our own epmd in the foreground: the one that Erlang starts by itself outlives the node.
            await self._launch("epmd", ["epmd", "-port", str(epmd), "-address", LOOPBACK], environment)
            await self._processes[-1].ready(lambda: answers(epmd), deadline_seconds=_START_SECONDS)
            await self._launch("RabbitMQ", [_SERVER], environment)
            await self._processes[-1].ready(self._greets, deadline_seconds=_START_SECONDS)
        except ServerError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Kill the node and its name server."""
        while self._processes:
            await self._processes.pop().stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _launch(self, name: str, command: list[str | Path], environment: dict[str, str]) -> None:
        log = self._directory / f"{name.lower()}.log"
        log.unlink(missing_ok=True)
        process = await ServerProcess.start(
            name, command, log=log, env=environment, cwd=self._directory, stop_signal=signal.SIGKILL
        )
        self._processes.append(process)

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

    def _environment(self, distribution_port: int, epmd_port: int) -> dict[str, str]:
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
            "RABBITMQ_DIST_PORT": str(distribution_port),
            "ERL_EPMD_PORT": str(epmd_port),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_MAX_PORTS": "8192",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ERLANG_FLAGS,
        }


def installed() -> bool:
    """Say whether Debian's RabbitMQ and Erlang's name server are on this machine."""
    return _SERVER.exists() and shutil.which("epmd") is not None
