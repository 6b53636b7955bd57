"""The auth service as the original's clients speak to it: always 200, always JSON."""

from __future__ import annotations

import re

from tests.gateway.conftest import Gateway, Publisher


async def test_check_tells_whose_token_it_is(gateway: Gateway, ada: Publisher) -> None:
    for headers in ({"Auth-Token": ada.token}, {"Authorization": f"Bearer {ada.token}"}):
        assert (await gateway.get("/auth/check", headers=headers)).json()["authenticated"] is True
    answer = (await gateway.get(f"/auth/check?jwt={ada.token}&next=http://localhost:3000")).json()
    profile = answer["profile"]
    assert set(profile) == {"id", "provider_id", "username", "name", "email", "avatar_url", "join_date"}
    assert (profile["id"], profile["username"], profile["email"]) == (ada.id, "ada", "ada@example.com")
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", profile["join_date"])


async def test_check_says_where_to_log_in(gateway: Gateway) -> None:
    answer = (await gateway.get("/auth/check?jwt=&next=http://localhost:3000")).json()
    assert answer == {
        "authenticated": False,
        "providers": {"local": {"url": f"{gateway.url}/auth/login?next=http%3A%2F%2Flocalhost%3A3000"}},
    }


async def test_authorize_gives_a_token_for_a_service(ada: Publisher) -> None:
    for service in ("rawstore", "source", "metastore", "frontend"):
        answer = await ada.gateway.get(f"/auth/authorize?service={service}&jwt={ada.token}")
        body = answer.json()
        assert (answer.status, body["userid"], body["service"]) == (200, ada.id, service)
        assert body["token"].count(".") == 2


async def test_authorize_gives_no_token_to_nobody_and_for_nothing(ada: Publisher) -> None:
    for path in ("/auth/authorize?service=rawstore", f"/auth/authorize?service=x&jwt={ada.token}", "/auth/authorize"):
        answer = await ada.gateway.get(path)
        assert (answer.status, answer.json()) == (200, {"permissions": {}})


async def test_update_answers_as_the_original(ada: Publisher) -> None:
    gateway = ada.gateway
    assert (await gateway.post("/auth/update")).json() == {"success": False, "error": "No token"}
    answer = await gateway.post("/auth/update", headers={"Auth-Token": "x"})
    assert answer.json() == {"success": False, "error": "Not authenticated"}
    answer = await gateway.post("/auth/update?username=x", headers={"Auth-Token": ada.token})
    assert answer.json() == {"success": False, "error": "Cannot modify username, already set"}


async def test_a_sign_on_that_nobody_began_leads_home(gateway: Gateway) -> None:
    answer = await gateway.get("/auth/oauth_callback?state=x&code=y")
    assert (answer.status, answer.headers["Location"]) == (302, "/")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_names_are_resolved_in_any_case(ada: Publisher) -> None:
    assert (await ada.gateway.get("/auth/resolve?username=ADA")).json() == {"userid": ada.id}
    for unknown in ("nobody", "", "%00", "a%ff"):
        assert (await ada.gateway.get(f"/auth/resolve?username={unknown}")).json() == {"userid": None}


async def test_profiles_are_public_but_for_the_address(ada: Publisher) -> None:
    answer = await ada.gateway.get("/auth/get_profile?username=ada")
    profile = answer.json()["profile"]
    assert (answer.json()["found"], profile["id"]) == (True, ada.id)
    assert b"example.com" not in answer.body
    unknown = await ada.gateway.get("/auth/get_profile?username=nobody")
    assert unknown.json() == {"found": False, "profile": None}
