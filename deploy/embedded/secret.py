"""Secrets made at first start and kept in files that only their owner reads."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write `text` to `path` with mode 0600, whole or not at all."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    unfinished.rename(path)


def kept_secret(path: Path) -> str:
    """Return the secret kept in `path`; the first call makes it (43 URL-safe characters, 256 bits)."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32))
    return path.read_text()
