"""Tokens: what is refused before and after the signature is looked at."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.auth.keys import SigningKeys
from gateway.auth.tokens import BadToken, ExpiredToken
from tests.gateway.conftest import Gateway, Publisher

Forge = Callable[..., str]


def segment(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


@pytest.fixture
def forge(ada: Publisher) -> Forge:
    """Makes a token like ours, correctly signed with our key, but for what is changed; None leaves a claim out."""
    key = ada.gateway.parts.tokens.keys.signing

    def make(header: Mapping[str, Any] | None = None, private: Any = None, **claims: Any) -> str:
        now = int(time.time())
        good = {
            "iss": ada.gateway.url,
            "aud": "auth",
            "sub": ada.id,
            "jti": "0" * 32,
            "iat": now,
            "exp": now + 60,
        }
        payload = {name: value for name, value in {**good, **claims}.items() if value is not None}
        head = {"alg": "EdDSA", "typ": "login+jwt", "kid": key.kid, **(header or {})}
        signed = f"{segment({k: v for k, v in head.items() if v is not None})}.{segment(payload)}"
        signature = (private or key.private).sign(signed.encode())
        return f"{signed}.{segment(signature)}"

    return make


async def accepts(gateway: Gateway, token: str) -> bool:
    """Whether the token logs somebody in, over HTTP."""
    answer = await gateway.get("/auth/check", headers={"Auth-Token": token})
    assert answer.status == 200
    logged_in: bool = answer.json()["authenticated"]
    return logged_in


async def test_a_token_made_like_ours_is_accepted(gateway: Gateway, forge: Forge) -> None:
    assert await accepts(gateway, forge())


WRONG_CLAIMS: list[dict[str, Any]] = [
    {"exp": None},
    {"exp": 1},
    {"exp": "9999999999"},
    {"exp": 9_999_999_999},
    {"exp": -1},
    {"exp": [9_999_999_999]},
    {"exp": True},
    {"iat": None},
    {"iat": int(time.time()) + 3600},
    {"nbf": int(time.time()) + 3600},
    {"aud": None},
    {"aud": "other"},
    {"aud": "auth-evil"},
    {"aud": "Auth"},
    {"aud": ""},
    {"aud": ["auth"]},
    {"aud": ["other"]},
    {"iss": None},
    {"iss": ""},
    {"iss": "h"},
    {"iss": "http://127.0.0.1"},
    {"iss": ["http://127.0.0.1"]},
    {"sub": None},
    {"sub": 7},
    {"sub": "x" * 100},
    {"sub": "\x00"},
    {"sub": "f" * 32},
    {"jti": None},
    {"jti": 5},
]


async def test_wrong_claims_are_refused_though_signed(gateway: Gateway, forge: Forge) -> None:
    accepted = [claims for claims in WRONG_CLAIMS if await accepts(gateway, forge(**claims))]
    assert accepted == []


async def test_an_issuer_with_a_slash_more_is_another_issuer(gateway: Gateway, forge: Forge) -> None:
    assert not await accepts(gateway, forge(iss=f"{gateway.url}/"))


async def test_clocks_may_differ_by_less_than_half_a_minute(gateway: Gateway, forge: Forge) -> None:
    now = int(time.time())
    assert await accepts(gateway, forge(iat=now + 20, exp=now + 80))
    assert await accepts(gateway, forge(iat=now - 60, exp=now - 20))
    assert not await accepts(gateway, forge(iat=now - 60, exp=now - 40))


FOREIGN_HEADERS: list[dict[str, Any]] = [
    {"alg": "none"},
    {"alg": "None"},
    {"alg": "HS256"},
    {"alg": "RS256"},
    {"alg": "ES256"},
    {"alg": "XX"},
    {"kid": "unknown"},
    {"kid": "../../../dev/null"},
    {"kid": "' OR '1'='1"},
    {"kid": "\x00"},
    {"kid": "x" * 3_000},
    {"kid": 7},
    {"kid": ["a"]},
    {"kid": None},
    {"typ": None},
    {"typ": "at+jwt"},
    {"typ": "JWT"},
    {"jwk": {"kty": "OKP"}},
    {"jku": "http://127.0.0.1:9/"},
    {"x5u": "http://127.0.0.1:9/"},
    {"x5c": ["AAAA"]},
    {"crit": ["exp"]},
    {"crit": []},
    {"b64": False},
    {"zip": "DEF"},
]


async def test_headers_that_we_do_not_write_are_refused(gateway: Gateway, forge: Forge) -> None:
    accepted = [header for header in FOREIGN_HEADERS if await accepts(gateway, forge(header))]
    assert accepted == []


async def test_another_key_under_our_key_id_is_refused(gateway: Gateway, forge: Forge) -> None:
    assert not await accepts(gateway, forge(private=Ed25519PrivateKey.generate()))


async def test_a_mac_keyed_with_our_public_key_is_refused(gateway: Gateway, forge: Forge) -> None:
    pem = (await gateway.get("/auth/public-key")).body
    _, payload, _ = forge().split(".")
    kid = gateway.parts.tokens.keys.signing.kid
    signed = f"{segment({'alg': 'HS256', 'typ': 'login+jwt', 'kid': kid})}.{payload}"
    signature = hmac.new(pem, signed.encode(), hashlib.sha256).digest()
    assert not await accepts(gateway, f"{signed}.{segment(signature)}")


async def test_what_is_not_written_like_a_token_is_refused(gateway: Gateway, forge: Forge) -> None:
    token = forge()
    unsigned = token.rsplit(".", 1)[0]
    written = [
        "",
        "x",
        f"{unsigned}.",
        unsigned,
        f"{token}=",
        f"{token}==",
        f"{token}.x.y",
        token.replace(".", " ."),
        "." * 7000,
        "{}",
    ]
    assert [text for text in written if await accepts(gateway, text)] == []


async def test_a_token_longer_than_8_kb_is_not_even_read(gateway: Gateway, forge: Forge) -> None:
    with pytest.raises(BadToken, match="no token"):
        await gateway.parts.tokens.verify(forge(x="y" * 8000), ["auth"])


async def test_bits_left_over_in_the_last_character_make_another_token(gateway: Gateway, forge: Forge) -> None:
    token = forge()
    # 64 bytes leave 4 unused bits in the signature's last character: flipping one changes no byte.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]
    assert not await accepts(gateway, twin)


async def test_doubled_keys_are_refused(gateway: Gateway, ada: Publisher) -> None:
    key = gateway.parts.tokens.keys.signing
    now = int(time.time())
    head = segment(f'{{"alg":"none","alg":"EdDSA","typ":"login+jwt","kid":"{key.kid}"}}'.encode())
    body = segment({"iss": gateway.url, "aud": "auth", "sub": ada.id, "jti": "0" * 32, "iat": now, "exp": now + 60})
    signature = segment(key.private.sign(f"{head}.{body}".encode()))
    assert not await accepts(gateway, f"{head}.{body}.{signature}")


async def test_a_permission_token_is_no_login_and_a_login_no_permission(gateway: Gateway, ada: Publisher) -> None:
    permission = await ada.permission("rawstore")
    assert not await accepts(gateway, permission)
    answer = await gateway.get("/rawstore/info", headers={"Auth-Token": ada.token})
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert (await gateway.get("/rawstore/info", headers={"Auth-Token": permission})).status == 200


async def test_a_token_for_one_service_opens_no_other(gateway: Gateway, ada: Publisher) -> None:
    answer = await gateway.get("/rawstore/info", headers={"Auth-Token": await ada.permission("source")})
    assert answer.status == 401
    assert "another service" in answer.json()["detail"]


async def test_permission_tokens_can_be_verified_with_the_published_keys_alone(
    gateway: Gateway, ada: Publisher
) -> None:
    keys = (await gateway.get("/.well-known/jwks.json")).json()
    token = await ada.permission("rawstore")
    kid = jwt.get_unverified_header(token)["kid"]
    key = next(jwt.PyJWK(each) for each in keys["keys"] if each["kid"] == kid)
    claims = jwt.decode(token, key, algorithms=["EdDSA"], audience="rawstore", issuer=gateway.url)
    assert (claims["userid"], claims["service"]) == (ada.id, "rawstore")
    assert claims["exp"] - claims["iat"] == 3600
    pem = (await gateway.get("/auth/public-key")).body
    assert jwt.decode(token, pem, algorithms=["EdDSA"], audience="rawstore")["userid"] == ada.id
    assert all("d" not in each for each in keys["keys"])


async def test_a_disabled_account_is_nobody_at_once(gateway: Gateway, ada: Publisher) -> None:
    await gateway.pool.execute("update account set disabled_at = now() where id = $1", ada.id)
    assert not await accepts(gateway, ada.token)


async def test_invented_key_ids_do_not_ask_the_database_each_time(gateway: Gateway, forge: Forge) -> None:
    tokens = gateway.parts.tokens
    calls = []
    fetch = tokens.keys._fetch

    async def counted() -> None:
        calls.append(1)
        await fetch()

    tokens.keys._fetch = counted  # type: ignore[method-assign]  # counted, not replaced: the real one still runs
    for number in range(50):
        with pytest.raises(BadToken):
            await tokens.verify(forge({"kid": f"unknown{number}"}), ["auth"])
    assert len(calls) <= 1


async def test_an_expired_token_says_so(gateway: Gateway, forge: Forge) -> None:
    with pytest.raises(ExpiredToken, match="log in again"):
        await gateway.parts.tokens.verify(forge(iat=1, exp=50), ["auth"])


async def test_processes_share_one_key(gateway: Gateway, ada: Publisher) -> None:
    others = [SigningKeys(gateway.pool) for _ in range(5)]
    await gateway.pool.execute("delete from signing_key")
    await asyncio.gather(*(other.prepare() for other in others))
    assert len({other.signing.kid for other in others}) == 1
    assert await gateway.pool.fetchval("select count(*) from signing_key") == 1
