"""What one cell looks like, for telling dialects and headers apart. Schema inference has its own, stricter rules."""

from __future__ import annotations

import re
from functools import lru_cache

INTEGER = re.compile(r"[+-]?\d{1,3}(?:[ ,.'\u00a0]\d{3})+|[+-]?\d+")
DECIMAL = re.compile(
    r"[+-]?(?:\d{1,3}(?:[ ,.'\u00a0]\d{3})+|\d+)[.,]\d*(?:[eE][+-]?\d+)?"
    r"|[+-]?[.,]\d+(?:[eE][+-]?\d+)?|[+-]?\d+[eE][+-]?\d+"
)
MONEY = re.compile(r"[+-]?[$€£¥] ?[+-]?\d[\d., ]*|[+-]?\d[\d., ]* ?(?:[$€£¥%]|EUR|USD|CHF|GBP)")
DATE = re.compile(r"\d{4}[-/.]\d{1,2}(?:[-/.]\d{1,2})?|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d\d)")
TIME = re.compile(
    r"(?:(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})[T ])?"
    r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?(?:Z|[+-]\d\d:?\d\d|[AaPp][Mm]))?"
)
BOOLEAN = re.compile(r"true|false|yes|no", re.IGNORECASE)
ADDRESS = re.compile(
    r"[a-z][a-z0-9+.-]*://[^\s|^<>]+|www\.[^\s|^<>]+|[\w.+-]+@[\w-]+\.[\w.-]+|\d{1,3}(?:\.\d{1,3}){3}"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    re.IGNORECASE,
)
MISSING = frozenset({"na", "n/a", "nan", "null", "none", "-", "--", ".", "..", "...", "?", "#n/a", "(null)", "\\n"})
YEAR = re.compile(r"[12]\d{3}")
KINDS = (
    ("integer", INTEGER),
    ("decimal", DECIMAL),
    ("date", DATE),
    ("time", TIME),
    ("boolean", BOOLEAN),
    ("money", MONEY),
)
LONGEST, LONGEST_ADDRESS = 40, 500


def cell_kind(cell: str) -> str:
    """`blank` (a word for a missing value, too), `integer`, `decimal`, `date`, `time`, `boolean`, `money`, `address`
    or `text`."""
    return _kind(cell.strip()) if len(cell) <= LONGEST_ADDRESS else "text"


@lru_cache(8_192)
def _kind(text: str) -> str:
    if not text or text.lower() in MISSING:
        return "blank"
    if len(text) <= LONGEST:
        kind = next((kind for kind, pattern in KINDS if pattern.fullmatch(text)), "text")
        if kind != "text":
            return kind
    return "address" if ADDRESS.fullmatch(text) else "text"
