"""One provider of sign-on: where a visitor is sent, and what the code is worth that they bring back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import structlog
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from gateway.auth.oidc.documents import Documents, ProviderDown
from gateway.auth.oidc.idtoken import BadIdToken, check_claims, verified_claims
from gateway.auth.oidc.issuer import Issuer, Metadata
from messages.providersettings import ProviderSettings

RECENT = 600
"""Seconds for which a log-in counts as one of just now."""
LONGEST_SUB = 255
"""OpenID Connect Core, 2: at most 255 ASCII characters."""
CALLBACK = "/auth/oauth_callback"

_log = structlog.get_logger()


class SignOnRefused(Exception):
    """The provider's answer proves nothing; the message is a sentence for the visitor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who a provider says that somebody is: `issuer` and `sub` prove it, the rest is for show. `email` only where the
    provider says that it is verified."""

    issuer: str
    sub: str
    username: str
    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What one sign-on is held together by: RFC 6749, 10.12; Core, 3.1.2.1; RFC 7636."""

    state: str
    nonce: str
    verifier: str


class OidcProvider:
    """A provider as it is set up here; `redirect_uri` is its own, so that no other can answer in its place."""

    def __init__(self, settings: ProviderSettings, documents: Documents, public_url: str) -> None:
        self.name = settings.name
        self.label = settings.label
        self.issuer = Issuer(settings.issuer, documents)
        self.redirect_uri = f"{public_url}{CALLBACK}/{settings.name}"
        self._settings = settings
        self._documents = documents
        self._public_url = public_url

    def url(self, destination: str) -> str:
        """Where a browser begins."""
        return f"{self._public_url}/auth/sso/{self.name}?{urlencode({'next': destination})}"

    async def authorization_url(self, secrets: Secrets, *, again: bool) -> str:
        """Where the visitor is sent; `again` has them prove who they are although they did before.

        Raises ProviderDown.
        """
        metadata = await self.issuer.metadata()
        address: str = prepare_grant_uri(
            metadata.authorization_endpoint,
            client_id=self._settings.client_id,
            response_type="code",
            redirect_uri=self.redirect_uri,
            scope=self._settings.scopes,
            state=secrets.state,
            nonce=secrets.nonce,
            code_challenge=create_s256_code_challenge(secrets.verifier),
            code_challenge_method="S256",
            prompt="login" if again else None,
            max_age=str(RECENT) if again else None,
        )
        return address

    async def person(self, answer: Mapping[str, str], secrets: Secrets, *, again: bool) -> Person:
        """Who came back with this answer; raises SignOnRefused, ProviderDown."""
        metadata = await self.issuer.metadata()
        self._check_sender(answer, metadata)
        if "error" in answer or not answer.get("code"):
            error = answer.get("error", "")
            _log.info("sign_on_refused_by_provider", provider=self.name, error=error[:100])
            who = "You did not log in at" if error == "access_denied" else "There was no log-in at"
            raise SignOnRefused(f"{who} {self.label}.")
        tokens = await self._exchange(answer["code"], secrets.verifier, metadata)
        try:
            claims = await verified_claims(str(tokens.get("id_token", "")), self.issuer)
            check_claims(claims, self.issuer.url, self._settings.client_id, secrets.nonce)
            if again:
                _check_recent(claims)
            sub = _subject(claims)
        except BadIdToken as error:
            _log.warning("id_token_refused", provider=self.name, reason=str(error))
            raise SignOnRefused(f"What {self.label} says of you could not be verified. Try again.") from None
        told = {**await self._userinfo(tokens, sub, metadata), **claims}
        return _person(self.issuer.url, sub, told)

    def _check_sender(self, answer: Mapping[str, str], metadata: Metadata) -> None:
        """RFC 9207, 2.4: an answer that names another issuer, or none where ours always does, is another's."""
        named = answer.get("iss")
        if named != self.issuer.url and (named is not None or metadata.names_itself):
            _log.warning("sign_on_of_another_issuer", provider=self.name)
            raise SignOnRefused(f"This answer does not come from {self.label}. Begin again.")

    async def _exchange(self, code: str, verifier: str, metadata: Metadata) -> Mapping[str, Any]:
        method = "none"
        if self._settings.client_secret:
            basic = "client_secret_basic" in metadata.auth_methods
            method = "client_secret_basic" if basic else "client_secret_post"
        proof = ClientAuth(self._settings.client_id, self._settings.client_secret, method)
        body = prepare_token_request(
            "authorization_code", redirect_uri=self.redirect_uri, code=code, code_verifier=verifier
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        address, headers, body = proof.prepare("POST", metadata.token_endpoint, headers, body)
        status, tokens = await self._documents.post(address, body, headers)
        if status != 200:
            _log.warning("code_not_exchanged", provider=self.name, status=status, error=str(tokens.get("error"))[:100])
            raise SignOnRefused(f"{self.label} did not confirm this log-in. Begin again.")
        return tokens

    async def _userinfo(self, tokens: Mapping[str, Any], sub: str, metadata: Metadata) -> Mapping[str, Any]:
        """Name and address, which many providers leave out of the ID token; nothing where they cannot be had."""
        access = tokens.get("access_token")
        if not metadata.userinfo_endpoint or not isinstance(access, str):
            return {}
        try:
            told = await self._documents.get(metadata.userinfo_endpoint, {"Authorization": f"Bearer {access}"})
        except (ProviderDown, ValueError) as error:
            _log.info("userinfo_not_had", provider=self.name, reason=str(error))
            return {}
        # Core, 5.3.2: what is said of somebody else is not used.
        return told if told.get("sub") == sub else {}


def _check_recent(claims: Mapping[str, Any]) -> None:
    """A provider that says when somebody proved themselves must have seen it just now; not all say."""
    moment = claims.get("auth_time")
    if isinstance(moment, (int, float)) and time.time() - moment > RECENT + 30:
        raise BadIdToken("the log-in is an old one")


def _subject(claims: Mapping[str, Any]) -> str:
    sub = claims.get("sub")
    if not isinstance(sub, str) or not 0 < len(sub) <= LONGEST_SUB or not sub.isprintable():
        raise BadIdToken("it names nobody")
    return sub


def _person(issuer: str, sub: str, told: Mapping[str, Any]) -> Person:
    verified = told.get("email_verified") in (True, "true")
    return Person(
        issuer=issuer,
        sub=sub,
        username=_line(told.get("preferred_username") or told.get("nickname") or told.get("given_name")),
        name=_line(told.get("name")),
        email=_line(told.get("email")) if verified else "",
    )


def _line(value: Any) -> str:
    """A claim as one short line, whatever a provider put there."""
    text = value if isinstance(value, str) else ""
    return "".join(character for character in text if character.isprintable()).strip()[:200]
