"""Being written."""

from __future__ import annotations

from aiohttp import web

from gateway.parts import Parts


def routes(parts: Parts) -> list[web.RouteDef]:
    """None yet."""
    return []
