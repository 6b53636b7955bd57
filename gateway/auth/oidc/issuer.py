"""An issuer of ID tokens as it describes itself: its endpoints and keys, fetched when needed and kept for a while.

OpenID Connect Discovery 1.0, RFC 7517. What was fetched stays good for a day when the issuer does not answer; an
unknown key id makes us look for new keys at most every 30 seconds, however many tokens are invented.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import structlog
from authlib.oidc.discovery import get_well_known_url
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

from gateway.auth.oidc.documents import Documents, ProviderDown
from messages.providersettings import is_safe

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures that are looked at; never `none`, never one whose key the client and the provider share."""
FRESH = 600.0
"""Seconds after which what was fetched is fetched again."""
STALE = 24 * 3600.0
"""Seconds for which it is used when that fails."""
PAUSE = 30.0
"""Seconds between looks for a key that is not there, and between questions to an issuer that did not answer."""
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What an issuer says of itself. `names_itself`: its answers carry `iss` (RFC 9207); `userinfo_endpoint` may be
    empty; `auth_methods`: how a client may prove itself at the token endpoint."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    algorithms: Sequence[str]
    auth_methods: Sequence[str]
    names_itself: bool


class Issuer:
    """One issuer, by its address, which is compared letter by letter.

    One that does not sign people on, such as a CI system, needs no endpoints, and has its keys at its own address.
    """

    def __init__(
        self, url: str, documents: Documents, *, algorithms: Sequence[str] = ALGORITHMS, signs_on: bool = True
    ) -> None:
        self.url = url
        self._algorithms = algorithms
        self._signs_on = signs_on
        self._documents = documents
        self._lock = asyncio.Lock()
        self._metadata: Metadata | None = None
        self._keys: Mapping[str, Key] = {}
        self._fetched = self._asked = float("-inf")
        self.answers = True
        """Whether it did when it was asked last."""

    async def metadata(self) -> Metadata:
        """Its endpoints; raises ProviderDown where they were never fetched, or last a day ago."""
        await self._refresh(older_than=FRESH)
        if self._metadata is None:
            raise ProviderDown(f"{self.url} does not answer")
        return self._metadata

    async def key(self, kid: str | None) -> Key | None:
        """The key with this id (None: the only one there is), None where there is none; raises ProviderDown."""
        await self.metadata()
        if self._pick(kid) is None:
            await self._refresh(older_than=PAUSE)
        return self._pick(kid)

    def _pick(self, kid: str | None) -> Key | None:
        if kid is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)

    async def _refresh(self, older_than: float) -> None:
        async with self._lock:
            now = time.monotonic()
            if now - self._fetched < older_than or now - self._asked < PAUSE:
                return
            self._asked = now
            try:
                metadata = self._read(await self._documents.get(get_well_known_url(self.url, external=True)))
                keys = usable_keys(await self._documents.get(metadata.jwks_uri))
            except ProviderDown as error:
                _log.warning("provider_down", issuer=self.url, reason=str(error))
                self.answers = False
                if now - self._fetched > STALE:
                    self._metadata, self._keys = None, {}
                return
            self._metadata, self._keys, self._fetched, self.answers = metadata, keys, now, True

    def _read(self, document: Mapping[str, Any]) -> Metadata:
        if document.get("issuer") != self.url:
            raise ProviderDown(f"{self.url} calls itself {document.get('issuer')!r}")
        for name in _ENDPOINTS if self._signs_on else _ENDPOINTS[-1:]:
            if not isinstance(document.get(name), str) or not is_safe(document[name]):
                raise ProviderDown(f"{self.url} has no {name} that can be asked safely")
        if not self._signs_on and urlsplit(document["jwks_uri"]).netloc != urlsplit(self.url).netloc:
            raise ProviderDown(f"{self.url} has its keys elsewhere")
        userinfo = document.get("userinfo_endpoint")
        return Metadata(
            **{name: str(document.get(name, "")) for name in _ENDPOINTS},
            userinfo_endpoint=userinfo if isinstance(userinfo, str) and is_safe(userinfo) else "",
            algorithms=[
                each for each in _texts(document, "id_token_signing_alg_values_supported") if each in self._algorithms
            ],
            auth_methods=_texts(document, "token_endpoint_auth_methods_supported") or ["client_secret_basic"],
            names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        )


def _texts(document: Mapping[str, Any], name: str) -> list[str]:
    values = document.get(name)
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def usable_keys(document: Mapping[str, Any]) -> dict[str, Key]:
    """The keys of a set that may verify, by id (empty: the key has none); what is for something else is left out.

    Raises ProviderDown where there is none, or where two share an id: which of them is meant would be a guess.
    """
    listed = document.get("keys")
    keys = [key for key in listed if isinstance(key, dict) and _may_verify(key)] if isinstance(listed, list) else []
    usable: dict[str, Key] = {}
    for key in keys:
        kid = str(key.get("kid", ""))
        if kid in usable:
            raise ProviderDown("two keys of the set have the same id")
        try:
            usable[kid] = JWKRegistry.import_key(key)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    if not usable:
        raise ProviderDown("there is no key in the set that could verify anything")
    return usable


def _may_verify(key: Mapping[str, Any]) -> bool:
    operations = key.get("key_ops", ["verify"])
    return (
        key.get("kty") in ("RSA", "EC", "OKP")
        and key.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and key.get("alg", ALGORITHMS[0]) in ALGORITHMS
    )
