"""Log-ins of programs: authorization codes with PKCE over loopback, device codes, refresh tokens, and their ends."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import pytest_asyncio
import structlog
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from gateway.auth.oauth.codes import is_loopback_callback
from gateway.auth.oauth.devices import LETTERS
from gateway.auth.oauth.families import new_token
from messages.settings import StoreSettings
from messages.telemetry import without_secrets
from tests import services
from tests.gateway.conftest import PASSWORD, Answer, Gateway, serving, shared_settings
from tests.oidc.visitor import Visitor, visiting

VERIFIER = secrets.token_urlsafe(48)
LISTENER = "http://127.0.0.1:40001/logged-in"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
WISH = {
    "response_type": "code",
    "client_id": "dh",
    "redirect_uri": LISTENER,
    "state": "a-state-of-dh",
    "code_challenge": create_s256_code_challenge(VERIFIER),
    "code_challenge_method": "S256",
    "device": "laptop",
}
AUTHORIZE = f"/auth/oauth/authorize?{urlencode(WISH)}"


@pytest_asyncio.fixture(scope="module")
async def gateway(postgres: services.DatabaseServer, object_store: StoreSettings) -> AsyncIterator[Gateway]:
    async with shared_settings(postgres, object_store) as settings, serving(settings) as gateway:
        for username in ("ada", "bob"):
            await gateway.parts.accounts.add(username, PASSWORD)
        yield gateway


@pytest_asyncio.fixture
async def ada(gateway: Gateway) -> AsyncIterator[Visitor]:
    """Ada's browser, logged in."""
    async with visiting(gateway.url) as visitor:
        answer = await visitor.submit("/auth/login", username="ada", password=PASSWORD)
        assert answer.status == 303
        yield visitor


@pytest_asyncio.fixture
async def fresh(postgres: services.DatabaseServer, object_store: StoreSettings) -> AsyncIterator[Gateway]:
    """A gateway that has counted nothing yet."""
    async with shared_settings(postgres, object_store) as settings, serving(settings) as gateway:
        await gateway.parts.accounts.add("ada", PASSWORD)
        yield gateway


async def code_of(ada: Visitor, **changed: str) -> str:
    """The code that a browser brings after a consent."""
    answer = await ada.submit("/auth/oauth/authorize", **{**WISH, **changed}, act="allow")
    assert answer.status == 303, answer.body
    return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


async def token(gateway: Gateway, **fields: str | None) -> Answer:
    """The answer of the token endpoint; a field that is None is left out."""
    form = {"client_id": "dh", **fields}
    return await gateway.post(
        "/auth/oauth/token", data={name: value for name, value in form.items() if value is not None}
    )


async def redeemed(gateway: Gateway, code: str, **changed: str | None) -> Answer:
    fields = {"code": code, "code_verifier": VERIFIER, "redirect_uri": LISTENER, **changed}
    return await token(gateway, grant_type="authorization_code", **fields)


async def logged_in(gateway: Gateway, ada: Visitor) -> dict[str, Any]:
    """What `dh` holds after a log-in."""
    answer = await redeemed(gateway, await code_of(ada))
    assert answer.status == 200, answer.body
    held: dict[str, Any] = answer.json()
    return held


async def refreshed(gateway: Gateway, refresh_token: str, **more: str) -> Answer:
    return await token(gateway, grant_type="refresh_token", refresh_token=refresh_token, **more)


async def opens(gateway: Gateway, access_token: str) -> bool:
    """Whether a user token is good."""
    answer = await gateway.get("/auth/check", headers={"Auth-Token": access_token})
    return bool(answer.json()["authenticated"])


def error_of(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json().get("error", "")


INVALID = (400, "invalid_grant")


async def test_a_consent_gives_a_program_tokens_that_last_an_hour(gateway: Gateway, ada: Visitor) -> None:
    page = await ada.get(AUTHORIZE)
    assert page.status == 200
    assert b"laptop" in page.body
    assert "form-action 'self' http://127.0.0.1:40001;" in page.headers["Content-Security-Policy"]
    answer = await ada.submit("/auth/oauth/authorize", **WISH, act="allow")
    location = urlsplit(answer.headers["Location"])
    query = parse_qs(location.query)
    assert f"{location.scheme}://{location.netloc}{location.path}" == LISTENER
    assert (query["state"], query["iss"]) == (["a-state-of-dh"], [gateway.url])
    held = await redeemed(gateway, query["code"][0])
    assert held.headers["Cache-Control"] == "no-store"
    assert (held.json()["expires_in"], held.json()["username"]) == (3600, "ada")
    assert await opens(gateway, held.json()["access_token"])


async def test_nobody_is_asked_who_is_not_logged_in_and_a_refusal_is_told(gateway: Gateway, ada: Visitor) -> None:
    answer = await gateway.get(AUTHORIZE)
    assert answer.headers["Location"].startswith("/auth/login?next=/auth/oauth/authorize?response_type")
    answer = await ada.submit("/auth/oauth/authorize", **WISH, act="deny")
    assert parse_qs(urlsplit(answer.headers["Location"]).query)["error"] == ["access_denied"]
    async with ada.session.post(
        f"{gateway.url}/auth/oauth/authorize", data={**WISH, "act": "allow"}, headers={"Origin": "https://evil.example"}
    ) as refused:
        assert refused.status == 403


async def test_a_code_needs_the_secret_it_was_asked_with(gateway: Gateway, ada: Visitor) -> None:
    """O02: PKCE missing, plain, wrong; another client's or another listener's code. A wrong try uses the code up."""
    for method in ("plain", "", "s256"):
        answer = await ada.get(f"/auth/oauth/authorize?{urlencode({**WISH, 'code_challenge_method': method})}")
        assert answer.status == 400, method
    for challenge in ("", "short", "x" * 44, "!" * 43):
        answer = await ada.submit("/auth/oauth/authorize", **{**WISH, "code_challenge": challenge}, act="allow")
        assert answer.status == 400, challenge
    changes: list[dict[str, str | None]] = [
        {"code_verifier": None},
        {"code_verifier": ""},
        {"code_verifier": WISH["code_challenge"]},
        {"code_verifier": secrets.token_urlsafe(48)},
        {"client_id": "other"},
        {"client_id": None},
        {"redirect_uri": "http://127.0.0.1:40002/logged-in"},
        {"redirect_uri": None},
    ]
    for changed in changes:
        code = await code_of(ada)
        assert error_of(await redeemed(gateway, code, **changed)) == INVALID, changed
        assert error_of(await redeemed(gateway, code)) == INVALID, changed
    assert error_of(await redeemed(gateway, "invented")) == INVALID


async def test_a_code_that_is_shown_twice_ends_what_it_was_worth(gateway: Gateway, ada: Visitor) -> None:
    """O02."""
    code = await code_of(ada)
    held = (await redeemed(gateway, code)).json()
    assert error_of(await redeemed(gateway, code)) == INVALID
    assert not await opens(gateway, held["access_token"])
    assert error_of(await refreshed(gateway, held["refresh_token"])) == INVALID


async def test_a_code_is_good_for_a_minute(gateway: Gateway, ada: Visitor) -> None:
    code = await code_of(ada)
    await gateway.pool.execute("update authorization_code set expires_at = now() where used_at is null")
    assert error_of(await redeemed(gateway, code)) == INVALID


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:40001/logged-in",
        "https://127.0.0.1:40001/logged-in",
        "http://127.0.0.1/logged-in",
        "http://127.0.0.1:40001/",
        "http://127.0.0.1:40001/logged-in/",
        "http://127.0.0.1:40001/logged-in?a=1",
        "http://127.0.0.1:40001/logged-in#",
        "http://127.0.0.1:40001/logged-in#a",
        "http://ada@127.0.0.1:40001/logged-in",
        "http://127.0.0.1:40001@evil.example/logged-in",
        "http://127.0.0.1.evil.example:40001/logged-in",
        "http://127.0.0.2:40001/logged-in",
        "http://127.1:40001/logged-in",
        "http://0x7f000001:40001/logged-in",
        "http://evil.example:40001/logged-in",
        "http://127.0.0.1:040001/logged-in",
        "http://127.0.0.1:70000/logged-in",
        "http://127.0.0.1:/logged-in",
        "http://127.0.0.1:40001\\@evil.example/logged-in",
        "HTTP://127.0.0.1:40001/logged-in",
        "",
    ],
)
async def test_a_code_is_sent_to_a_listener_of_dh_and_nowhere_else(ada: Visitor, address: str) -> None:
    """O03."""
    answer = await ada.get(f"/auth/oauth/authorize?{urlencode({**WISH, 'redirect_uri': address})}")
    assert answer.status == 400
    answer = await ada.submit("/auth/oauth/authorize", **{**WISH, "redirect_uri": address}, act="allow")
    assert (answer.status, answer.headers.get("Location")) == (400, None)


def test_any_port_of_loopback_is_a_listener() -> None:
    """O03."""
    for address in ("http://127.0.0.1:1/logged-in", "http://127.0.0.1:65535/logged-in", "http://[::1]:4000/logged-in"):
        assert is_loopback_callback(address)


async def test_a_refresh_token_is_exchanged_once(gateway: Gateway, ada: Visitor) -> None:
    """O06: one that is shown again ends the family, whoever shows it, and the log says so."""
    held = await logged_in(gateway, ada)
    first = (await refreshed(gateway, held["refresh_token"])).json()
    second = (await refreshed(gateway, first["refresh_token"])).json()
    assert await opens(gateway, second["access_token"])
    with structlog.testing.capture_logs() as logs:
        assert error_of(await refreshed(gateway, first["refresh_token"])) == INVALID
    assert [entry for entry in logs if entry["event"] == "refresh_token_reused"]
    for each in (held, first, second):
        assert error_of(await refreshed(gateway, each["refresh_token"])) == INVALID
        assert not await opens(gateway, each["access_token"])
    log = (await ada.get("/auth/check")).json()["profile"]["id"]
    acts = await gateway.pool.fetch("select act, details from audit where ownerid = $1 order by id desc limit 1", log)
    assert [(row["act"], row["details"]["why"]) for row in acts] == [("logged-out", "reused")]


async def test_an_exchange_whose_answer_got_lost_is_asked_again(gateway: Gateway, ada: Visitor) -> None:
    """With the secret of that very exchange, as long as nobody used what it gave; a thief has neither."""
    held = await logged_in(gateway, ada)
    lost = (await refreshed(gateway, held["refresh_token"], attempt="my-own-secret")).json()
    again = (await refreshed(gateway, held["refresh_token"], attempt="my-own-secret")).json()
    assert error_of(await refreshed(gateway, lost["refresh_token"])) == INVALID  # it was taken back
    following = (await refreshed(gateway, again["refresh_token"], attempt="the-next")).json()
    assert await opens(gateway, following["access_token"])
    assert error_of(await refreshed(gateway, held["refresh_token"], attempt="my-own-secret")) == INVALID
    assert not await opens(gateway, following["access_token"])
    other = await logged_in(gateway, ada)
    await refreshed(gateway, other["refresh_token"], attempt="my-own-secret")
    assert error_of(await refreshed(gateway, other["refresh_token"], attempt="guessed")) == INVALID
    assert not await opens(gateway, other["access_token"])


async def test_of_two_exchanges_at_once_one_is_good_and_ends_with_the_other(gateway: Gateway, ada: Visitor) -> None:
    held = await logged_in(gateway, ada)
    answers = await asyncio.gather(*(refreshed(gateway, held["refresh_token"]) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [200, 400, 400, 400]
    assert error_of(await refreshed(gateway, held["refresh_token"])) == INVALID


async def test_secrets_are_only_kept_as_their_hashes(gateway: Gateway, ada: Visitor) -> None:
    code = await code_of(ada)
    held = (await redeemed(gateway, code)).json()
    begun = (await gateway.post("/auth/oauth/device", data={"client_id": "dh"})).json()
    kept = ""
    for table in ("login_family", "refresh_token", "authorization_code", "device_code"):
        kept += str(await gateway.pool.fetch(f"select * from {table}"))  # noqa: S608 our own names
    for secret in (code, held["refresh_token"], held["access_token"], begun["device_code"]):
        assert secret not in kept


async def test_logging_out_ends_the_family_with_all_its_tokens(gateway: Gateway, ada: Visitor) -> None:
    held = await logged_in(gateway, ada)
    asked = await gateway.get("/auth/authorize?service=source", headers={"Auth-Token": held["access_token"]})
    permitted = {"json": {}, "headers": {"Auth-Token": asked.json()["token"]}}
    assert (await gateway.post("/source/ada/none/1/cancel", **permitted)).status == 404
    answer = await gateway.post("/auth/oauth/revoke", data={"token": held["refresh_token"]})
    assert answer.status == 200
    assert not await opens(gateway, held["access_token"])
    assert (await gateway.post("/source/ada/none/1/cancel", **permitted)).status == 401
    assert error_of(await refreshed(gateway, held["refresh_token"])) == INVALID
    assert (await gateway.post("/auth/oauth/revoke", data={"token": "invented"})).status == 200
    held = await logged_in(gateway, ada)
    await gateway.post("/auth/logout", headers={"Auth-Token": held["access_token"]})
    assert error_of(await refreshed(gateway, held["refresh_token"])) == INVALID
    assert (await ada.get("/auth/check")).json()["authenticated"], "the browser's session is its own"


async def test_machines_are_listed_and_logged_out_in_the_settings(gateway: Gateway, ada: Visitor) -> None:
    held = (await redeemed(gateway, await code_of(ada, device="old <laptop>"))).json()
    page = (await ada.get("/settings")).body.decode()
    assert "old &lt;laptop&gt;" in page
    family = page.partition("old &lt;laptop&gt;")[2].partition('name="family" value="')[2].partition('"')[0]
    async with visiting(gateway.url) as bob:
        await bob.submit("/auth/login", username="bob", password=PASSWORD)
        await bob.submit("/settings/end", family=family)
        assert await opens(gateway, held["access_token"])
    assert (await ada.submit("/settings/end", family=family)).status == 303
    assert not await opens(gateway, held["access_token"])


async def test_a_program_s_token_is_no_session(gateway: Gateway, ada: Visitor) -> None:
    """What a program holds for an hour makes no further log-ins."""
    held = await logged_in(gateway, ada)
    cookie = {"Cookie": f"dh_session={held['access_token']}", "Origin": gateway.url}
    for path in ("/auth/oauth/authorize", "/auth/device", "/settings/unlink"):
        answer = await gateway.post(path, data={**WISH, "act": "allow", "user_code": "x"}, headers=cookie)
        assert answer.status in (401, 303), path
        assert "/logged-in" not in answer.headers.get("Location", "")


async def test_a_disabled_account_is_not_refreshed(gateway: Gateway) -> None:
    await gateway.parts.accounts.add("gone", PASSWORD)
    async with visiting(gateway.url) as visitor:
        await visitor.submit("/auth/login", username="gone", password=PASSWORD)
        held, code = await logged_in(gateway, visitor), await code_of(visitor)
    await gateway.pool.execute("update account set disabled_at = now() where username = 'gone'")
    assert error_of(await refreshed(gateway, held["refresh_token"])) == INVALID
    assert error_of(await redeemed(gateway, code)) == INVALID


async def begun(gateway: Gateway) -> dict[str, Any]:
    answer = await gateway.post("/auth/oauth/device", data={"client_id": "dh", "device": "server in the cellar"})
    assert answer.status == 200, answer.body
    codes: dict[str, Any] = answer.json()
    return codes


async def polled(gateway: Gateway, codes: dict[str, Any]) -> Answer:
    """A question that is not too soon after the one before."""
    await gateway.pool.execute("update device_code set asked_at = asked_at - interval '1 hour'")
    return await token(gateway, grant_type=DEVICE_GRANT, device_code=codes["device_code"])


async def test_a_machine_without_a_browser_is_let_in_by_its_code(gateway: Gateway, ada: Visitor) -> None:
    codes = await begun(gateway)
    assert (codes["verification_uri"], codes["interval"]) == (f"{gateway.url}/auth/device", 5)
    assert error_of(await polled(gateway, codes)) == (400, "authorization_pending")
    page = await ada.get(codes["verification_uri_complete"])
    assert codes["user_code"].encode() in page.body
    typed = codes["user_code"].replace("-", " ").lower()
    asked = await ada.submit("/auth/device", user_code=typed)
    for told in (b"server in the cellar", b"127.0.0.1", codes["user_code"].encode(), b"Only agree if"):
        assert told in asked.body
    assert error_of(await polled(gateway, codes)) == (400, "authorization_pending"), "typing a code is no consent"
    assert b"is logged in" in (await ada.submit("/auth/device", user_code=typed, act="allow")).body
    held = (await polled(gateway, codes)).json()
    assert held["username"] == "ada"
    assert await opens(gateway, held["access_token"])
    assert error_of(await polled(gateway, codes)) == INVALID, "single use"
    assert (await ada.submit("/auth/device", user_code=typed)).status == 422


async def test_who_asks_too_often_is_slowed_down(gateway: Gateway) -> None:
    """O05."""
    codes = await begun(gateway)
    assert error_of(await polled(gateway, codes)) == (400, "authorization_pending")
    again = {"grant_type": DEVICE_GRANT, "device_code": codes["device_code"]}
    for pace in (10, 15):
        assert error_of(await token(gateway, **again)) == (400, "slow_down")
        assert await gateway.pool.fetchval("select max(pace) from device_code") == pace
    await gateway.pool.execute("update device_code set asked_at = asked_at - interval '10 seconds'")
    assert error_of(await token(gateway, **again)) == (400, "slow_down")


async def test_a_refused_or_old_device_code_is_told_as_that(gateway: Gateway, ada: Visitor) -> None:
    """O05."""
    denied, old = await begun(gateway), await begun(gateway)
    assert b"Refused" in (await ada.submit("/auth/device", user_code=denied["user_code"], act="deny")).body
    assert error_of(await polled(gateway, denied)) == (400, "access_denied")
    await gateway.pool.execute("update device_code set expires_at = now() where state = 'waiting'")
    assert (await ada.submit("/auth/device", user_code=old["user_code"], act="allow")).status == 422
    assert error_of(await polled(gateway, old)) == (400, "expired_token")
    other = {"grant_type": DEVICE_GRANT, "device_code": old["device_code"], "client_id": "other"}
    assert error_of(await token(gateway, **other)) == INVALID


async def test_user_codes_are_readable_and_not_to_be_guessed(gateway: Gateway) -> None:
    """O05: at least 20 bits; no vowels, no digits, nothing that looks like another."""
    assert len(set(LETTERS)) ** 8 > 2**34
    code = (await begun(gateway))["user_code"]
    assert code[4] == "-"
    assert set(code.replace("-", "")) <= set(LETTERS)


async def test_ten_wrong_codes_are_too_many(fresh: Gateway) -> None:
    """O05: by address, whoever is logged in; the right one is not taken either until then."""
    async with visiting(fresh.url) as visitor:
        await visitor.submit("/auth/login", username="ada", password=PASSWORD)
        codes = await begun(fresh)
        for _ in range(10):
            assert (await visitor.submit("/auth/device", user_code="BBBB-BBBB")).status == 422
        answer = await visitor.submit("/auth/device", user_code=codes["user_code"], act="allow")
        assert (answer.status, 0 < int(answer.headers["Retry-After"]) <= 601) == (429, True)
        assert error_of(await polled(fresh, codes)) == (400, "authorization_pending")


async def test_device_codes_are_not_made_without_end(fresh: Gateway) -> None:
    statuses = []
    for _ in range(13):
        answer = await fresh.post("/auth/oauth/device", data={"client_id": "dh"})
        statuses.append(answer.status)
    assert 429 in statuses
    assert error_of(await fresh.post("/auth/oauth/device", data={})) == (400, "invalid_client")


async def test_what_the_token_endpoint_does_not_know_is_refused_in_its_own_words(gateway: Gateway) -> None:
    assert error_of(await token(gateway, grant_type="password")) == (400, "unsupported_grant_type")
    assert error_of(await token(gateway, grant_type="refresh_token")) == (400, "invalid_request")
    assert error_of(await refreshed(gateway, "dhr_invented")) == INVALID
    assert error_of(await token(gateway, grant_type="refresh_token", client_id="other")) == (400, "invalid_client")


def test_a_refresh_token_is_recognised_in_a_log() -> None:
    secret = new_token()
    assert secret not in without_secrets(f"trouble with {secret}, again")
