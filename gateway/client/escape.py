"""Text of others (cells, file names, server messages) made harmless for a terminal.

A cell may carry escape sequences that recolour, rename or retype a terminal (CWE-150), or direction marks that show
another text than is there; none of them reaches the screen.
"""

from __future__ import annotations

import unicodedata

_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_COMBINING_LIMIT = 4


def escape(text: object, limit: int = 1000) -> str:
    """One line of at most `limit` characters: controls as `\\x1b` or `\\u202e`, long runs of combining marks cut."""
    shown: list[str] = []
    combining = 0
    for char in str(text)[:limit]:
        combining = combining + 1 if unicodedata.combining(char) else 0
        if combining > _COMBINING_LIMIT:
            continue
        shown.append(_escaped(char) if unicodedata.category(char) in _UNSAFE else char)
    return "".join(shown) + ("…" if len(str(text)) > limit else "")


def _escaped(char: str) -> str:
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char) or ascii(char).strip("'").replace("\\\\", "\\")
