"""J: tokens that prove nothing. Each is 401 with a problem and a challenge, whatever is wrong with it."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.auth.tokens import BadToken
from tests.catalogue.forge import ABSENT, Forge, segment
from tests.gateway.canary import Canary
from tests.gateway.conftest import CSV, Answer, Gateway, Publisher, file_entry

Forged = Callable[[Forge], str]
NOW = int(time.time())
LATER = NOW + 1_000_000
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture(scope="module")
def forge(ada: Publisher) -> Forge:
    return Forge(ada.gateway.parts.tokens.keys.signing, ada.gateway.url, ada.id)


async def ask(gateway: Gateway, headers: Any) -> Answer:
    return await gateway.get("/rawstore/info", headers=headers)


def is_refused(answer: Answer) -> bool:
    """401 as every bad token gets it, telling nothing of what was sent."""
    problem = answer.json()
    return (
        answer.status == 401
        and answer.headers["Content-Type"].startswith("application/problem+json")
        and answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        and set(problem) == {"type", "title", "status", "detail", "instance", "errors", "error"}
        and problem["type"] == "urn:datahub:problem:invalid-token"
    )


def unsigned(alg: str, end: str) -> Forged:
    return lambda forge: ".".join(forge.token({"alg": alg}).split(".")[:2]) + end


def by_mac(form: str) -> Forged:
    """HS256 keyed with what everybody knows: our public key in one of the forms that libraries take."""

    def make(forge: Forge) -> str:
        public = forge.key.public
        written = {
            "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "pem-stripped": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip(),
            "der": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            "raw": public.public_bytes(Encoding.Raw, PublicFormat.Raw),
            "ssh": public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
            "jwk": json.dumps(forge.key.jwk()).encode(),
        }[form]
        return forge.token({"alg": "HS256"}, lambda text: hmac.new(written, text, hashlib.sha256).digest())

    return make


def with_key(sign: Callable[[bytes], bytes], **header: Any) -> Forged:
    return lambda forge: forge.token(header, sign)


def changed(**claims: Any) -> Forged:
    return lambda forge: forge.token(**claims)


def headed(**header: Any) -> Forged:
    return lambda forge: forge.token(header)


def rewritten(write: Callable[[str], str]) -> Forged:
    return lambda forge: write(forge.token())


def doubled(header: str = "", claims: str = "") -> Forged:
    """A member twice, the good one last, where a lenient parser keeps the last."""

    def make(forge: Forge) -> str:
        head, body = json.dumps(forge.header()), json.dumps(forge.claims())
        return forge.signed("{" + header + head[1:], "{" + claims + body[1:])

    return make


OTHER = Ed25519PrivateKey.generate()
OTHER_X = segment(OTHER.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
OTHER_JWK = {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "x": OTHER_X}


def by_ec(text: bytes) -> bytes:
    return generate_private_key(SECP256R1()).sign(text, ECDSA(SHA256()))


def by_rsa(text: bytes) -> bytes:
    return generate_rsa(65_537, 2_048).sign(text, PKCS1v15(), SHA256())


def twin(token: str, part: int) -> str:
    """The same bytes written another way: a bit that is left over in a segment's last character is set."""
    parts = token.split(".")
    last = parts[part]
    assert len(last) % 4, "this segment has no bits left over"
    parts[part] = last[:-1] + ALPHABET[ALPHABET.index(last[-1]) | 1]
    return ".".join(parts) if parts[part] != last else token + "="


OTHER_ALGORITHMS: list[Any] = ["RS256", "RS384", "PS256", "HS256", "ES256", "Ed25519", "XX", "", None, []]
FORGED: list[tuple[str, Forged]] = [
    *[("J02", unsigned(alg, end)) for alg in ("none", "None", "NONE", "nOnE") for end in ("", ".", f".{segment('x')}")],
    *[("J03", by_mac(form)) for form in ("pem", "pem-stripped", "der", "raw", "ssh", "jwk")],
    *[("J04", headed(alg=alg)) for alg in OTHER_ALGORITHMS],
    ("J05", with_key(by_ec)),
    ("J05", with_key(by_rsa)),
    ("J05", with_key(OTHER.sign)),
    ("J06", with_key(OTHER.sign, jwk=OTHER_JWK)),
    ("J06", with_key(OTHER.sign, jwk=OTHER_JWK, kid=ABSENT)),
    ("J06", with_key(OTHER.sign, x5c=["AAAA"])),
    *[
        ("J08", headed(kid=kid))
        for kid in ("../../../dev/null", "' OR '1'='1", "\x00", "a\r\nb: c", "x" * 5_000, 7, ["a"], None, ABSENT, "")
    ],
    ("J12", rewritten(lambda token: f"{token}=")),
    ("J12", rewritten(lambda token: f"{token}==")),
    ("J12", rewritten(lambda token: token.replace(".", "=.", 1))),
    ("J12", rewritten(lambda token: token.replace(".", "%3D.", 1))),
    ("J12", rewritten(lambda token: token.replace(".", " .", 1))),
    ("J12", rewritten(lambda token: twin(token, 2))),
    ("J12", rewritten(lambda token: token.rpartition(".")[0] + "." + "+/" * 43)),
    ("J14", headed(crit=["unknown"])),
    ("J14", headed(crit=[])),
    ("J14", headed(crit=["exp"], exp=LATER)),
    ("J14", headed(b64=False, crit=["b64"])),
    ("J14", headed(b64=False)),
    ("J14", headed(zip="DEF")),
    *[
        ("J15", changed(exp=exp))
        for exp in (
            ABSENT,
            None,
            NOW - 31,
            str(NOW + 60),
            float("nan"),
            1e15,
            -1,
            [NOW + 60],
            True,
            NOW + 10 * 365 * 86_400,
        )
    ],
    ("J15", lambda forge: forge.signed(forge.header(), json.dumps(forge.claims())[:-1] + ',"exp":1e400}')),
    *[
        # From when they are asked about: on a busy machine that is minutes after this file was read.
        ("J16", lambda forge: forge.token(iat=int(time.time()) + 300)),
        ("J16", lambda forge: forge.token(nbf=int(time.time()) + 300)),
        ("J16", changed(iat="now")),
        ("J16", changed(iat=ABSENT)),
    ],
    *[
        ("J17", changed(aud=aud))
        for aud in (ABSENT, None, "source", "other", ["source"], ["rawstore"], "rawstore-evil", "raw", "Rawstore", "")
    ],
    *[
        ("J18", changed(iss=iss))
        for iss in (ABSENT, None, "", "h", "http://127.0.0.1", "https://auth.example", ["http://127.0.0.1"])
    ],
    ("J18", lambda forge: forge.token(iss=f"{forge.issuer}/")),
    ("J18", lambda forge: forge.token(iss=forge.issuer.upper())),
    *[("J19", headed(typ=typ)) for typ in ("login+jwt", "JWT", "id+jwt", "AT+JWT", ABSENT, None)],
    ("J19", lambda forge: forge.token({"typ": "login+jwt"}, aud="auth")),
    *[("J20", changed(sub=sub)) for sub in (ABSENT, None, 7, "x" * 4_000, "\x00", "f" * 32, "", "ada")],
    ("J21", doubled(header='"alg":"none",')),
    ("J21", doubled(header='"kid":"other",')),
    ("J21", doubled(claims='"sub":"ffffffffffffffffffffffffffffffff",')),
    ("J21", doubled(claims='"exp":1,')),
    ("J22", rewritten(lambda token: f"{token}.{token.partition('.')[0]}.x")),
    ("J22", rewritten(lambda token: json.dumps({"payload": token.split(".")[1], "signatures": []}))),
    ("J22", lambda _forge: "." * 7_000),
    ("J22", lambda forge: forge.signed(forge.header(), "[]")),
    ("J22", lambda forge: forge.signed(forge.header(), "\xff")),
    ("J22", lambda forge: forge.signed("[" * 100 + "]" * 100, forge.claims())),
]
"""Besides these, the families of Wycheproof's `json_web_signature_test.json` (J13) are made below."""


async def test_a_token_made_like_ours_is_good(gateway: Gateway, forge: Forge) -> None:
    assert (await ask(gateway, {"Auth-Token": forge.token()})).status == 200
    assert (await ask(gateway, {"Authorization": f"bearer {forge.token()}"})).status == 200


@pytest.mark.parametrize("case", sorted({case for case, _ in FORGED}))
async def test_a_forged_token_is_refused(gateway: Gateway, forge: Forge, case: str) -> None:
    for index, (_, make) in enumerate(each for each in FORGED if each[0] == case):
        assert is_refused(await ask(gateway, {"Auth-Token": make(forge)})), f"{case}, number {index}"


async def test_what_is_no_token_at_all_is_refused(gateway: Gateway, forge: Forge) -> None:
    """J01, and J22 where two headers or a header too long are sent."""
    good = forge.token()
    for value in ("", "Bearer", "Bearer ", "Basic eDp5", f"bearer {good} {good}", f"Token {good}", good):
        assert is_refused(await ask(gateway, {"Authorization": value})), value
    assert is_refused(await ask(gateway, {}))
    assert is_refused(await ask(gateway, [("Authorization", "Bearer x"), ("Authorization", f"Bearer {good}")]))
    long = await ask(gateway, {"Auth-Token": "x" * 1_000_000})
    assert (long.status, long.json()["type"]) == (431, "urn:datahub:problem:too-large")


async def test_addresses_in_a_header_are_never_visited(gateway: Gateway, forge: Forge, canary: Canary) -> None:
    """J07."""
    for name in ("jku", "x5u"):
        for sign in (None, OTHER.sign):
            assert is_refused(await ask(gateway, {"Auth-Token": forge.token({name: f"{canary.url}/keys"}, sign)}))
    assert canary.hits == []


async def test_a_thousand_invented_keys_ask_the_database_once(gateway: Gateway, forge: Forge) -> None:
    """J09: good tokens are verified meanwhile."""
    keys = gateway.parts.tokens.keys
    fetches, fetch = [], keys._fetch

    async def counted() -> None:
        fetches.append(1)
        await fetch()

    keys._fetch = counted  # type: ignore[method-assign]  # counted, not replaced: the real one still runs
    try:
        for number in range(1_000):
            with pytest.raises(BadToken):
                await gateway.parts.tokens.verify(forge.token({"kid": f"invented{number}"}), ["rawstore"])
            if not number % 100:
                assert (await ask(gateway, {"Auth-Token": forge.token()})).status == 200
    finally:
        keys._fetch = fetch  # type: ignore[method-assign]
    assert len(fetches) <= 1


def mutations(token: str) -> list[str]:
    """What the invalid vectors of Wycheproof are made of, by family: parts missing, swapped, cut, flipped, foreign."""
    head, body, sign = token.split(".")
    flipped = [_flip(sign, at) for at in range(0, 85, 4)]
    return [
        *(f"{head}.{body}.{each}" for each in flipped),
        *(f"{_flip(head, at)}.{body}.{sign}" for at in range(0, len(head) - 1, 9)),
        *(f"{head}.{_flip(body, at)}.{sign}" for at in range(0, len(body) - 1, 16)),
        *(f"{head}.{body}.{sign[:length]}" for length in (0, 1, 2, 43, 84, 85)),
        *(f"{head}.{body}.{sign}{more}" for more in ("A", "AA", "AAA", "AAAA", sign)),
        *(".".join(parts) for parts in ((body, head, sign), (head, sign, body), (head, body), (head,), ("", "", ""))),
        *(
            ".".join(parts)
            for parts in (("", body, sign), (head, "", sign), (head, body, "", ""), ("", head, body, sign))
        ),
        *(f"{head}.{body}.{segment(number.to_bytes(64, 'big'))}" for number in (0, 1, 2**252, 2**255 - 19, 2**512 - 1)),
        *(token.replace(".", dot) for dot in ("", "..", "%2E", "\u3002", ",")),
        *(f"{space}{token}" for space in ("\u00a0", "\u200b", "%20", "\\n")),
    ]


def _flip(text: str, at: int) -> str:
    return text[:at] + ALPHABET[ALPHABET.index(text[at]) ^ 32] + text[at + 1 :]


async def test_no_mutation_of_a_good_token_is_good(gateway: Gateway, forge: Forge) -> None:
    """J13."""
    token = forge.token()
    accepted = []
    for each in mutations(token):
        try:
            await gateway.parts.tokens.verify(each, ["rawstore"])
        except BadToken:
            continue
        accepted.append(each)
    assert accepted == []
    await gateway.parts.tokens.verify(token, ["rawstore"])


async def test_clocks_may_differ_by_29_seconds(gateway: Gateway, forge: Forge) -> None:
    """J16, the control."""
    now = int(time.time())
    controls: list[dict[str, Any]] = [{"iat": now + 25}, {"nbf": now + 25}, {"iat": now - 600, "exp": now - 25}]
    for claims in controls:
        assert (await ask(gateway, {"Auth-Token": forge.token(**claims)})).status == 200


async def test_a_token_in_an_address_changes_nothing_and_is_not_logged(gateway: Gateway, ada: Publisher) -> None:
    """J23."""
    token, source = await ada.permission("rawstore"), await ada.permission("source")
    body = {"metadata": {"owner": ada.id}, "filedata": {"data.csv": file_entry(CSV)}}
    with structlog.testing.capture_logs() as logs:
        answer = await gateway.post(f"/rawstore/authorize?jwt={token}", json=body)
        pushed = await gateway.post(f"/source/upload?jwt={source}", json={"meta": {"ownerid": ada.id}})
    assert is_refused(answer)
    assert pushed.json()["problems"][0]["rule"] == "not-authorised"
    assert logs
    assert not any(secret in json.dumps(logs, default=str) for secret in (token, source))


async def test_what_was_ended_ends_at_once(gateway: Gateway) -> None:
    """J24: logged out, disabled; what came of another log-in goes on."""
    carl = await gateway.publisher("carl")
    permission = await carl.permission("rawstore")
    other = replace(carl, token=gateway.parts.tokens.issue_user(carl.account))
    others = await other.permission("rawstore")
    assert (await ask(gateway, {"Auth-Token": permission})).status == 200
    await gateway.post("/auth/logout", headers={"Auth-Token": carl.token})
    answer = await gateway.get("/auth/authorize?service=rawstore", headers={"Auth-Token": carl.token})
    assert answer.json() == {"permissions": {}}
    assert is_refused(await ask(gateway, {"Auth-Token": permission}))
    assert (await ask(gateway, {"Auth-Token": others})).status == 200
    await gateway.pool.execute("update account set disabled_at = now() where id = $1", carl.id)
    assert is_refused(await ask(gateway, {"Auth-Token": others}))


async def test_a_token_without_the_permission_is_told_so(gateway: Gateway, forge: Forge) -> None:
    """J25."""
    for permissions in ({}, {"upload": False}, {"read": True}):
        answer = await ask(gateway, {"Auth-Token": forge.token(permissions=permissions)})
        assert (answer.status, answer.json()["type"]) == (403, "urn:datahub:problem:insufficient-scope")
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope"'
    powerless = forge.token(aud="source", permissions={})
    pushed = await gateway.post("/source/upload", json={}, headers={"Auth-Token": powerless})
    assert pushed.json()["problems"][0]["rule"] == "not-authorised"
