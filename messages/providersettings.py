"""Providers of sign-on (OpenID Connect), from the environment: `DH_OIDC_<NAME>_ISSUER` and its neighbours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from messages.errors import SettingsError

PREFIX = "DH_OIDC_"
LOCAL = "local"
"""What accounts with a password of ours are called beside the providers."""
SCOPES = "openid profile email"
_VARIABLE = re.compile(
    r"DH_OIDC_([A-Z0-9]+(?:_[A-Z0-9]+)*?)_(ISSUER|CLIENT_ID|CLIENT_SECRET|CLIENT_SECRET_FILE|LABEL|SCOPES)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """Who may say who somebody is. `name` is in addresses, `label` on buttons; without a `client_secret` we are a
    public client; `scopes` as they are asked for."""

    name: str
    label: str
    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    scopes: str = SCOPES


def providers_from(environ: Mapping[str, str]) -> tuple[ProviderSettings, ...]:
    """The providers in the environment, by name; raises SettingsError that names the variable and what to do."""
    found: dict[str, dict[str, str]] = {}
    for variable, value in sorted(environ.items()):
        if not variable.startswith(PREFIX) or not value.strip():
            continue
        match = _VARIABLE.fullmatch(variable)
        if match is None:
            raise SettingsError(f"{variable} is none of DH_OIDC_<NAME>_ISSUER, …_CLIENT_ID: see docs/log-in.md")
        found.setdefault(match[1], {})[match[2]] = value.strip()
    providers = tuple(_provider(name, values) for name, values in found.items())
    _refuse_twins(providers)
    return providers


def _provider(variable: str, values: Mapping[str, str]) -> ProviderSettings:
    name = variable.lower().replace("_", "-")
    if name == LOCAL:
        raise SettingsError(f"{PREFIX}{variable}_…: the name {LOCAL!r} is that of the accounts here; choose another")
    for wanted in ("ISSUER", "CLIENT_ID"):
        if wanted not in values:
            raise SettingsError(f"{PREFIX}{variable}_{wanted} is not set: see docs/log-in.md")
    scopes = values.get("SCOPES", SCOPES)
    if "openid" not in scopes.split():
        raise SettingsError(f"{PREFIX}{variable}_SCOPES is {scopes!r}: `openid` must be among them")
    return ProviderSettings(
        name=name,
        label=values.get("LABEL", name.replace("-", " ").capitalize()),
        issuer=_issuer(f"{PREFIX}{variable}_ISSUER", values["ISSUER"]),
        client_id=values["CLIENT_ID"],
        client_secret=_secret(f"{PREFIX}{variable}_CLIENT_SECRET", values),
        scopes=" ".join(scopes.split()),
    )


def _secret(variable: str, values: Mapping[str, str]) -> str:
    path = values.get("CLIENT_SECRET_FILE")
    if path is None:
        return values.get("CLIENT_SECRET", "")
    if "CLIENT_SECRET" in values:
        raise SettingsError(f"{variable} and {variable}_FILE are both set: one of them is enough")
    try:
        secret = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a text"
        raise SettingsError(f"{variable}_FILE is {path!r}, which cannot be read: {reason}") from None
    if not secret:
        raise SettingsError(f"{variable}_FILE is {path!r}, which is empty")
    return secret


def _issuer(variable: str, url: str) -> str:
    """The issuer as its provider writes it, for it is compared letter by letter."""
    try:
        parts = urlsplit(url)
        whole = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        whole = False
    if not whole or not is_safe(url) or parts.query or parts.fragment or parts.username:
        raise SettingsError(
            f"{variable} is {url!r}: an https:// address without query or user name is expected, as the provider's"
            " `/.well-known/openid-configuration` has it in `issuer`"
        )
    return url


def is_safe(url: str) -> bool:
    """Whether nobody on the way can read or change what is said to this address: TLS, or this very machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme != "http" or host == "localhost":
            return parts.scheme in ("http", "https")
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _refuse_twins(providers: tuple[ProviderSettings, ...]) -> None:
    seen: dict[str, str] = {}
    for provider in providers:
        if provider.issuer in seen:
            raise SettingsError(
                f"DH_OIDC_…_ISSUER is {provider.issuer!r} for both {seen[provider.issuer]!r} and {provider.name!r}:"
                " an issuer says who somebody is once"
            )
        seen[provider.issuer] = provider.name
