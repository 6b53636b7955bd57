"""Tokens: a user token says who somebody is, a permission token what they may ask of one service.

Both are JWTs signed with EdDSA (RFC 8037). PyJWT alone takes padded base64, headers it does not know and doubled keys,
so a strict reading comes first (RFC 8725; reasons in `docs/decisions/0005-strict-tokens.md`).
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from gateway.auth.accounts import ACCOUNT_ID, Account
from gateway.auth.compact import NotCompact, read_compact
from gateway.auth.keys import SigningKey, SigningKeys
from gateway.auth.rights import LogIn, Scope

ALGORITHM = "EdDSA"
LONGEST = 8_192
LEEWAY = 30
"""Seconds that clocks may differ."""
USER_LIFETIME = 14 * 24 * 3600
PROGRAM_LIFETIME = 3600
"""Of a user token that a program gets a new one for by itself (`gateway/auth/oauth`)."""
PERMISSION_LIFETIME = 3600
LOGIN = "auth"
"""Audience of user tokens."""

_TYPES = {True: "login+jwt", False: "at+jwt"}
_REQUIRED = ("exp", "iat", "iss", "aud", "sub", "jti")
_JTI = re.compile(r"[0-9a-f]{32}")


class BadToken(Exception):
    """The token proves nothing; the message says why in words that may be told to anybody."""


class ExpiredToken(BadToken):
    """It did once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a good token says; `issued` and `expires` in seconds since 1970. `api_token`: the id of the one that it was
    exchanged for; `login`: what it is, or was exchanged for, where that is a user token."""

    userid: str
    audience: str
    token_id: str
    issued: int
    expires: int
    permissions: Mapping[str, Any]
    api_token: str | None = None
    login: LogIn | None = None


class Tokens:
    """Issues and verifies; `issuer` is the gateway's public address."""

    def __init__(self, keys: SigningKeys, issuer: str) -> None:
        self.keys = keys
        self._issuer = issuer

    async def prepare(self) -> None:
        """Makes or loads the signing keys."""
        await self.keys.prepare()

    def issue_user(self, account: Account) -> str:
        """What a log-in gives: good for 14 days, for asking permission tokens and for looking."""
        return self._issue(account, LOGIN, USER_LIFETIME, {})

    def issue_program(self, account: Account, family: str) -> str:
        """The same for a program that is logged in, good for an hour, and no longer than its family goes on."""
        return self._issue(account, LOGIN, PROGRAM_LIFETIME, {"family": family})

    def issue_permission(
        self,
        account: Account,
        service: str,
        permissions: Mapping[str, Any],
        scope: Scope | None = None,
        login: LogIn | None = None,
    ) -> str:
        """Good for an hour at one service. `userid`, `service`, `permissions` are what the original services read.

        With the `scope` of an API token it is good for no longer than that, and for no more; with a `login` until that
        is logged out.
        """
        more: dict[str, Any] = {"permissions": permissions, "service": service}
        if scope is None:
            came = {"login": login.token_id, "family": login.family} if login else {}
            return self._issue(account, service, PERMISSION_LIFETIME, more | {k: v for k, v in came.items() if v})
        lifetime = min(PERMISSION_LIFETIME, max(1, scope.expires - int(time.time())))
        return self._issue(account, service, lifetime, {**more, "api_token": scope.token_id})

    def _issue(self, account: Account, audience: str, lifetime: int, more: Mapping[str, Any]) -> str:
        key, now = self.keys.signing, int(time.time())
        claims = {
            "iss": self._issuer,
            "aud": audience,
            "sub": account.id,
            "userid": account.id,
            "jti": secrets.token_hex(16),
            "iat": now,
            "exp": now + lifetime,
            **more,
        }
        headers = {"kid": key.kid, "typ": _TYPES[audience == LOGIN]}
        return jwt.encode(claims, key.private, algorithm=ALGORITHM, headers=headers)

    async def verify(self, token: str, audiences: Collection[str]) -> Claims:
        """The claims of a token of ours for one of the audiences; raises BadToken or ExpiredToken."""
        header = read_header(token)
        key = await self.keys.find(header["kid"])
        if key is None:
            raise BadToken("the token is signed with a key that is not ours")
        claims = self._decode(token, key)
        audience = claims["aud"]
        if not isinstance(audience, str) or audience not in audiences:
            raise BadToken("the token is for another service")
        if header["typ"] != _TYPES[audience == LOGIN]:
            raise BadToken("the token is of another kind")
        return _checked(claims, audience)

    def _decode(self, token: str, key: SigningKey) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key.public,
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                leeway=LEEWAY,
                options={"require": list(_REQUIRED), "verify_aud": False, "verify_iat": True},
            )
        except jwt.ExpiredSignatureError:
            raise ExpiredToken("the token has expired: log in again") from None
        except (jwt.PyJWTError, ValueError, OverflowError, TypeError):
            raise BadToken("the token is not one of ours, or was changed") from None
        return claims


def read_header(token: str) -> dict[str, str]:
    """The header of what is written exactly like a token of ours, whoever signed it; raises BadToken."""
    try:
        header, _ = read_compact(token, LONGEST)
    except NotCompact:
        raise BadToken("this is no token") from None
    # An allow-list: `jku`, `x5u`, `jwk`, `crit`, `zip`, `b64` have no meaning here and must not gain one by an update.
    if not isinstance(header, dict) or set(header) != {"alg", "kid", "typ"} or header["alg"] != ALGORITHM:
        raise BadToken("the token's header is not one of ours")
    if not all(isinstance(value, str) and len(value) <= 64 for value in header.values()):
        raise BadToken("the token's header is not one of ours")
    return header


def _checked(claims: Mapping[str, Any], audience: str) -> Claims:
    issued, expires = claims["iat"], claims["exp"]
    if type(issued) is not int or type(expires) is not int:
        raise BadToken("the token's times are not whole seconds")
    longest = USER_LIFETIME if audience == LOGIN else PERMISSION_LIFETIME
    if not 0 < expires - issued <= longest:
        raise BadToken("the token lives longer than tokens may")
    userid, token_id, permissions = claims["sub"], claims["jti"], claims.get("permissions", {})
    if not isinstance(userid, str) or not ACCOUNT_ID.fullmatch(userid) or not isinstance(permissions, dict):
        raise BadToken("the token names nobody")
    others = [claims[name] for name in ("api_token", "login", "family") if name in claims]
    if not all(isinstance(each, str) and _JTI.fullmatch(each) for each in (token_id, *others)):
        raise BadToken("the token has no id of ours")
    return Claims(
        userid=userid,
        audience=audience,
        token_id=token_id,
        issued=issued,
        expires=expires,
        permissions=permissions,
        api_token=claims.get("api_token"),
        login=_login(claims, audience),
    )


def _login(claims: Mapping[str, Any], audience: str) -> LogIn | None:
    """A user token is what its log-in is known by; others name it, unless they came of an API token."""
    token_id = claims["jti"] if audience == LOGIN else claims.get("login")
    return LogIn(token_id=token_id, family=claims.get("family", "")) if token_id else None
