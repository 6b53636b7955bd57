"""The services that permission tokens are made for, and what an account may ask of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RAWSTORE = "rawstore"
SOURCE = "source"
METASTORE = "metastore"
FRONTEND = "frontend"

PERMISSIONS: Mapping[str, Mapping[str, Any]] = {
    RAWSTORE: {"upload": True},
    SOURCE: {"publish": True},
    METASTORE: {"search": True},
    FRONTEND: {"read": True},
}
"""Everybody may do everything with what is their own; plans and organisations would decide here."""


def allows(service: str, permissions: Mapping[str, Any]) -> bool:
    """Whether a token with these permissions may be used at a service (user tokens have, and need, none)."""
    return all(permissions.get(name) == value for name, value in PERMISSIONS.get(service, {}).items())
