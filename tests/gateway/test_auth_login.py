"""Logging in: the page, programs, where one is sent afterwards, and who may not guess."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.auth.accounts import AccountRefused
from gateway.auth.destinations import safe_destination, with_token
from tests.gateway.conftest import PASSWORD, Answer, Gateway, Publisher

OURS = "https://data.example.org"


async def submit(gateway: Gateway, origin: str | None = "", **fields: str) -> Answer:
    """Sends the log-in form as a browser on our own page does (`origin` None: without saying where it comes from)."""
    headers = {} if origin is None else {"Origin": origin or gateway.url}
    return await gateway.post("/auth/login", data=fields, headers=headers)


async def test_the_page_logs_in_with_a_cookie_that_scripts_cannot_read(gateway: Gateway, ada: Publisher) -> None:
    page = await gateway.get("/auth/login")
    assert page.status == 200
    assert b'name="password"' in page.body
    answer = await submit(gateway, username="Ada", password=PASSWORD, next="/ada/prices")
    assert (answer.status, answer.headers["Location"]) == (303, "/ada/prices")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    token = cookie.partition("dh_session=")[2].partition(";")[0]
    check = await gateway.get("/auth/check", headers={"Cookie": f"dh_session={token}"})
    assert check.json()["profile"]["username"] == "ada"
    assert check.headers["Cache-Control"] == "no-store"


async def test_a_program_on_loopback_gets_the_token_last_in_its_query(gateway: Gateway, ada: Publisher) -> None:
    answer = await submit(gateway, username="ada", password=PASSWORD, next="http://localhost:3000/?a=1")
    location = urlsplit(answer.headers["Location"])
    assert (location.netloc, parse_qs(location.query)["a"]) == ("localhost:3000", ["1"])
    token = answer.headers["Location"].partition("jwt=")[2]
    assert (await gateway.get(f"/auth/check?jwt={token}")).json()["profile"]["id"] == ada.id


async def test_the_form_may_be_followed_to_loopback_and_nowhere_else(gateway: Gateway) -> None:
    page = await gateway.get("/auth/login?next=http://localhost:3000")
    assert "form-action 'self' http://localhost:3000;" in page.headers["Content-Security-Policy"]
    page = await gateway.get("/auth/login?next=http://evil.example")
    assert "form-action 'self';" in page.headers["Content-Security-Policy"]
    assert b'name="next" value="/"' in page.body


async def test_a_wrong_password_says_no_more_than_an_unknown_name(gateway: Gateway, ada: Publisher) -> None:
    wrong = await submit(gateway, username="ada", password="wrong password")
    unknown = await submit(gateway, username="nobody", password="wrong password")
    assert wrong.status == unknown.status == 401
    assert "Set-Cookie" not in wrong.headers
    assert wrong.body.replace(b"ada", b"") == unknown.body.replace(b"nobody", b"")


async def test_other_sites_cannot_log_somebody_in(gateway: Gateway, ada: Publisher) -> None:
    for origin in ("https://evil.example", "null", f"{gateway.url}.evil.example", None):
        answer = await submit(gateway, origin, username="ada", password=PASSWORD)
        assert answer.status == 403
        assert "Set-Cookie" not in answer.headers


async def test_programs_log_in_with_json(gateway: Gateway, ada: Publisher) -> None:
    for path in ("/auth/token", "/auth/login"):
        answer = await gateway.post(path, json={"username": "ada", "password": PASSWORD})
        assert answer.status == 200
        assert "Set-Cookie" not in answer.headers
        check = await gateway.get("/auth/check", headers={"Authorization": f"Bearer {answer.json()['token']}"})
        assert check.json()["authenticated"] is True
    answer = await gateway.post("/auth/token", json={"username": "ada", "password": "wrong password"})
    assert (answer.status, answer.headers["Content-Type"].split(";")[0]) == (401, "application/problem+json")
    answer = await gateway.post("/auth/token", json={"username": ["ada"], "password": {}})
    assert answer.status == 422


async def test_guessing_is_stopped_for_that_account_and_address_only(gateway: Gateway, ada: Publisher) -> None:
    bob = await gateway.publisher("bob")
    for _ in range(10):
        answer = await gateway.post("/auth/token", json={"username": "ada", "password": "wrong password"})
        assert answer.status == 401
    answer = await gateway.post("/auth/token", json={"username": "ADA", "password": PASSWORD})
    assert answer.status == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 301
    answer = await gateway.post("/auth/token", json={"username": bob.account.username, "password": PASSWORD})
    assert answer.status == 200


async def test_a_token_that_was_logged_out_is_good_for_nothing(gateway: Gateway, ada: Publisher) -> None:
    cookie = {"Cookie": f"dh_session={ada.token}"}
    answer = await gateway.post("/auth/logout", headers={**cookie, "Origin": "https://evil.example"})
    assert answer.status == 403
    assert (await gateway.get("/auth/check", headers=cookie)).json()["authenticated"] is True
    answer = await gateway.post("/auth/logout", headers={**cookie, "Origin": gateway.url})
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    assert (await gateway.get("/auth/check", headers=cookie)).json()["authenticated"] is False
    assert (await gateway.get("/auth/check", headers={"Auth-Token": ada.token})).json()["authenticated"] is False


async def test_a_cookie_alone_changes_nothing(gateway: Gateway, ada: Publisher) -> None:
    cookie = {"Cookie": f"dh_session={await ada.permission('source')}"}
    answer = await gateway.post("/source/upload", json={"meta": {"ownerid": ada.id}}, headers=cookie)
    assert answer.json()["errors"][0].startswith("No token or token not authorised")


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil",
        "/\\evil",
        "\\\\evil",
        "https:evil",
        "https:/evil",
        "https://evil.example/",
        "javascript:alert(1)",
        "http://127.0.0.1@evil.example/",
        "http://user:secret@127.0.0.1:80/",
        "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example/",
        "https://data.example.org@evil.example/",
        "https://data.example.org.evil.example/",
        "http://data.example.org/",
        "https://127.0.0.1:3000/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:0/",
        "http://[::1/",
        "http://127.0.0.1\t.evil.example/",
        "/a\r\nSet-Cookie: x=1",
        "evil",
        "",
        "/" + "x" * 3000,
    ],
)
def test_nobody_is_sent_elsewhere(wanted: str) -> None:
    assert safe_destination(wanted, OURS) == "/"


@pytest.mark.parametrize(
    "wanted",
    [
        "/",
        "/ada/prices?v=1",
        "https://data.example.org/ada",
        "http://localhost:3000",
        "http://127.0.0.1:54321/done",
        "http://[::1]:8000/",
    ],
)
def test_our_site_and_loopback_are_fine(wanted: str) -> None:
    assert safe_destination(wanted, OURS) == wanted


def test_an_old_token_in_the_query_is_replaced() -> None:
    assert with_token("http://localhost:3000/?jwt=old&a=b#part", "new") == "http://localhost:3000/?a=b&jwt=new"


async def test_names_that_would_not_do_as_an_address_are_refused(gateway: Gateway) -> None:
    for username in ("", "-ada", "ada-", "a b", "a/b", "ädä", "x" * 41, "search", "f" * 32, "a.b"):
        with pytest.raises(AccountRefused):
            await gateway.parts.accounts.add(username, PASSWORD)


async def test_names_are_taken_in_any_case_and_passwords_have_a_length(gateway: Gateway, ada: Publisher) -> None:
    with pytest.raises(AccountRefused, match="taken"):
        await gateway.parts.accounts.add("ADA", PASSWORD)
    with pytest.raises(AccountRefused, match="8 to 1024"):
        await gateway.parts.accounts.add("carol", "short")
    stored = await gateway.pool.fetchval("select password_hash from account where id = $1", ada.id)
    assert stored.startswith("$argon2id$")
