"""One text for one JSON value, however it was written: what hashes of descriptors are made of.

Names in the order of their code points, no white space, a whole number without a fraction. As RFC 8785, but for
numbers: there each is a binary64, here a whole one of any length stays what it is. A value that went through
PostgreSQL's jsonb has the same text as before.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical(value: Any) -> bytes:
    """The text of what a JSON parser returned, in UTF-8; raises ValueError for NaN and infinities."""
    return json.dumps(
        _plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def canonical_sha256(value: Any) -> str:
    """The SHA-256 of the text, in lower-case hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value
