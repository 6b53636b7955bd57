"""Signatures of webhooks as Standard Webhooks 1.0 has them: HMAC-SHA256 over `id.timestamp.body`, base64, `v1,` before.

Receivers verify with any of its libraries (https://www.standardwebhooks.com).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence

PREFIX = "whsec_"
"""Begins every secret, so that one that leaked is known for what it is."""
KEY_SIZE = 32
"""Bytes; 24 to 64 are allowed."""


def new_secret() -> str:
    """A secret for one webhook."""
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY_SIZE)).decode()


def signature(secret: str, event_id: str, timestamp: int, body: bytes) -> str:
    """One signature; `timestamp` in seconds since 1970."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = hmac.digest(key, f"{event_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(signed).decode()}"


def headers(secrets: Sequence[str], event_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """The three headers; while a secret is exchanged for another there is a signature of each."""
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(secret, event_id, timestamp, body) for secret in secrets),
    }
