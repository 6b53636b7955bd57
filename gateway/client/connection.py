"""HTTP to one server: time limits, patience with a server that is down for a moment, and answers as sentences."""

from __future__ import annotations

import asyncio
import ipaddress
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from gateway.client.answers import failure_of
from gateway.client.failures import Failure, ServerFailure

ATTEMPTS = 5
FIRST_PAUSE = 0.5  # seconds, doubled after each attempt
LONGEST_PAUSE = 30.0  # seconds that a Retry-After may ask for
TOTAL = 60.0  # seconds for a call with its answer
CONNECT = 10.0
IDLE = 30.0  # seconds without a byte
PATIENT_STATUSES = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, 504}


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer; the body is read."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """Calls to the server. `session` stays open as long as the connection is used (see `connected`)."""

    def __init__(self, server: str, session: aiohttp.ClientSession, *, attempts: int = ATTEMPTS) -> None:
        self.server = server
        self.session = session
        self._attempts = attempts

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        json: Any = None,
        token: str | None = None,
        repeatable: bool = True,
    ) -> Answer:
        """The answer with a status below 300; tried again while the server is away or asks for patience.

        A call that is not `repeatable` is tried again only when it was not taken: refused connection, 429, 503.
        Raises RequestFailure for 4xx, ServerFailure for everything else.
        """
        failure: Failure = ServerFailure(f"{self.server} does not answer")
        for attempt in range(self._attempts):
            try:
                answer = await self._once(method, path, query, json, token)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                failure = self._unreachable(error)
                if not repeatable and not isinstance(error, aiohttp.ClientConnectorError):
                    raise failure from None
                pause = pause_after(attempt)
            else:
                if answer.status < HTTPStatus.MULTIPLE_CHOICES:
                    return answer
                failure = failure_of(self.server, answer.status, answer.headers, answer.body)
                if answer.status not in PATIENT_STATUSES or (not repeatable and answer.status not in (429, 503)):
                    raise failure
                pause = pause_after(attempt, answer.headers.get("Retry-After"))
            if attempt + 1 < self._attempts:
                await asyncio.sleep(pause)
        raise failure

    async def _once(
        self, method: str, path: str, query: Mapping[str, str] | None, json: Any, token: str | None
    ) -> Answer:
        # No redirect is followed: it could carry the token to another host.
        async with self.session.request(
            method,
            self.server + path,
            params=query,
            json=json,
            headers=_headers(token),
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=TOTAL, sock_connect=CONNECT, sock_read=IDLE),
        ) as response:
            return Answer(response.status, response.headers, await response.read())

    def _unreachable(self, error: Exception) -> ServerFailure:
        return ServerFailure(f"{self.server} cannot be reached: {reason_of(error)}")


@asynccontextmanager
async def connected(server: str) -> AsyncIterator[Connection]:
    """A connection to the server, closed at the end."""
    # A proxy of the environment is for the world outside; nobody reaches this machine's own address through it.
    async with aiohttp.ClientSession(trust_env=not is_loopback(server), auto_decompress=True) as session:
        yield Connection(server, session)


def reason_of(error: Exception) -> str:
    """What went wrong with a connection, in words."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error.strerror or str(error.os_error)
    return str(error) or type(error).__name__


def pause_after(attempt: int, retry_after: str | None = None) -> float:
    """Seconds to wait after the attempt (0 is the first): what the server asked for, else doubled with jitter."""
    if retry_after is not None and retry_after.isascii() and retry_after.isdigit():
        return min(float(retry_after), LONGEST_PAUSE)
    # Jitter, so that many clients of a server that comes back do not come all at once.
    return FIRST_PAUSE * float(2**attempt) * random.uniform(0.75, 1.25)  # noqa: S311 no secret


def is_loopback(url: str) -> bool:
    """Whether an address is this machine's own."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _headers(token: str | None) -> dict[str, str]:
    return {"Accept": "application/json", **({"Auth-Token": token} if token else {})}
