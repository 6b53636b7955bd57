"""A signed token in its compact form, read strictly: libraries take padding, bits left over and doubled members."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from tabular import strictjson

_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_DEPTH = 8


class NotCompact(Exception):
    """It is written in no way that a token may be written in."""


def read_compact(token: str, longest: int) -> tuple[Any, Any]:
    """Header and claims as JSON values, before any signature is looked at; raises NotCompact (RFC 7515, 7.1)."""
    if len(token) > longest or not _TOKEN.fullmatch(token):
        raise NotCompact
    header, claims, _ = (_segment(segment) for segment in token.split("."))
    try:
        return strictjson.parse(header, max_depth=_DEPTH), strictjson.parse(claims, max_depth=_DEPTH)
    except strictjson.StrictJSONError:
        raise NotCompact from None


def _segment(segment: str) -> bytes:
    try:
        content = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except binascii.Error:
        raise NotCompact from None
    # Bits left over in the last character would let one token be written in several ways.
    if base64.urlsafe_b64encode(content).rstrip(b"=").decode() != segment:
        raise NotCompact
    return content
