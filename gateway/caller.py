"""Who calls, as an address: the other end of the connection, or what proxies of ours say of it."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from aiohttp import web

from gateway.parts import PARTS
from gateway.problems import Handler
from messages.settings import Network

Address = IPv4Address | IPv6Address
UNCOUNTED = "/health/"
"""A machine that is asked too often must not be taken for a dead one."""


def caller_of(request: web.Request) -> str:
    """The address that limits count by; that of the connection unless `DH_TRUSTED_PROXIES` names it."""
    trusted = request.app[PARTS].settings.gateway.trusted_proxies
    return caller(request.remote or "", request.headers.getall("X-Forwarded-For", ()), trusted)


@web.middleware
async def rate_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Counts by address, before anything else is done for a request; raises Problem 429."""
    if not request.path.startswith(UNCOUNTED):
        request.app[PARTS].rates.address.take(network_of(caller_of(request)))
    return await handler(request)


def network_of(address: str) -> str:
    """What one subscriber has for themselves: an address of IPv4, 64 bits of one of IPv6."""
    found = _address(address)
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else address


def caller(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """The last address on the way here that is none of our proxies'.

    `X-Forwarded-For` is read from the right: every proxy adds there whom it was called by, so an entry is worth as much
    as the proxy that wrote it. What a client made up stands to the left of its own address, and is never looked at.
    """
    address = _address(peer)
    if address is None:
        return peer
    hops = [hop for line in forwarded for hop in line.split(",")]
    while hops and any(address in network for network in trusted):
        before = _address(hops.pop())
        if before is None:
            break
        address = before
    return str(address)


def _address(text: str) -> Address | None:
    """The address in an entry, which may have a port; None where there is none (`unknown`)."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
