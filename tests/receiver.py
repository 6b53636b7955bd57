"""A receiver of webhooks on loopback that behaves as its path says: well, or as badly as receivers do."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.embedded.ports import LOOPBACK

NETWORKS = "127.0.0.0/8"
BIG = 100_000_000


@dataclass(frozen=True, slots=True)
class Told:
    """A request that arrived whole."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """`told`: what arrived; `taken`: bytes of the last answer that went out; `away`: nothing is answered but 503."""

    url: str = ""
    told: list[Told] = field(default_factory=list)
    taken: int = 0
    away: bool = False
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    def ids(self, path: str) -> list[str]:
        """`webhook-id` of what this path was told, in order."""
        return [told.headers["webhook-id"] for told in self.told if told.path == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: one request."""
        try:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:]) if name}
            body = await reader.readexactly(int(headers["content-length"]))
            self.told.append(Told(lines[0].split(" ")[1], headers, body))
            self.arrived.set()
            await self._answer(self.told[-1].path.strip("/"), writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            return  # the sender has gone, as some of these tests want
        finally:
            writer.close()

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> None:
        name, _, detail = path.partition("/")
        if self.away:
            name, detail = "status", "503"
        if name == "hang":
            await self.let_go.wait()
            name, detail = "status", "200"
        if name == "reset":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        elif name in ("drip", "dripbody"):
            whole = b"content-length: 99\r\n\r\n" if name == "dripbody" else b"x-drops: "
            await self._drip(writer, b"HTTP/1.1 200 OK\r\n" + whole)
        elif name == "big":
            await self._big(writer, int(detail))
        elif name == "redirect":
            status, _, target = detail.partition("/")
            writer.write(f"HTTP/1.1 {status} Elsewhere\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n".encode())
        elif name == "later":
            writer.write(f"HTTP/1.1 429 Busy\r\nretry-after: {detail}\r\ncontent-length: 0\r\n\r\n".encode())
        else:
            status = detail if name == "status" else "200"
            writer.write(f"HTTP/1.1 {status} So\r\ncontent-length: 2\r\n\r\nok".encode())
        await writer.drain()

    async def _drip(self, writer: asyncio.StreamWriter, beginning: bytes) -> None:
        """Then a byte now and then, for as long as anybody reads."""
        writer.write(beginning)
        for _ in range(60):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async def _big(self, writer: asyncio.StreamWriter, status: int) -> None:
        writer.write(f"HTTP/1.1 {status} So\r\ncontent-length: {BIG}\r\n\r\n".encode())
        self.taken = 0
        piece = b"x" * 65_536
        try:
            while self.taken < BIG:
                writer.write(piece)
                await writer.drain()
                self.taken += len(piece)
        finally:
            self.let_go.set()


@asynccontextmanager
async def receiving(certificate: Path | None = None) -> AsyncIterator[Receiver]:
    """A receiver that listens; with a certificate over TLS."""
    receiver = Receiver()
    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    server = await asyncio.start_server(receiver.serve, LOOPBACK, 0, ssl=context)
    receiver.url = f"{'https' if context else 'http'}://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    try:
        yield receiver
    finally:
        receiver.let_go.set()
        server.close()


def self_signed(directory: Path) -> Path:
    """A certificate that nobody vouches for, with its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    now = datetime.now(UTC)
    serial, then = x509.random_serial_number(), now + timedelta(days=1)
    certificate = x509.CertificateBuilder(name, name, key.public_key(), serial, now, then).sign(key, hashes.SHA256())
    path = directory / "receiver.pem"
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + certificate.public_bytes(encoding))
    return path
