"""What turns values into text that is safe and readable on a page: the filters of the templates."""

from __future__ import annotations

import json
import unicodedata
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from markupsafe import Markup, escape

LONGEST_CELL = 300
"""Characters of one cell; more is cut and says so."""

_INVISIBLE = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}
_NAMES = (
    *("NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "TAB", "LF", "VT", "FF", "CR", "SO", "SI"),
    *("DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US"),
)
_HARMLESS = {"\u200c", "\u200d", "\u00ad"}
"""Joiners and the soft hyphen belong to ordinary words of many languages."""


def visible(value: object, longest: int = LONGEST_CELL) -> Markup:
    """Text with control, ANSI and bidirectional characters shown as what they are, and cut at `longest` characters.

    Otherwise a cell could reorder the text around it, or hide what a reader is asked to trust (CVE-2021-42574).
    """
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    head = text[:longest]
    shown = escape(head) if head.isprintable() else Markup("").join(_mark(character) for character in head)
    if len(text) > longest:
        shown += Markup('<span class="cut" title="{} characters in all">…</span>').format(f"{len(text):,}")
    return shown


def _mark(character: str) -> Markup:
    if character == "\n":
        return Markup('<span class="control" title="line break">↵</span>')
    if unicodedata.category(character) not in _INVISIBLE or character in _HARMLESS:
        return escape(character)
    code = ord(character)
    symbol = _NAMES[code] if code < len(_NAMES) else f"U+{code:04X}"
    return Markup('<span class="control" title="U+{:04X}">{}</span>').format(code, symbol)


def plain(value: object, longest: int = 10_000) -> str:
    """One line of text for titles and attributes: invisible characters become spaces, the rest is kept."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    kept = (" " if unicodedata.category(c) in _INVISIBLE and c not in _HARMLESS else c for c in text[:longest])
    return " ".join("".join(kept).split())


def size(count: object) -> str:
    """Bytes as people read them: `814 B`, `1.2 MB` (decimal units, as object stores count)."""
    if not isinstance(count, int | float) or isinstance(count, bool):
        return ""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def number(count: object) -> str:
    """A count with its thousands apart."""
    return f"{count:,}" if isinstance(count, int) and not isinstance(count, bool) else ""


def day(moment: datetime | None) -> str:
    """`23 November 2026`."""
    return f"{moment.day} {moment:%B %Y}" if moment else ""


def instant(moment: datetime | None) -> str:
    """ISO 8601 to the second, for `datetime` attributes."""
    return moment.isoformat(timespec="seconds") if moment else ""


def safe_url(value: object) -> str | None:
    """An absolute http(s) address, or None: `javascript:`, `data:`, `//host` and relative ones never become links."""
    if not isinstance(value, str) or len(value) > 2_000:
        return None
    text = value.strip()
    if any(unicodedata.category(c) in _INVISIBLE or c in " \\\"'<>`" for c in text):
        return None
    try:
        parts = urlsplit(text)
        named = bool(parts.hostname) and not parts.username
    except ValueError:
        return None
    return text if parts.scheme in ("http", "https") and named else None


def segment(value: str) -> str:
    """A text as one segment of a URL's path."""
    return quote(value, safe="")


def data_island(value: Any) -> Markup:
    """JSON that cannot end the script element it stands in (HTML, "restrictions for contents of script elements")."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, default=str)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 escaped here
