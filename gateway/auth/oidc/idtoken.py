"""ID tokens: read strictly, signatures checked by joserfc, claims by authlib (OpenID Connect Core, 3.1.3.7)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jws
from joserfc.errors import JoseError

from gateway.auth.compact import NotCompact, read_compact
from gateway.auth.oidc.issuer import ALGORITHMS, Issuer

LONGEST = 16_384
LEEWAY = 30
"""Seconds that clocks may differ."""
_HEADER = {"alg", "kid", "typ", "x5t", "x5t#S256"}
"""Anything else (`crit`, `jku`, `jwk`, `zip`) has no meaning here. What names a certificate is passed over."""


class BadIdToken(Exception):
    """It proves nothing; the message says why and holds nothing of it."""


async def verified_claims(token: str, issuer: Issuer) -> dict[str, Any]:
    """The claims of a token that this issuer signed, otherwise unchecked; raises BadIdToken, ProviderDown."""
    try:
        header, claims = read_compact(token, LONGEST)
    except NotCompact:
        raise BadIdToken("it is not written like one") from None
    if not isinstance(header, dict) or not isinstance(claims, dict) or not set(header) <= _HEADER:
        raise BadIdToken("its header is not understood")
    algorithm, kid = header.get("alg"), header.get("kid")
    allowed = (await issuer.metadata()).algorithms or ALGORITHMS[:1]
    if not isinstance(algorithm, str) or algorithm not in allowed or not (kid is None or isinstance(kid, str)):
        raise BadIdToken("its signature is of a kind that the issuer does not make")
    key = await issuer.key(kid)
    if key is None:
        raise BadIdToken("it is signed with a key that the issuer does not have")
    if key.get("alg") not in (None, algorithm):
        raise BadIdToken("its signature is of another kind than its key")
    try:
        jws.deserialize_compact(token, key, algorithms=[algorithm])
    except (JoseError, ValueError, TypeError):
        raise BadIdToken("its signature is wrong") from None
    return claims


def check_claims(claims: Mapping[str, Any], issuer: str, client_id: str, nonce: str) -> None:
    """Raises BadIdToken unless the claims answer this very question of this client to this issuer, now."""
    token = CodeIDToken(
        dict(claims),
        {},
        options={"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}},
        params={"nonce": nonce, "client_id": client_id},
    )
    try:
        token.validate(now=int(time.time()), leeway=LEEWAY)
    except JoseError as error:
        raise BadIdToken(f"a claim is wrong: {error.error}") from None
    except (TypeError, ValueError, OverflowError):
        raise BadIdToken("a claim is of a wrong kind") from None
