"""Text that is something else than a CSV: HTML, XML, JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path

MARKUP = re.compile(r"<(?:!doctype\s+html|html|head|body|table|div)\b", re.IGNORECASE)
XML = re.compile(r"<\?xml\b|<!DOCTYPE\b|<!--|<[A-Za-z_][\w.:-]*(?:\s[^<>]*)?/?>", re.DOTALL)
JSON_START = re.compile(r'\{\s*(?:"[^"\\\r\n]*"\s*:|\})|\[\s*(?:[\[{"\]\d-]|true|false|null)')
PARSED = 4_000_000
TAIL = 64


def text_kind(path: Path, head: str) -> str | None:
    """What a text file that starts with `head` (not blank) is, as a noun, or None when it may well be a CSV."""
    start = head.lstrip("\ufeff \t\r\n")
    if MARKUP.match(start):
        return "an HTML page"
    if start.startswith("<") and XML.match(start) and _tail(path).endswith(b">"):
        return "an XML document"
    if JSON_START.match(start) and _is_json(path, start):
        return "a JSON document"
    return None


def _is_json(path: Path, start: str) -> bool:
    """A small file is JSON when it parses, whole or its first line (JSON lines); of a big one the ends must fit."""
    first_line = start.split("\n", 1)[0].strip()
    if _parses(first_line):
        return start.startswith("{") or (path.stat().st_size <= PARSED and _parses(path.read_text("utf-8", "replace")))
    if path.stat().st_size <= PARSED:
        return _parses(path.read_text("utf-8", "replace").lstrip("\ufeff"))
    return _tail(path).endswith(b"}" if start.startswith("{") else b"]")


def _parses(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        return file.read().rstrip()
