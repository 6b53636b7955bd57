"""Where webhooks may go: the one place that decides it, asked when one is made and again for every request.

A name is resolved here, every address that it has must be allowed, and whoever sends connects to those that were
checked and to no other: what a name stands for a moment later (DNS rebinding) does not matter.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from messages.errors import TransientError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a name; raises OSError where there are none."""

LONGEST_URL = 2_000
PATIENCE = 5.0
"""Seconds for the resolver."""
LOOKUPS = 64
"""Names that are looked up at a time: a thread hangs on one that is not answered for longer than anybody waits."""
LOWEST_PORT = 1_024
"""From here on a port may be anybody's; below it only that of HTTPS."""
OF_OTHERS = frozenset((1433, 1521, 2049, 2375, 2379, 3306, 5432, 5672, 6379, 6443, 9042, 9200, 11211, 15672, 27017))
"""Ports of databases, brokers and orchestrators: nothing there waits for a webhook."""

# What `is_global` of Python 3.11 takes for public and is not: IPv6 that carries an address of IPv4 (here 6to4, RFC
# 3056, and Teredo, RFC 4380, within 2001::/23), and what was set aside since, or for other ends (RFC 6890, 7526, 9637).
# 168.63.129.16 is a cloud's own service inside each of its networks.
DENIED: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        *("192.0.0.0/24", "192.88.99.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32"),
        *("2002::/16", "2001::/23", "3fff::/20"),
    )
)
UNICAST = ip_network("2000::/3")
"""All of IPv6 that is given out to anybody (IANA). Outside of it lie the other ways to carry IPv4: NAT64 (RFC 6052,
8215), v4-compatible and v4-mapped addresses (RFC 4291)."""
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?", re.IGNORECASE)
_NUMERIC = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\.?", re.IGNORECASE)


class AddressRefused(Exception):
    """No webhook goes there; the message is a sentence for whoever wants it to."""


@dataclass(frozen=True, slots=True)
class Destination:
    """An address that was checked: connect to one of `addresses`, and to nothing else."""

    url: str
    host: str
    port: int
    addresses: tuple[str, ...]


class SystemResolver:
    """What this machine's resolver answers; in threads of its own, so that slow names hold up nothing else."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS, "resolver")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a name; raises OSError."""
        look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        return list(dict.fromkeys(str(each[4][0]) for each in found))


class Addresses:
    """The rules, with the networks that the operator allows besides (there plain HTTP may be spoken, too)."""

    def __init__(self, networks: Sequence[Network] = (), resolve: Resolve | None = None) -> None:
        self._networks = tuple(networks)
        self._resolve = resolve or SystemResolver()

    async def checked(self, url: str) -> Destination:
        """Where `url` leads; raises AddressRefused, or TransientError where the resolver does not answer in time."""
        secure, host, port = _read(url)
        addresses = await self._addresses(host, port)
        for address in addresses:
            self._require_allowed(address, host, secure=secure)
        return Destination(url, host, port, tuple(map(str, addresses)))

    async def _addresses(self, host: str, port: int) -> list[Address]:
        literal = _literal(host)
        if literal is not None:
            return [literal]
        try:
            async with asyncio.timeout(PATIENCE):
                found = await self._resolve(host, port)
        except TimeoutError:
            raise TransientError(f"The name {host} could not be looked up in time.") from None
        except (OSError, UnicodeError):
            found = []
        if not found:
            raise _not_public(host)
        return [ip_address(text.partition("%")[0]) for text in found]

    def _require_allowed(self, address: Address, host: str, *, secure: bool) -> None:
        if any(address in network for network in self._networks):
            return
        if not secure:
            raise AddressRefused("A webhook's address begins with https://.")
        if not is_public(address):
            raise _not_public(host)


def _not_public(host: str) -> AddressRefused:
    # The same words for a name inside as for one that there is not: which names there are inside is nobody's business.
    return AddressRefused(
        f"{host} leads to no public address: webhooks go to the public internet alone (is it written right?)."
    )


def is_public(address: Address) -> bool:
    """Whether anybody on the internet means the same machine by it."""
    if any(address in network for network in DENIED):
        return False
    return address.is_global and (isinstance(address, IPv4Address) or address in UNICAST)


def _read(url: str) -> tuple[bool, str, int]:
    """Whether it is HTTPS, host and port; raises AddressRefused for whatever two readers could read differently."""
    if len(url) > LONGEST_URL or not url.isascii() or re.search(r"[\x00-\x20\x7f\\^`{|}<>\"]", url):
        raise AddressRefused(
            f"An address is at most {LONGEST_URL} plain characters without spaces (write a name with others as xn--…)."
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise AddressRefused("This is no address: https://NAME/PATH is expected.") from None
    if parts.scheme not in ("https", "http"):
        raise AddressRefused("A webhook's address begins with https://.")
    if "@" in parts.netloc:
        raise AddressRefused("An address has no user name or password in it: the signature says who sends.")
    if "#" in url:
        raise AddressRefused("An address has no # in it: what follows is never sent.")
    if not host or (_literal(host) is None and (not _NAME.fullmatch(host) or len(host) > 253)):
        raise AddressRefused("An address names a host: https://NAME/PATH.")
    secure = parts.scheme == "https"
    port = (443 if secure else 80) if port is None else port
    if (port < LOWEST_PORT and port not in ((443,) if secure else (80,))) or port in OF_OTHERS:
        raise AddressRefused(f"No webhook is sent to port {port}: use 443, or one from {LOWEST_PORT} on.")
    return secure, host, port


def _literal(host: str) -> Address | None:
    """The address that a host is written as; None for a name. Raises AddressRefused for other ways to write one."""
    if "%" in host:
        raise AddressRefused("An address has no zone in it.")
    try:
        return ip_address(host)
    except ValueError:
        # 127.1, 0x7f.1, 2130706433: the resolver would take them for an address, and a reader for a name.
        if ":" in host or _NUMERIC.fullmatch(host.rstrip(".").rpartition(".")[2]):
            raise AddressRefused(f"{host} is no name, and no address in its usual form.") from None
        return None
