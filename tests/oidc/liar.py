"""An issuer whose every answer a test writes down: what a broken or wicked provider says."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from tests.client.server import serving

NONCE, CLIENT = "the-nonce", "the-client"
Key = RSAKey | ECKey


def a_key(kid: str = "good") -> RSAKey:
    """A new RSA key."""
    return RSAKey.generate_key(2048, {"kid": kid})


@dataclass
class Liar:
    """`metadata`, `keys` and `tokens` are what is answered (a Response as it is); `asked` counts by path."""

    url: str = ""
    key: RSAKey = field(default_factory=a_key)
    metadata: Any = None
    keys: Any = None
    tokens: Any = None
    userinfo: Any = None
    asked: dict[str, int] = field(default_factory=dict)
    forms: list[Mapping[str, list[str]]] = field(default_factory=list)

    def honest_metadata(self, **changed: Any) -> dict[str, Any]:
        """What an honest issuer would say of itself."""
        ends = {f"{name}_endpoint": f"{self.url}/{name}" for name in ("authorization", "token", "userinfo")}
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/jwks",
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
            **ends,
            **changed,
        }

    def key_set(self, *keys: Mapping[str, Any]) -> dict[str, Any]:
        """A set of these keys; without any, of the good one."""
        return {"keys": list(keys) or [self.key.as_dict(private=False)]}

    def claims(self, **changed: Any) -> dict[str, Any]:
        """The claims of a good ID token; None takes one out."""
        now = int(time.time())
        claims = {"iss": self.url, "sub": "sue", "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": NONCE, **changed}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key: Key | None = None, header: Mapping[str, Any] | None = None, **changed: Any) -> str:
        """An ID token, signed with the good key unless another is given."""
        head = {"alg": "RS256", "kid": "good", **(header or {})}
        return jws.serialize_compact(
            {name: value for name, value in head.items() if value is not None},
            json.dumps(self.claims(**changed)),
            key or self.key,
            algorithms=["RS256", "RS512", "ES256", "HS256", "PS256"],
        )

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Says what is written down."""
        self.asked[request.path] = self.asked.get(request.path, 0) + 1
        if request.method == "POST":
            self.forms.append(parse_qs(await request.text()))
        written = {
            "/.well-known/openid-configuration": self.metadata or self.honest_metadata(),
            "/jwks": self.keys or self.key_set(),
            "/token": self.tokens or {"id_token": self.token(), "access_token": "x", "token_type": "Bearer"},
            "/userinfo": self.userinfo or {"sub": "sue", "name": "Sue", "email": "sue@example.com"},
        }.get(urlsplit(request.path).path)
        if callable(written):
            made: web.StreamResponse = await written(request)
            return made
        return web.json_response(written) if written is not None else web.Response(status=404)


@asynccontextmanager
async def lying() -> AsyncIterator[Liar]:
    """A liar that is honest until told otherwise."""
    liar = Liar()
    async with serving(liar.answer) as url:
        liar.url = url
        yield liar
