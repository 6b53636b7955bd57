"""What a program that knows only our address finds the log-in by (RFC 8414)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.auth.oauth.devices import DEVICE_GRANT
from gateway.parts import Parts

ADDRESS = "/.well-known/oauth-authorization-server"


def metadata_of(public_url: str) -> dict[str, Any]:
    """The document of RFC 8414, section 2. The issuer is the `iss` of a redirect, too (RFC 9207)."""
    return {
        "issuer": public_url,
        "authorization_endpoint": f"{public_url}/auth/oauth/authorize",
        "token_endpoint": f"{public_url}/auth/oauth/token",
        "device_authorization_endpoint": f"{public_url}/auth/oauth/device",
        "revocation_endpoint": f"{public_url}/auth/oauth/revoke",
        "jwks_uri": f"{public_url}/.well-known/jwks.json",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", DEVICE_GRANT, "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],  # a public client proves itself by PKCE
        "revocation_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": True,
    }


def routes(parts: Parts) -> list[web.RouteDef]:
    """The route of the document."""
    document = metadata_of(parts.settings.gateway.public_url)

    async def metadata(_request: web.Request) -> web.Response:
        """Where programs log in, and what is taken there (RFC 8414)."""
        return web.json_response(document)

    return [web.get(ADDRESS, metadata)]
