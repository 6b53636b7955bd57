"""Makes tokens as an attacker would: like ours, but for what is changed."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.auth.keys import SigningKey

Signer = Callable[[bytes], bytes]
ABSENT = object()
"""A header or claim that is left out."""


def segment(value: Any) -> str:
    """JSON, a text or bytes as base64url without padding."""
    text = (
        value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else json.dumps(value).encode()
    )
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Forge:
    """`token()` alone is good for `rawstore`, signed with the key that really signs."""

    key: SigningKey
    issuer: str
    userid: str

    def header(self, **changed: Any) -> dict[str, Any]:
        """The header of a permission token."""
        return _present({"alg": "EdDSA", "typ": "at+jwt", "kid": self.key.kid, **changed})

    def claims(self, **changed: Any) -> dict[str, Any]:
        """The claims of a permission token."""
        now = int(time.time())
        good: dict[str, Any] = {
            "iss": self.issuer,
            "aud": "rawstore",
            "sub": self.userid,
            "userid": self.userid,
            "jti": "0" * 32,
        }
        good |= {"service": "rawstore", "permissions": {"upload": True}}
        return _present({**good, "iat": now, "exp": now + 600, **changed})

    def token(self, header: Mapping[str, Any] | str | None = None, sign: Signer | None = None, **claims: Any) -> str:
        """A token with a header that is changed (or given as text), claims that are changed, and any signature."""
        head = header if isinstance(header, str) else self.header(**(header or {}))
        return self.signed(head, self.claims(**claims), sign)

    def signed(self, header: Any, claims: Any, sign: Signer | None = None) -> str:
        """Any header and any claims, signed."""
        text = f"{segment(header)}.{segment(claims)}"
        return f"{text}.{segment((sign or self.key.private.sign)(text.encode()))}"


def _present(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not ABSENT}
