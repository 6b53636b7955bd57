"""HTTP to one server: time limits, patience with a server that is down for a moment, and answers as sentences."""

from __future__ import annotations

import asyncio
import ipaddress
import random
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import urlsplit

import aiohttp

from gateway.client.answers import failure_of, object_of
from gateway.client.failures import ServerFailure
from gateway.client.renewal import Ask, Renewal
from gateway.client.session import ConfigFile, config_path

ATTEMPTS = 5
FIRST_PAUSE = 0.5  # seconds, doubled after each attempt
LONGEST_PAUSE = 30.0  # seconds; a server that asks for more is not waited for
TOTAL = 60.0  # seconds for a call with its answer
CONNECT = 10.0
UNSENT = 256 * 1024  # bytes that a socket takes beyond what is under way
LONGEST_ELSEWHERE = 64_000  # bytes of an answer of another server
IDLE = 30.0  # seconds without a byte
REFUSED_STATUSES = {429, 503}  # the request was not taken
PATIENT_STATUSES = {*REFUSED_STATUSES, 502, 504}


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer; the body is read."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Renewing(Protocol):
    """A way to have the next token when one is nearly over."""

    async def current(self, token: str, ask: Ask, /) -> str:
        """The token to be sent for this one."""


class Connection:
    """Calls to the server. `session` stays open as long as the connection is used (see `connected`).

    A token of `dh login` that has nearly ended is exchanged for the next one before it is sent (`renewal`).
    """

    def __init__(
        self,
        server: str,
        session: aiohttp.ClientSession,
        *,
        attempts: int = ATTEMPTS,
        renewal: Renewing | None = None,
    ) -> None:
        self.server = server
        self.session = session
        self._renewal = renewal
        self._attempts = attempts
        self._reached = False

    def renew_by(self, renewal: Renewing) -> None:
        """Has tokens be renewed in another way from now on."""
        self._renewal = renewal

    async def elsewhere(self, url: str, query: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body of an answer of somebody else's server; raises ServerFailure where there is none."""
        # No redirect is followed: it could carry a secret of the headers to another host.
        patience = aiohttp.ClientTimeout(total=IDLE, sock_connect=CONNECT)
        request = self.session.get(url, params=query, headers=headers, allow_redirects=False, timeout=patience)
        try:
            async with request as response:
                return response.status, await response.content.read(LONGEST_ELSEWHERE)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ServerFailure(f"{urlsplit(url).netloc} cannot be reached: {reason_of(error)}") from None

    async def current(self, token: str | None) -> str | None:
        """The token to be sent for this one; raises RequestFailure where its log-in has ended."""
        if token is None or self._renewal is None:
            return token
        return await self._renewal.current(token, self.token)

    async def token(self, form: Mapping[str, str]) -> dict[str, Any]:
        """What the token endpoint gives for a form; raises RequestFailure with its word in `problem`."""
        return await self.form("/auth/oauth/token", form)

    async def form(self, path: str, form: Mapping[str, str]) -> dict[str, Any]:
        """The object that a form is answered with."""
        return object_of(self.server, (await self.call("POST", path, form=form)).body)

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        token: str | None = None,
        repeatable: bool = True,
        redirects: bool = False,
        key: str | None = None,
    ) -> Answer:
        """The answer with a status below 300 (400 with `redirects`); tried again while the server is away.

        A call that is not `repeatable` is tried again only when it was not taken: refused connection, 429, 503. By its
        `key` (Idempotency-Key) the server knows a call that is tried again, and says 409 while it is still at it.
        Raises RequestFailure for 4xx, ServerFailure for everything else.
        """
        patient = (PATIENT_STATUSES if repeatable else REFUSED_STATUSES) | ({HTTPStatus.CONFLICT} if key else set())
        good = HTTPStatus.BAD_REQUEST if redirects else HTTPStatus.MULTIPLE_CHOICES
        for attempt in range(1, self._attempts + 1):
            pause, again = pause_after(attempt), attempt < self._attempts
            try:
                answer = await self._once(method, path, query, json, form, _headers(await self.current(token), key))
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                # A server that was never there is hardly about to come back: a wrong address is told soon.
                again = again and (self._reached or attempt == 1)
                if not again or not (repeatable or isinstance(error, aiohttp.ClientConnectorError)):
                    raise self._unreachable(error) from None
            else:
                self._reached = True
                if answer.status < good:
                    return answer
                pause = asked_for(answer) or pause
                if not again or answer.status not in patient or pause > LONGEST_PAUSE:
                    raise failure_of(self.server, answer.status, answer.headers, answer.body)
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    async def _once(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        json: Any,
        form: Mapping[str, str] | None,
        headers: Mapping[str, str],
    ) -> Answer:
        # No redirect is followed: it could carry the token to another host.
        async with self.session.request(
            method,
            self.server + path,
            params=query,
            json=json,
            data=form,
            headers=headers,
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
    connector = aiohttp.TCPConnector(socket_factory=_socket)
    async with aiohttp.ClientSession(connector=connector, trust_env=not is_loopback(server)) as session:
        yield Connection(server, session, renewal=Renewal(server, ConfigFile(config_path())))


def _socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket that takes no more than is soon sent: how far an upload is, and whether it moves, is else told by the
    kernel's buffers, which hold minutes of a slow line."""
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
    return made


def reason_of(error: Exception) -> str:
    """What went wrong with a connection, in words."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not accepted ({error.certificate_error})"
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error.strerror or str(error.os_error)
    return str(error) or type(error).__name__


def pause_after(attempt: int) -> float:
    """Seconds to wait after the attempt (the first is 1): doubled each time."""
    # Jitter, so that many clients of a server that comes back do not come all at once.
    return FIRST_PAUSE * float(2 ** (attempt - 1)) * random.uniform(0.75, 1.25)  # noqa: S311 no secret


def asked_for(answer: Answer) -> float | None:
    """Seconds that the server asks to wait (RFC 9110, 10.2.3; a date there is not understood)."""
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def is_loopback(url: str) -> bool:
    """Whether an address is this machine's own."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _headers(token: str | None, key: str | None) -> dict[str, str]:
    given = {"Accept": "application/json", "Auth-Token": token, "Idempotency-Key": f'"{key}"' if key else None}
    return {name: value for name, value in given.items() if value}
