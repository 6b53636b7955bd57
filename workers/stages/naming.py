"""Names in the package store: publishers' names reach object keys only as a safe slug."""

from __future__ import annotations

import mimetypes
import re
from pathlib import PurePosixPath

LONGEST = 100
OPAQUE = "application/octet-stream"
ACTIVE = ("text/html", "application/xhtml+xml", "image/svg+xml", "text/javascript", "application/javascript")


def slug(name: str) -> str:
    """Letters, digits, `.`, `_` and `-` of a name, not starting with a dot, never empty."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).lstrip(".-")[:LONGEST] or "file"


def extension(path: str) -> str:
    """The suffix of a path, `.csv` or `` (empty); what is no plain suffix is left out."""
    suffix = PurePosixPath(path).suffix
    return suffix if re.fullmatch(r"\.[A-Za-z0-9]{1,10}", suffix) else ""


def mediatype_of(path: str) -> str:
    """By the name's suffix; nothing that a browser would run."""
    guessed, packed = mimetypes.guess_type(path, strict=False)
    return guessed if guessed and not packed and guessed not in ACTIVE else OPAQUE
