"""Paths of a descriptor: relative, POSIX, inside the package, and nothing else.

The rule is the Data Package standard's (security: no absolute paths, no parents), made strict: what any system on the
way might read as something else than a plain relative path is refused.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from tabular.finding import Finding, shorten

LONGEST = 1_024
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
REMOTE = re.compile(r"(?:https?|ftps?|s3|gs|wss?):", re.IGNORECASE)
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
REVERSING = re.compile(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)


def path_problem(path: object, where: str | None = None) -> Finding | None:
    """Why `path` is not a safe relative path, or None. Rules: `unsafe-path`, and `remote-reference` for an address."""
    if not isinstance(path, str):
        return Finding("unsafe-path", "The path must be a text.", where=where)
    if REMOTE.match(path.strip()):
        message = f"The path {shorten(path)!r} is an address: publish a file of your own, nothing is fetched."
        return Finding("remote-reference", message, where=where)
    why = _why_unsafe(path)
    for _ in range(3):
        # Whoever decodes it once more must not find another path than the one checked.
        decoded = unquote(path)
        if why is not None or decoded == path:
            break
        path, why = decoded, _why_unsafe(decoded)
    if why is None:
        return None
    return Finding("unsafe-path", f"The path {shorten(path)!r} is not allowed: {why}.", where=where)


def _why_unsafe(path: str) -> str | None:
    parts = path.split("/")
    reasons = (
        (not path.strip(), "it is empty"),
        (len(path.encode("utf-8", "surrogatepass")) > LONGEST, f"it is longer than {LONGEST:,} bytes"),
        (CONTROL.search(path) is not None, "it has control characters"),
        ("\\" in path, "it has a backslash"),
        (path.startswith("/"), "it is absolute"),
        (path.startswith(("~", "$")), "it names something outside of the package"),
        (SCHEME.match(path) is not None, "it starts like an address or a drive"),
        (".." in parts, "it leaves the package"),
        ("." in parts or "" in parts, "it has empty parts"),
        (REVERSING.search(path) is not None, "it has characters that turn the direction of writing"),
        (any(part.startswith("-") for part in parts), "a part begins with '-', as an option of a command does"),
        (any(part.endswith((".", " ")) for part in parts), "a part ends with a dot or a blank, which Windows drops"),
        (any(DEVICE.fullmatch(part) for part in parts), "a part is the name of a device on Windows"),
    )
    return next((why for holds, why in reasons if holds), None)
