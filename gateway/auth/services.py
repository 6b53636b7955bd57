"""The services that permission tokens are made for, and what an account may ask of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.auth.rights import Action, Scope

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
"""Everybody may ask for everything; what of it they may do to whom, `rights` says of each request."""

_NEEDED = {RAWSTORE: Action.PUBLISH, SOURCE: Action.PUBLISH, METASTORE: Action.READ, FRONTEND: Action.READ}


def opens(service: str, scope: Scope | None) -> bool:
    """Whether a permission token for this service may be made for what has this scope (None: everything)."""
    return service in _NEEDED and (scope is None or _NEEDED[service] in scope.actions)


def allows(service: str, permissions: Mapping[str, Any]) -> bool:
    """Whether a token with these permissions may be used at a service (user tokens have, and need, none)."""
    return all(permissions.get(name) == value for name, value in PERMISSIONS.get(service, {}).items())
