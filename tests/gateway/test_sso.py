"""Sign-on at certified providers: there and back, a first log-in, linking; and every way that it must not go."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import pytest_asyncio

from messages.settings import StoreSettings
from tests import services
from tests.gateway.conftest import PASSWORD, Gateway, serving, settings_for
from tests.oidc.certified import with_providers
from tests.oidc.visitor import Visitor, visiting

pytestmark = pytest.mark.node

FIRST, SECOND = "/auth/sso/first?next=/dashboard", "/auth/sso/second?next=/dashboard"
LINK_FIRST, LINK_SECOND = "/auth/sso/first?next=/settings&link=1", "/auth/sso/second?next=/settings&link=1"


@pytest_asyncio.fixture(scope="module")
async def gateway(
    issuers: Sequence[str], postgres: services.DatabaseServer, object_store: StoreSettings
) -> AsyncIterator[Gateway]:
    """One gateway for all tests, which keep apart by the names that they choose."""
    url = await postgres.clone()
    settings = await with_providers(settings_for(url, object_store), issuers)
    async with serving(settings) as gateway:
        yield gateway
    await postgres.drop(url)


@pytest_asyncio.fixture
async def visitor(gateway: Gateway) -> AsyncIterator[Visitor]:
    async with visiting(gateway.url) as visitor:
        yield visitor


async def whoami(visitor: Visitor) -> str | None:
    """The user name that the gateway takes this browser for."""
    profile = (await visitor.get("/auth/check")).json().get("profile")
    return profile["username"] if profile else None


async def joined(visitor: Visitor, login: str, path: str = FIRST) -> None:
    """Logs in for the first time, as this user name."""
    assert (await visitor.sign_on(path, login)).headers["Location"] == "/auth/welcome"
    answer = await visitor.submit("/auth/welcome", username=login)
    assert answer.status == 303, answer.body


async def with_password(gateway: Gateway, visitor: Visitor, username: str) -> None:
    """An account with a password, logged in."""
    await gateway.parts.accounts.add(username, PASSWORD)
    answer = await visitor.submit("/auth/login", username=username, password=PASSWORD, next="/settings")
    assert answer.status == 303


async def test_a_first_log_in_chooses_a_name_and_the_next_one_knows_it(gateway: Gateway, visitor: Visitor) -> None:
    page = await visitor.sign_on(FIRST, "grace@example.com")
    assert (page.status, page.headers["Location"], await whoami(visitor)) == (303, "/auth/welcome", None)
    welcome = await visitor.get("/auth/welcome")
    assert b'value="grace"' in welcome.body
    made = await visitor.submit("/auth/welcome", username="grace")
    assert (made.status, made.headers["Location"]) == (303, "/dashboard")
    assert await whoami(visitor) == "grace"
    profile = (await visitor.get("/auth/check")).json()["profile"]
    assert (profile["email"], profile["name"]) == ("grace@example.com", "Somebody called grace@example.com")
    async with visiting(gateway.url) as other:
        answer = await other.sign_on(FIRST, "grace@example.com")
        assert (answer.status, answer.headers["Location"], await whoami(other)) == (303, "/dashboard", "grace")


async def test_an_address_that_is_not_verified_is_not_kept(visitor: Visitor) -> None:
    await joined(visitor, "unsure")
    assert (await visitor.get("/auth/check")).json()["profile"]["email"] == ""


async def test_every_way_carries_state_nonce_and_pkce(gateway: Gateway, visitor: Visitor) -> None:
    queries = []
    for _ in range(2):
        location = (await visitor.click(FIRST)).headers["Location"]
        queries.append({name: values[0] for name, values in parse_qs(urlsplit(location).query).items()})
    for query in queries:
        assert query["code_challenge_method"] == "S256"
        assert query["redirect_uri"] == f"{gateway.url}/auth/oauth_callback/first"
        assert len(query["code_challenge"]) == 43
        assert min(len(query["state"]), len(query["nonce"])) >= 43
    for name in ("state", "nonce", "code_challenge"):
        assert queries[0][name] != queries[1][name]


async def test_names_that_are_taken_or_reserved_are_refused_and_another_may_be_chosen(
    gateway: Gateway, visitor: Visitor
) -> None:
    await gateway.parts.accounts.add("ada", PASSWORD)
    await visitor.sign_on(FIRST, "choosy")
    for name in ("settings", "Ada", "-x", "a b", "", "x" * 41):
        answer = await visitor.submit("/auth/welcome", username=name)
        assert (answer.status, await whoami(visitor)) == (422, None), name
        assert b'role="alert"' in answer.body
    assert (await visitor.submit("/auth/welcome", username="choosy")).status == 303
    assert await whoami(visitor) == "choosy"


async def test_the_same_e_mail_address_never_opens_an_account(gateway: Gateway, visitor: Visitor) -> None:
    """Linking is by issuer and `sub`: neither a local account's address nor another provider's word opens it."""
    await gateway.parts.accounts.add("victim", PASSWORD, email="victim@example.com")
    answer = await visitor.sign_on(FIRST, "victim@example.com")
    assert answer.headers["Location"] == "/auth/welcome"
    await visitor.submit("/auth/welcome", username="not-victim")
    async with visiting(gateway.url) as other:
        assert (await other.sign_on(SECOND, "victim@example.com")).headers["Location"] == "/auth/welcome"
        assert await whoami(other) is None


def changed(address: str, **parameters: str | None) -> str:
    """The way back with other parameters; None takes one out."""
    parts = urlsplit(address)
    query: dict[str, Any] = {name: values[0] for name, values in parse_qs(parts.query).items()} | parameters
    kept = {name: value for name, value in query.items() if value is not None}
    return parts._replace(query=urlencode(kept)).geturl()


@pytest.mark.parametrize(
    "parameters",
    [
        {"state": None},
        {"state": "other"},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"code": "other"},
        {"code": None},
        {"error": "server_error", "code": None},
    ],
    ids=str,
)
async def test_an_answer_that_was_changed_logs_nobody_in(visitor: Visitor, parameters: dict[str, str | None]) -> None:
    """O01."""
    address = await visitor.to_callback(FIRST, "changed")
    answer = await visitor.get(changed(address, **parameters))
    assert (answer.status, await whoami(visitor)) == (400, None)
    assert b'role="alert"' in answer.body
    assert (await visitor.get("/auth/welcome")).headers["Location"] == "/auth/login"


async def test_an_answer_counts_once(visitor: Visitor) -> None:
    """O01: replayed."""
    address = await visitor.to_callback(FIRST, "twice")
    assert (await visitor.get(address)).status == 303
    assert (await visitor.get(address)).status == 400


async def test_an_answer_in_another_browser_logs_nobody_in(gateway: Gateway, visitor: Visitor) -> None:
    address = await visitor.to_callback(FIRST, "attacker")
    async with visiting(gateway.url) as victim:
        await victim.click(FIRST)
        assert (await victim.get(address)).status == 400
        assert await whoami(victim) is None


async def test_an_answer_of_one_provider_is_nothing_at_another(visitor: Visitor) -> None:
    """A mix-up: each provider has an address of its own to answer to, and `state` knows which was asked."""
    address = await visitor.to_callback(FIRST, "mixed")
    assert (await visitor.get(address.replace("/first?", "/second?"))).status == 400
    state = parse_qs(urlsplit(address).query)["state"][0]
    other = await visitor.to_callback(SECOND, "mixed")
    assert (await visitor.get(changed(other, state=state))).status == 400
    assert await whoami(visitor) is None


async def test_whoever_cancels_at_the_provider_is_back_at_the_log_in_page(visitor: Visitor) -> None:
    answer = await visitor.sign_on(FIRST, "nobody", act="no")
    assert answer.status == 400
    assert b"You did not log in at First." in answer.body
    assert b'name="next" value="/dashboard"' in answer.body


async def test_a_program_that_waits_is_begun_by_a_click_and_gets_its_token(visitor: Visitor) -> None:
    """No page elsewhere may have a token sent out just by linking here."""
    path = "/auth/sso/first?" + urlencode({"next": "http://127.0.0.1:9999/?a=1"})
    await joined(visitor, "programmer")
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
        {},
        {"Referer": "https://evil.example/"},
    ):
        answer = await visitor.get(path, **headers)
        assert answer.headers["Location"].startswith("/auth/login?next=http"), headers
    answer = await visitor.sign_on(path, "programmer")
    assert answer.headers["Location"].startswith("http://127.0.0.1:9999/?a=1&jwt=ey")


async def test_check_lists_every_provider(gateway: Gateway) -> None:
    providers = (await gateway.get("/auth/check?next=http://localhost:3000")).json()["providers"]
    assert list(providers) == ["local", "first", "second"]
    assert providers["first"]["url"] == f"{gateway.url}/auth/sso/first?next=http%3A%2F%2Flocalhost%3A3000"
    assert (await gateway.get("/auth/oauth_callback?state=x&code=y")).headers["Location"] == "/"


async def test_an_account_links_and_unlinks_providers(gateway: Gateway, visitor: Visitor) -> None:
    await with_password(gateway, visitor, "linda")
    answer = await visitor.sign_on(LINK_FIRST, "linda-at-first")
    assert (answer.status, answer.headers["Location"]) == (303, "/settings#log-ins")
    async with visiting(gateway.url) as other:
        await other.sign_on(FIRST, "linda-at-first")
        assert await whoami(other) == "linda"
    (issuer,) = [each.issuer.url for each in gateway.parts.providers if each.name == "first"]
    answer = await visitor.submit("/settings/unlink", issuer=issuer, sub="linda-at-first")
    assert answer.status == 303
    async with visiting(gateway.url) as other:
        assert (await other.sign_on(FIRST, "linda-at-first")).headers["Location"] == "/auth/welcome"


async def test_the_last_way_to_log_in_stays(gateway: Gateway, visitor: Visitor) -> None:
    await joined(visitor, "single")
    issuers = {each.name: each.issuer.url for each in gateway.parts.providers}
    refused = await visitor.submit("/settings/unlink", issuer=issuers["first"], sub="single")
    assert refused.status == 409
    assert b"Unlink" not in (await visitor.get("/settings")).body
    await visitor.sign_on(LINK_SECOND, "single-too")
    assert (await visitor.submit("/settings/unlink", issuer=issuers["first"], sub="single")).status == 303
    assert (await visitor.submit("/settings/unlink", issuer=issuers["second"], sub="single-too")).status == 409


async def test_what_belongs_to_another_account_cannot_be_linked(gateway: Gateway, visitor: Visitor) -> None:
    await joined(visitor, "holder")
    async with visiting(gateway.url) as thief:
        await with_password(gateway, thief, "thief")
        answer = await thief.sign_on(LINK_FIRST, "holder")
        assert answer.status == 409
        assert await whoami(thief) == "thief"


async def test_linking_ends_in_the_account_that_began_it(gateway: Gateway, visitor: Visitor) -> None:
    await with_password(gateway, visitor, "begins")
    address = await visitor.to_callback(LINK_FIRST, "wandering")
    await with_password(gateway, visitor, "ends")
    assert (await visitor.get(address)).status == 409
    async with visiting(gateway.url) as other:
        assert (await other.sign_on(FIRST, "wandering")).headers["Location"] == "/auth/welcome"


async def test_ways_to_log_in_change_only_shortly_after_a_log_in(
    gateway: Gateway, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await joined(visitor, "patient")
    monkeypatch.setattr("gateway.auth.session.RECENT", -1)
    (issuer, _) = [each.issuer.url for each in gateway.parts.providers]
    again = "/auth/login?next=/settings&again=1"
    assert (await visitor.submit("/settings/unlink", issuer=issuer, sub="patient")).headers["Location"] == again
    assert (await visitor.click(LINK_SECOND)).headers["Location"] == again
    page = await visitor.get(again)
    assert page.status == 200
    assert b"/auth/sso/first?next=%2Fsettings&amp;again=1" in page.body
    monkeypatch.undo()
    location = (await visitor.click("/auth/sso/first?next=/settings&again=1")).headers["Location"]
    assert parse_qs(urlsplit(location).query)["prompt"] == ["login"]
    answer = await visitor.sign_on("/auth/sso/first?next=/settings&again=1", "patient")
    assert answer.headers["Location"] == "/settings"


async def test_other_sites_begin_no_link_and_take_nothing_away(gateway: Gateway, visitor: Visitor) -> None:
    await joined(visitor, "careful")
    (issuer, _) = [each.issuer.url for each in gateway.parts.providers]
    answer = await visitor.get(LINK_SECOND, **{"Sec-Fetch-Site": "cross-site"})
    assert answer.headers["Location"].startswith("/auth/login")
    form, elsewhere = {"issuer": issuer, "sub": "careful"}, {"Origin": "https://evil.example"}
    async with visitor.session.post(f"{gateway.url}/settings/unlink", data=form, headers=elsewhere) as refused:
        assert refused.status == 403


async def test_a_disabled_account_is_not_logged_in(gateway: Gateway, visitor: Visitor) -> None:
    await joined(visitor, "gone")
    await gateway.pool.execute("update account set disabled_at = now() where username = 'gone'")
    async with visiting(gateway.url) as other:
        answer = await other.sign_on(FIRST, "gone")
        assert (answer.status, await whoami(other)) == (400, None)
