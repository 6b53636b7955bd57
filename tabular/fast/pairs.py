"""The pair of numbers that stands for a value where the keys of two tables are compared: Python's half of the kernel.

Values that are equal in Python have one pair, whatever their types and however they were written, for that is how
frictionless compares them: 1, 1.0 and true are one key, "1" is another. Integers, decimals of at most 18 digits, dates
and times of whole seconds have exact pairs, which no other value shares; texts and the rest are hashed with secrets.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from tabular.fast.accept import mixed, signed
from tabular.fast.layout import NEVER_CHECK, NO_KEY, NULL_CHECK, SCALES

PRIME = 2**61 - 1
STEP = 7
TAGS = {"date": 101, "datetime": 102, "time": 103, "yearmonth": 104}
"""The checks of calendar values, by type; those of decimals are below."""
COMPARED = frozenset({"string", "any", "integer", "number", "boolean", "year", *TAGS})
"""The types whose values have pairs."""
NULL_PAIR, NEVER = (NO_KEY, NULL_CHECK), (NO_KEY, NEVER_CHECK)

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Secrets:
    """What both tables' numbers are made with; another run has others, so that nobody can prepare a collision."""

    seed: int = field(default_factory=lambda: secrets.randbits(64))
    points: tuple[int, int] = field(default_factory=lambda: (_point(), _point()))

    @property
    def words(self) -> tuple[int, int, int]:
        """The seed and both points."""
        return (self.seed, *self.points)

    def of_text(self, text: bytes) -> Pair:
        """The kernel's `text_pair`."""
        words = [int.from_bytes(text[at : at + STEP], "little") for at in range(0, len(text), STEP)]
        one, other = (_polynomial([1, 0, len(text), *words], point) for point in self.points)
        return one, other

    def of(self, value: Any) -> Pair:
        """The pair of one value. Raises TypeError for one of a type that is not `COMPARED`."""
        if value is None:
            return NULL_PAIR
        if isinstance(value, str):
            return self.of_text(value.encode("utf-8", "surrogatepass"))
        if isinstance(value, int | float | Decimal):
            return self._of_number(Decimal(value))
        if isinstance(value, date | time | tuple):
            return self._of_moment(value)
        raise TypeError(f"no key: {type(value).__name__}")

    def of_key(self, values: Sequence[Any]) -> Pair:
        """The kernel's `combined`."""
        pairs = [self.of(value) for value in values]
        if all(pair == NULL_PAIR for pair in pairs):
            return NULL_PAIR
        if NEVER in pairs:
            return NEVER
        if len(pairs) == 1:
            return pairs[0]
        words = [half for pair in pairs for word in pair for half in divmod(word % 2**64, 2**32)]
        one, other = (_polynomial([1, *words], point) for point in self.points)
        return one, other

    def _of_number(self, value: Decimal) -> Pair:
        if value.is_nan():
            return NEVER
        sign, digits, exponent = value.as_tuple()
        if not isinstance(exponent, int):
            return self._hashed(f"{sign} infinity")
        written = "".join(map(str, digits)).lstrip("0")
        bare = written.rstrip("0")
        if not bare:
            return 0, 0
        exponent += len(written) - len(bare)
        scale = max(-exponent, 0)
        if len(bare) + max(exponent, 0) > 18 or scale >= SCALES:
            return self._hashed(f"{sign} {bare} {exponent}")
        number = int(bare) * 10 ** max(exponent, 0) * (-1 if sign else 1)
        return (signed(mixed(mixed(0, scale), number)) if scale else number), scale

    def _of_moment(self, value: Any) -> Pair:
        """Aware and naive ones are never equal, aware ones are where they mean the same instant. One whose zone is a
        day or more away means none: Python refuses to compare it."""
        try:
            tag, parts, rest = _parts(value)
        except ValueError:
            return NEVER
        number = 0
        for part, base in zip(parts, (13, 32, 24, 60, 60), strict=False):
            number = (number + part) * base
        number += parts[5]
        if rest is None and 0 <= number < 2**60:
            return number * 2 + (tag < 0), abs(tag)
        return self._hashed(f"{tag} {parts} {rest}")

    def _hashed(self, text: str) -> Pair:
        key = b"".join(point.to_bytes(8, "little") for point in self.points)
        digest = hashlib.blake2b(text.encode(), digest_size=16, key=key).digest()
        return int.from_bytes(digest[:8], "little", signed=True) >> 1, int.from_bytes(digest[8:], "little", signed=True)


def _parts(value: Any) -> tuple[int, tuple[int, ...], Any]:
    """(tag, negative when aware; year to second; what else tells it from others)."""
    if isinstance(value, tuple):
        return TAGS["yearmonth"], (*value, 1, 0, 0, 0), None
    if isinstance(value, time):
        clock = (value.hour, value.minute, value.second)
        offset = value.utcoffset()
        if offset is None:
            return TAGS["time"], (1, 1, 1, *clock), value.microsecond or None
        since = timedelta(hours=clock[0], minutes=clock[1], seconds=clock[2], microseconds=value.microsecond) - offset
        return -TAGS["time"], (1, 1, 1, 0, 0, 0), since
    if not isinstance(value, datetime):
        return TAGS["date"], (value.year, value.month, value.day, 0, 0, 0), None
    offset = value.utcoffset()
    tag = TAGS["datetime"] if offset is None else -TAGS["datetime"]
    if offset:
        since = value.replace(tzinfo=None) - datetime.min - offset  # noqa: DTZ901 the zone is in `offset`
        if not timedelta(0) <= since <= datetime.max - datetime.min:  # noqa: DTZ901
            return tag, (0, 0, 0, 0, 0, 0), since
        value = value.astimezone(UTC)
    parts = (value.year, value.month, value.day, value.hour, value.minute, value.second)
    return tag, parts, value.microsecond or None


def _polynomial(words: Sequence[int], point: int) -> int:
    value = 0
    for word in words:
        value = (value * point + word) % PRIME
    return value


def _point() -> int:
    return secrets.randbelow(PRIME - 1) + 1
