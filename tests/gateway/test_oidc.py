"""What a provider answers is believed only where it proves something: metadata, keys, ID tokens, userinfo."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from joserfc.jwk import ECKey

from gateway.auth.oidc import documents
from gateway.auth.oidc.documents import Documents, ProviderDown
from gateway.auth.oidc.idtoken import BadIdToken, verified_claims
from gateway.auth.oidc.issuer import PAUSE, STALE, Issuer
from gateway.auth.oidc.provider import OidcProvider, Secrets, SignOnRefused
from messages.providersettings import ProviderSettings
from tests.oidc.liar import CLIENT, NONCE, Liar, a_key, lying

HELD = Secrets(state="state", nonce=NONCE, verifier="v" * 43)
OTHER = a_key()
ELLIPTIC = ECKey.generate_key("P-256", {"kid": "good"})


@pytest_asyncio.fixture
async def fetching() -> AsyncIterator[Documents]:
    fetching = Documents()
    await fetching.open()
    yield fetching
    await fetching.close()


@pytest_asyncio.fixture
async def liar() -> AsyncIterator[Liar]:
    async with lying() as liar:
        yield liar


@pytest.fixture
def issuer(liar: Liar, fetching: Documents) -> Issuer:
    return Issuer(liar.url, fetching)


@pytest.fixture
def provider(liar: Liar, fetching: Documents) -> OidcProvider:
    settings = ProviderSettings(name="liar", label="Liar", issuer=liar.url, client_id=CLIENT, client_secret="s:/ecret")
    return OidcProvider(settings, fetching, "https://data.example.org")


def later(issuer: Issuer, seconds: float) -> None:
    """As if so much time had gone by since the issuer was asked."""
    issuer._asked -= seconds
    issuer._fetched -= seconds


async def test_an_honest_answer_is_a_person(provider: OidcProvider, liar: Liar) -> None:
    person = await provider.person({"code": "c"}, HELD, again=False)
    assert (person.issuer, person.sub, person.name, person.email) == (liar.url, "sue", "Sue", "")
    (form,) = liar.forms
    assert form["code_verifier"] == [HELD.verifier]
    assert form["redirect_uri"] == ["https://data.example.org/auth/oauth_callback/liar"]


def unsigned(liar: Liar) -> str:
    parts = [json.dumps({"alg": "none", "kid": "good"}), json.dumps(liar.claims())]
    return ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in parts) + "."


def doubled(liar: Liar) -> str:
    """Two members of one name: the first of them counts for some, the last for others."""
    head, body, sign = liar.token().split(".")
    text = base64.urlsafe_b64decode(body + "==").decode()
    again = '{"sub":"ada",' + text[1:]
    return f"{head}.{base64.urlsafe_b64encode(again.encode()).rstrip(b'=').decode()}.{sign}"


BAD: dict[str, Callable[[Liar], Any]] = {
    "no token": lambda _liar: None,
    "an object": lambda _liar: {"sub": "sue"},
    "alg none": unsigned,
    "alg none, a signature": lambda liar: unsigned(liar) + "AAAA",
    "another's key": lambda liar: liar.token(OTHER),
    "an unknown key": lambda liar: liar.token(header={"kid": "other"}),
    "an algorithm that is not announced": lambda liar: liar.token(header={"alg": "PS256"}),
    "an algorithm that is not the key's": lambda liar: liar.token(ELLIPTIC, header={"alg": "ES256"}),
    "padding": lambda liar: liar.token() + "=",
    "a member twice": doubled,
    "an address of a key": lambda liar: liar.token(header={"jku": f"{liar.url}/jwks"}),
    "no nonce": lambda liar: liar.token(nonce=None),
    "another nonce": lambda liar: liar.token(nonce="other"),
    "another issuer": lambda liar: liar.token(iss=f"{liar.url}/"),
    "another client": lambda liar: liar.token(aud="other"),
    "two clients, none of them named": lambda liar: liar.token(aud=["other", CLIENT], azp="other"),
    "no audience": lambda liar: liar.token(aud=None),
    "expired": lambda liar: liar.token(exp=int(time.time()) - 31),
    "no end": lambda liar: liar.token(exp=None),
    "of tomorrow": lambda liar: liar.token(iat=int(time.time()) + 86_400),
    "nobody": lambda liar: liar.token(sub=None),
    "an empty sub": lambda liar: liar.token(sub=""),
    "a long sub": lambda liar: liar.token(sub="x" * 256),
    "a sub that is a number": lambda liar: liar.token(sub=7),
    "a sub with a NUL": lambda liar: liar.token(sub="a\x07b"),
}


async def test_an_id_token_that_proves_nothing_is_refused(provider: OidcProvider, liar: Liar) -> None:
    """O01: `nonce`, `iss`; J02, J04, J12, J15, J17, J18, J20, J21 for tokens of others."""
    accepted = []
    for what, make in BAD.items():
        liar.tokens = {"id_token": make(liar), "access_token": "x"}
        try:
            await provider.person({"code": "c"}, HELD, again=False)
        except SignOnRefused:
            continue
        accepted.append(what)
    assert accepted == []


async def test_a_second_proof_must_be_of_just_now(provider: OidcProvider, liar: Liar) -> None:
    liar.tokens = {"id_token": liar.token(auth_time=int(time.time()) - 700)}
    assert (await provider.person({"code": "c"}, HELD, again=False)).sub == "sue"
    with pytest.raises(SignOnRefused):
        await provider.person({"code": "c"}, HELD, again=True)


async def test_an_address_counts_only_where_it_is_verified_and_of_the_same_person(
    provider: OidcProvider, liar: Liar
) -> None:
    for userinfo, email in (
        ({"sub": "sue", "email": "a@b", "email_verified": True}, "a@b"),
        ({"sub": "sue", "email": "a@b", "email_verified": False}, ""),
        ({"sub": "sue", "email": "a@b", "email_verified": 1}, "a@b"),
        ({"sub": "ada", "email": "a@b", "email_verified": True}, ""),
        ({"sub": "sue", "email": ["a@b"], "email_verified": True}, ""),
    ):
        liar.userinfo = userinfo
        assert (await provider.person({"code": "c"}, HELD, again=False)).email == email, userinfo


async def test_who_names_itself_always_does(provider: OidcProvider, liar: Liar) -> None:
    liar.metadata = liar.honest_metadata(authorization_response_iss_parameter_supported=True)
    with pytest.raises(SignOnRefused):
        await provider.person({"code": "c"}, HELD, again=False)
    with pytest.raises(SignOnRefused):
        await provider.person({"code": "c", "iss": "https://evil.example"}, HELD, again=False)
    assert (await provider.person({"code": "c", "iss": liar.url}, HELD, again=False)).sub == "sue"
    assert len(liar.forms) == 1, "a code of another's was sent to this provider"


METADATA: list[dict[str, Any]] = [
    {"issuer": "https://evil.example"},
    {"issuer": None},
    {"jwks_uri": None},
    {"jwks_uri": "http://evil.example/jwks"},
    {"token_endpoint": "file:///etc/passwd"},
    {"authorization_endpoint": "javascript:alert(1)"},
]


@pytest.mark.parametrize("changed", METADATA, ids=str)
async def test_metadata_that_leads_elsewhere_is_not_used(issuer: Issuer, liar: Liar, changed: dict[str, Any]) -> None:
    liar.metadata = liar.honest_metadata(**changed)
    with pytest.raises(ProviderDown):
        await issuer.metadata()
    assert not issuer.answers
    assert "/jwks" not in liar.asked


async def never(_request: web.Request) -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


def answering(**response: Any) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(**response)

    return answer


def broken_keys(liar: Liar) -> dict[str, Any]:
    """J10."""
    good = liar.key.as_dict(private=False)
    return {
        "500": answering(status=500),
        "302": answering(status=302, headers={"Location": f"{liar.url}/other"}),
        "HTML": answering(text="<html>", content_type="text/html"),
        "truncated": answering(text='{"keys": [{"kty": "RSA"'),
        "10 MB": answering(body=b" " * 10_000_000),
        "empty": {"keys": []},
        "twice the same id": liar.key_set(good, OTHER.as_dict(private=False)),
        "never": never,
    }


async def test_a_key_server_that_fails_ends_nothing_for_a_day(
    issuer: Issuer, liar: Liar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """J10: what was fetched stays good; an unknown key stays unknown; what was never fetched is not invented."""
    monkeypatch.setattr(documents, "DEADLINE", 0.5)
    assert (await verified_claims(liar.token(), issuer))["sub"] == "sue"
    for what, keys in broken_keys(liar).items():
        liar.keys = keys
        later(issuer, 700)
        assert (await verified_claims(liar.token(), issuer))["sub"] == "sue", what
        with pytest.raises(BadIdToken):
            await verified_claims(liar.token(header={"kid": "other"}), issuer)
        assert not issuer.answers, what
    assert "/other" not in liar.asked, "a redirect was followed"
    later(issuer, STALE)
    with pytest.raises(ProviderDown):
        await verified_claims(liar.token(), issuer)


async def test_invented_key_ids_ask_the_issuer_once(issuer: Issuer, liar: Liar) -> None:
    """J09, J10."""
    await issuer.metadata()
    later(issuer, PAUSE)
    for number in range(200):
        with pytest.raises(BadIdToken):
            await verified_claims(liar.token(header={"kid": f"invented-{number}"}), issuer)
    assert liar.asked["/jwks"] == 2


async def test_a_new_key_is_found_when_it_is_met(issuer: Issuer, liar: Liar) -> None:
    await verified_claims(liar.token(), issuer)
    new = a_key("new")
    liar.keys = liar.key_set(liar.key.as_dict(private=False), new.as_dict(private=False))
    later(issuer, PAUSE)
    assert (await verified_claims(liar.token(new, {"kid": "new"}), issuer))["sub"] == "sue"


@pytest.mark.parametrize(
    "more",
    [
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"key_ops": "verify"},
        {"use": "sig", "key_ops": ["sign"]},
        {"alg": "RSA-OAEP"},
        {"alg": "RS512"},
        {"kty": "oct", "k": "AAAA"},
    ],
    ids=str,
)
async def test_a_key_that_is_for_something_else_verifies_nothing(issuer: Issuer, liar: Liar, more: Any) -> None:
    """J11."""
    spare = a_key("spare").as_dict(private=False)
    liar.keys = liar.key_set({**liar.key.as_dict(private=False), **more}, spare)
    with pytest.raises(BadIdToken):
        await verified_claims(liar.token(), issuer)
