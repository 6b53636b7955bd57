"""Files of a published revision: fetched several at a time, proven while they arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import aiohttp

from gateway.client.answers import failure_of
from gateway.client.board import Board, Gauge
from gateway.client.connection import CONNECT, Connection, pause_after, reason_of
from gateway.client.failures import RequestFailure, ServerFailure, first_failure
from tabular.hashing import Digest, Hasher

T = TypeVar("T")

AT_ONCE = 4
ATTEMPTS = 5
IDLE = 60.0  # seconds without a byte
_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to fetch: `address` on the server, `path` in the package, and what its bytes must be."""

    address: str
    path: str
    size: int
    sha256: str


_Take = Callable[[aiohttp.ClientResponse, Wanted, Gauge], Awaitable[T]]
"""Makes something of the bytes of an answer."""


class Downloader:
    """Fetches files into a folder; the token goes to the server alone, never to where it redirects."""

    def __init__(self, connection: Connection, token: str | None, shown: Board) -> None:
        self._connection = connection
        self._server = connection.server
        self._session = connection.session
        self._token = token
        self._shown = shown
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def fetch(self, files: Sequence[Wanted], folder: Path) -> None:
        """All of them; the first that fails for good ends the others and is raised."""
        try:
            async with asyncio.TaskGroup() as group:
                for file in files:
                    group.create_task(self._fetch_in_turn(file, folder / file.path))
        except BaseExceptionGroup as group_error:
            raise first_failure(group_error) from None

    async def digests(self, files: Sequence[Wanted]) -> list[Digest | None]:
        """What the bytes of each really are, kept nowhere; None where there is no such file.

        Of a file that is longer than it should be, up to where that shows.
        """
        return await asyncio.gather(*(self._digest(file) for file in files))

    async def _digest(self, file: Wanted) -> Digest | None:
        try:
            return await self._in_turn(file, _hash)
        except RequestFailure as failure:
            if failure.details.get("status") != 404:
                raise
            return None

    async def _fetch_in_turn(self, file: Wanted, target: Path) -> None:
        async def keep(response: aiohttp.ClientResponse, file: Wanted, gauge: Gauge) -> None:
            await _receive(response, file, target, gauge)

        await self._in_turn(file, keep)

    async def _in_turn(self, file: Wanted, take: _Take[T]) -> T:
        """What is made of the file's bytes; tried again while the server or the store is away."""
        async with self._slots:
            gauge = self._shown.gauge(file.path, file.size, "bytes")
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    taken = await self._take(file, gauge, take)
                except (aiohttp.ClientError, TimeoutError, _Later) as error:
                    if attempt == ATTEMPTS:
                        reason = str(error) if isinstance(error, _Later) else reason_of(error)
                        raise ServerFailure(f"{file.path} could not be fetched: {reason}") from None
                    gauge.reach(0)
                    await asyncio.sleep(pause_after(attempt))
                else:
                    gauge.finish()
                    return taken
            raise AssertionError("the last attempt returns or raises")

    async def _take(self, file: Wanted, gauge: Gauge, take: _Take[T]) -> T:
        address, token = self._server + file.address, await self._connection.current(self._token)
        for _ in range(3):
            async with self._session.get(
                address,
                # The hash is of the bytes themselves: they may not come in a compressed form.
                headers={"Accept-Encoding": "identity", **({"Auth-Token": token} if token else {})},
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=IDLE),
                allow_redirects=False,
            ) as response:
                if response.status == 200:
                    return await take(response, file, gauge)
                if response.status not in (301, 302, 303, 307, 308):
                    raise await _refusal(self._server, file, response)
                address, token = urljoin(address, response.headers.get("Location", "")), None
        raise ServerFailure(f"{file.path}: the server sends us in circles")


class _Later(Exception):
    """Inside this module: the server is away for a moment."""


async def _refusal(server: str, file: Wanted, response: aiohttp.ClientResponse) -> Exception:
    body = await response.content.read(10_000)
    if response.status in (429, 500, 502, 503, 504):
        return _Later(f"{urlsplit(str(response.url)).netloc} answered {response.status}")
    failure = failure_of(server, response.status, response.headers, body)
    return type(failure)(f"{file.path}: {failure}", status=response.status)


async def _hash(response: aiohttp.ClientResponse, file: Wanted, gauge: Gauge) -> Digest:
    """What comes, as far as it could still be what was promised."""
    hasher = Hasher()
    async for piece in response.content.iter_chunked(_PIECE):
        hasher.update(piece)
        gauge.reach(hasher.size)
        if hasher.size > file.size:
            break
    return hasher.digest()


async def _receive(response: aiohttp.ClientResponse, file: Wanted, target: Path, gauge: Gauge) -> None:
    """Write what comes; raises ServerFailure unless it is exactly what was promised."""
    hasher = Hasher()
    with target.open("wb") as out:
        async for piece in response.content.iter_chunked(_PIECE):
            hasher.update(piece)
            if hasher.size > file.size:
                raise ServerFailure(f"{file.path} is longer than the {file.size:,} bytes that were published")
            await asyncio.to_thread(out.write, piece)
            gauge.reach(hasher.size)
    digest = hasher.digest()
    if digest.size != file.size:
        raise ServerFailure(f"{file.path} has {digest.size:,} bytes, published were {file.size:,}")
    if digest.sha256 != file.sha256:
        raise ServerFailure(
            f"{file.path} is not what was published: its SHA-256 is {digest.sha256}, published was {file.sha256}"
        )
