"""What one cell looks like, for telling dialects and headers apart. Schema inference has its own, stricter rules."""

from __future__ import annotations

import re

INTEGER = re.compile(r"[+-]?\d{1,3}(?:[ ,.'\u00a0]\d{3})+|[+-]?\d+")
DECIMAL = re.compile(r"[+-]?(?:\d+[.,]\d*|[.,]\d+)(?:[eE][+-]?\d+)?%?|[+-]?\d+[eE][+-]?\d+")
DATE = re.compile(r"\d{4}[-/.]\d{1,2}(?:[-/.]\d{1,2})?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}")
TIME = re.compile(r"(?:\d{4}-\d\d-\d\d[T ])?\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?")
BOOLEAN = re.compile(r"true|false|yes|no", re.IGNORECASE)
YEAR = re.compile(r"[12]\d{3}")
KINDS = (("integer", INTEGER), ("decimal", DECIMAL), ("date", DATE), ("time", TIME), ("boolean", BOOLEAN))


def cell_kind(cell: str) -> str:
    """`blank`, `integer`, `decimal`, `date`, `time`, `boolean` or `text`."""
    text = cell.strip()
    if not text:
        return "blank"
    if len(text) > 40:
        return "text"
    return next((kind for kind, pattern in KINDS if pattern.fullmatch(text)), "text")
