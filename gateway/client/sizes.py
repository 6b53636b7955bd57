"""Numbers for people: sizes in decimal units (SI), counts with separators, rates."""

from __future__ import annotations

_UNITS = ("B", "kB", "MB", "GB", "TB")


def amount(count: int, unit: str) -> str:
    """`1.5 MB` for bytes, `1,500 rows` for anything else."""
    return size(count) if unit == "bytes" else plural(count, unit.removesuffix("s"))


def size(count: float) -> str:
    """Bytes with three digits at most: `0 B`, `999 B`, `1.0 kB`, `12.3 MB`."""
    for unit in _UNITS[:-1]:
        # 999.95 would round to 1000.0 of the smaller unit.
        if count < (1000 if unit == "B" else 999.95):
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} {_UNITS[-1]}"


def rate(count: int, seconds: float, unit: str) -> str:
    """How many a second."""
    each = count / max(seconds, 0.001)
    return f"{size(each)}/s" if unit == "bytes" else f"{each:,.0f} {unit}/s"


def short(count: int, unit: str) -> str:
    """A count in at most six characters: `950`, `12.3k`, `4.5M`; bytes as `size` has them."""
    if unit == "bytes":
        return size(count)
    if count < 10_000:
        return f"{count:,}"
    return f"{count / 1e3:.1f}k" if count < 999_950 else f"{count / 1e6:.1f}M"


def duration(seconds: float) -> str:
    """As exact as a guess can be: `5 s`, `40 s`, `3 min`, `2 h`."""
    if seconds < 55:
        return f"{seconds if seconds < 10 else round(seconds, -1):.0f} s"
    return f"{max(seconds / 60, 1):.0f} min" if seconds < 3300 else f"{max(seconds / 3600, 1):.0f} h"


def plural(count: int, noun: str) -> str:
    """`1 row`, `1,500 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
