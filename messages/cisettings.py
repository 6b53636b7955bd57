"""The CI systems whose ID tokens are looked at (`DH_CI_ISSUERS`): which kind, and who signs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from messages.errors import SettingsError
from messages.providersettings import is_safe

GITHUB, GITLAB = "github", "gitlab"
KNOWN = "github=https://token.actions.githubusercontent.com gitlab=https://gitlab.com"


@dataclass(frozen=True, slots=True)
class CiSettings:
    """`provider` is the kind of the system, `github` or `gitlab`; `issuer` its address, compared letter by letter."""

    provider: str
    issuer: str


def ci_issuers_from(environ: Mapping[str, str]) -> tuple[CiSettings, ...]:
    """`KIND=ISSUER`, apart by blanks or commas; empty: no CI job publishes without a token. Raises SettingsError."""
    return tuple(_issuer(word) for word in environ.get("DH_CI_ISSUERS", KNOWN).replace(",", " ").split())


def _issuer(word: str) -> CiSettings:
    kind, _, issuer = word.partition("=")
    parts = urlsplit(issuer)
    whole = bool(parts.hostname) and not (parts.query or parts.fragment or parts.username)
    if kind not in (GITHUB, GITLAB) or not whole or not is_safe(issuer):
        raise SettingsError(
            f"DH_CI_ISSUERS has {word!r}: `github=https://…` or `gitlab=https://…` is expected, the address as the"
            " system's `/.well-known/openid-configuration` has it in `issuer`"
        )
    return CiSettings(kind, issuer)
