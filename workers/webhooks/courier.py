"""One request to a receiver: to an address that was checked, without redirects, in time; and what came of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override
from yarl import URL

from messages.errors import TransientError
from messages.webhooks.addresses import Addresses, AddressRefused, Destination
from workers.webhooks.ladder import asked_for

DEADLINE = 15.0
"""Seconds for everything: the name, the connection, the request and the answer."""
MOST_READ = 16_384
"""Bytes of an answer that are read: nothing is done with them, and a receiver is let finish."""
GONE = 410
BUSY = (429, 503)
AGENT = "datahub-webhooks/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a request: `error`, a sentence for the subscriber, is None where it was delivered; `status` None
    where there was no answer; `wait`: seconds that the receiver asked for."""

    status: int | None = None
    error: str | None = None
    wait: float | None = None

    @property
    def gone(self) -> bool:
        """Whether the receiver wants nothing any more."""
        return self.status == GONE


class Courier:
    """Sends; `deadline` in seconds."""

    def __init__(self, addresses: Addresses, deadline: float = DEADLINE) -> None:
        self._addresses = addresses
        self._deadline = deadline

    async def carry(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """What came of it, whatever the receiver does."""
        try:
            async with asyncio.timeout(self._deadline):
                return await self._post(await self._addresses.checked(url), headers, body)
        except TimeoutError:
            return Outcome(error=f"The receiver did not answer within {self._deadline:g} seconds.")
        except (AddressRefused, TransientError) as refused:
            return Outcome(error=str(refused))
        except aiohttp.ClientError as error:
            return Outcome(error=_words(error))
        except OSError:
            return Outcome(error="The connection to the receiver broke.")

    async def _post(self, destination: Destination, headers: Mapping[str, str], body: bytes) -> Outcome:
        url = URL(destination.url, encoded=True)
        if (_same_form(url.host or ""), url.port) != (_same_form(destination.host), destination.port):
            raise AddressRefused("The address can be read in two ways.")
        connector = aiohttp.TCPConnector(resolver=_Pinned(destination), use_dns_cache=False, force_close=True)
        async with (
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),
                auto_decompress=False,
                read_bufsize=MOST_READ,
                headers={"User-Agent": AGENT, "Content-Type": "application/cloudevents+json"},
            ) as session,
            session.post(url, data=body, headers=headers, allow_redirects=False) as response,
        ):
            await _let_finish(response.content)
            return _outcome(response)


class _Pinned(AbstractResolver):
    """Answers what was checked, to whatever is asked."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=self._destination.port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=flags,
            )
            for address in self._destination.addresses
        ]

    @override
    async def close(self) -> None:
        """Holds nothing."""


async def _let_finish(content: aiohttp.StreamReader) -> None:
    left = MOST_READ
    while left > 0 and (piece := await content.read(left)):
        left -= len(piece)


def _outcome(response: aiohttp.ClientResponse) -> Outcome:
    status = response.status
    if 200 <= status < 300:
        return Outcome(status=status)
    if status == GONE:
        return Outcome(status=status, error="The receiver said that it is gone (410): the webhook is disabled.")
    if 300 <= status < 400:
        return Outcome(status=status, error=f"The receiver answered {status}: redirects are not followed.")
    wait = asked_for(response.headers.get("Retry-After")) if status in BUSY else None
    return Outcome(status=status, error=f"The receiver answered {status}.", wait=wait)


def _words(error: aiohttp.ClientError) -> str:
    """For the subscriber: what failed, and nothing of what the receiver, or a machine of ours, wrote about it."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"The receiver's certificate is not good: {error.certificate_error.__class__.__name__}."
    if isinstance(error, aiohttp.ClientSSLError):
        return "There is no TLS to be had with the receiver."
    if isinstance(error, aiohttp.ClientConnectorError):
        return "No connection to the receiver could be made."
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError):
        return "The receiver closed the connection without an answer."
    return "The receiver's answer is no whole answer of HTTP."


def _same_form(host: str) -> str:
    try:
        return str(ip_address(host))
    except ValueError:
        return host
