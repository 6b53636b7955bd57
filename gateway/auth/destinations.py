"""Where a log-in may send somebody afterwards: our own site, or a program listening on their own machine."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")
HOME = "/"
_ODD = re.compile(r"[\x00-\x20\x7f\\]")
"""Browsers drop or reinterpret these in a URL, so what is checked would not be what is visited."""


def safe_destination(wanted: str, public_url: str) -> str:
    """`wanted` where it may be visited, else `/` (RFC 8252, 7.3: loopback with any port)."""
    if not wanted or len(wanted) > 2000 or _ODD.search(wanted):
        return HOME
    try:
        parts = urlsplit(wanted)
        host, port = parts.hostname, parts.port
    except ValueError:
        return HOME
    if not parts.scheme and not parts.netloc:
        return wanted if wanted.startswith("/") and not wanted.startswith("//") else HOME
    if not host or parts.username is not None or parts.password is not None or port == 0:
        return HOME
    ours = urlsplit(public_url)
    if (parts.scheme, parts.netloc.lower()) == (ours.scheme, ours.netloc.lower()):
        return wanted
    return wanted if parts.scheme == "http" and host in LOOPBACK else HOME


def is_loopback(destination: str, public_url: str) -> bool:
    """Whether a safe destination is a program on the visitor's machine, which is handed a token."""
    parts, ours = urlsplit(destination), urlsplit(public_url)
    return bool(parts.netloc) and parts.netloc.lower() != ours.netloc.lower()


def with_token(destination: str, token: str) -> str:
    """The destination with `jwt` merged into its query, last: the original client takes everything after `jwt=`."""
    parts = urlsplit(destination)
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != "jwt"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("jwt", token)]), fragment=""))
