"""Values as texts that are equal exactly where the values are: Python's own hashes of numbers are not far apart enough,
for -1 and -2 share one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any


def exact_text(value: Any) -> str | None:
    """Of a number, or a tuple of numbers; None for anything else. Values are compared within one type only."""
    if isinstance(value, int):
        return hex(value)
    if isinstance(value, float):
        return repr(value + 0.0)  # of both zeros the same
    if isinstance(value, Decimal) and value.is_finite():
        sign, digits, exponent = value.as_tuple()
        written = "".join(map(str, digits)).lstrip("0")
        bare = written.rstrip("0")
        return f"{sign}:{bare}e{int(exponent) + len(written) - len(bare)}" if bare else "0"
    if isinstance(value, tuple):
        parts = [exact_text(part) for part in value]
        return None if None in parts else " ".join(map(str, parts))
    return None
