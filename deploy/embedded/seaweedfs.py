"""SeaweedFS (`weed mini`) as a child process: an S3 server on loopback that checks what real S3 checks."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from typing_extensions import override

from deploy.embedded.ports import LOOPBACK, free_ports
from deploy.embedded.process import ServerError, ServerProcess
from deploy.embedded.secret import kept_secret, write_private
from deploy.embedded.server import EmbeddedServer

_START_SECONDS = 30.0
# Without these keys any local user could read and write through the volume and filer ports, past S3's checks.
_JWT_KEYS = (
    "WEED_JWT_SIGNING_KEY",
    "WEED_JWT_SIGNING_READ_KEY",
    "WEED_JWT_FILER_SIGNING_KEY",
    "WEED_JWT_FILER_SIGNING_READ_KEY",
)
_PORT_FLAGS = tuple(f"-{role}.port" for role in ("master", "volume", "filer", "s3", "admin"))
_ACCESS_KEY = "app"
_ACTIONS = ["Admin", "Read", "Write", "List", "Tagging"]


class EmbeddedSeaweedFS(EmbeddedServer):
    """A private S3 server. `allowed_origin` is the one web origin that browsers may upload from (none by default)."""

    access_key = _ACCESS_KEY

    def __init__(self, directory: Path, *, allowed_origin: str = "http://localhost.invalid") -> None:
        super().__init__("SeaweedFS", directory)
        self._allowed_origin = allowed_origin
        self._ports: list[int] = []
        self._sockets = Path()
        self.secret_key = ""

    @property
    def endpoint_url(self) -> str:
        """Address of the S3 interface (path-style addressing)."""
        return f"http://{LOOPBACK}:{self._ports[_PORT_FLAGS.index('-s3.port') * 2]}"

    def prepare(self) -> None:
        """Choose ports and secrets, so that address and credentials are known before the start."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self.secret_key = kept_secret(self._directory / "secret-key")
        self._ports = self._ports or free_ports(2 * len(_PORT_FLAGS))

    @override
    async def start(self) -> None:
        self.prepare()
        data = self._directory / "objects"
        data.mkdir(exist_ok=True, mode=0o700)
        self._write_identities()
        self._sweep()
        # A unix socket's path has at most 107 bytes, a state directory may have more.
        self._sockets = Path(tempfile.mkdtemp(prefix="dh-weed-"))
        self._leftovers.write_text("\n".join(map(str, (self._sockets, *self._ports))))
        self._log.unlink(missing_ok=True)
        self._process = await ServerProcess.start(
            self.name,
            [find_weed(), *self._arguments(data)],
            log=self._log,
            env=self._environment(),
            # What it has answered for is written, and it has no end that is quicker: asked to, it waits a second for
            # streams of its own parts. An orphan must be gone at once: a successor would find the directory in use.
            stop_signal=signal.SIGKILL,
        )
        await self._process.ready(self._healthy, deadline_seconds=_START_SECONDS)

    @override
    async def stop(self) -> None:
        await super().stop()
        self._sweep()

    def _sweep(self) -> None:
        """Remove the sockets that this server, or a killed predecessor, left in the temporary directory. One of another
        user has the same name where a server of theirs had the same port: it is theirs, and cannot be removed."""
        if not self._leftovers.exists():
            return
        sockets, *ports = self._leftovers.read_text().splitlines()
        shutil.rmtree(sockets, ignore_errors=True)
        for port in ports:
            for left_over in Path("/tmp").glob(f"seaweedfs-*-grpc-{port}.sock"):  # noqa: S108 weed's own choice
                if left_over.lstat().st_uid == os.getuid():
                    left_over.unlink(missing_ok=True)
        self._leftovers.unlink()

    @property
    def _leftovers(self) -> Path:
        return self._directory / "leftovers"

    def _write_identities(self) -> None:
        credentials = [{"accessKey": self.access_key, "secretKey": self.secret_key}]
        identity = {"name": self.access_key, "credentials": credentials, "actions": _ACTIONS}
        write_private(self._directory / "s3.json", json.dumps({"identities": [identity]}))

    def _arguments(self, data: Path) -> list[str]:
        ports = [
            f"{name}={port}"
            for flag, pair in zip(_PORT_FLAGS, zip(*[iter(self._ports)] * 2, strict=True), strict=True)
            for name, port in zip((flag, f"{flag}.grpc"), pair, strict=True)
        ]
        return [
            "-logtostderr=true",
            "mini",
            f"-dir={data}",
            # Its defaults are the machine's outside address and a report to its makers.
            f"-ip={LOOPBACK}",
            f"-ip.bind={LOOPBACK}",
            "-master.telemetry=false",
            *ports,
            # Without -admin.port above, -admin.ui=false alone would still listen on its usual port.
            "-admin.ui=false",
            "-webdav=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            f"-s3.config={self._directory / 's3.json'}",
            "-s3.autoCreateBucket=false",
            f"-s3.allowedOrigins={self._allowed_origin}",
            # Each bucket takes volumes of its own; the default maximum refuses the 58th bucket's first object.
            "-volume.max=2000",
            "-master.volumeSizeLimitMB=256",
            "-volume.preStopSeconds=0",
            f"-filer.localSocket={self._sockets / 'f.sock'}",
            f"-s3.localSocket={self._sockets / 's.sock'}",
        ]

    def _environment(self) -> dict[str, str]:
        keys = {name: kept_secret(self._directory / f"{name.lower()}") for name in _JWT_KEYS}
        # Measured: without a limit an upload of 64 parts of 16 MB takes 3.2 GB, with it 0.65 GB at 90 % speed.
        return {"PATH": os.defpath, "HOME": str(self._directory), "GOMEMLIMIT": "512MiB", **keys}

    async def _healthy(self) -> bool:
        return await asyncio.to_thread(_says_ok, self._ports[_PORT_FLAGS.index("-s3.port") * 2])


def find_weed() -> Path:
    """Return the `weed` program: $WEED_BIN, the wheel's (beside this Python), PATH. Raises ServerError."""
    beside = Path(sys.prefix) / "bin" / "weed"
    found = os.environ.get("WEED_BIN") or (str(beside) if beside.exists() else shutil.which("weed"))
    if not found:
        raise ServerError(
            "No `weed` program found: install the extra `embedded`, put weed on PATH, or set S3_ENDPOINT_URL"
            " to a running S3 server."
        )
    return Path(found)


def _says_ok(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
