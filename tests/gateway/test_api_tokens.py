"""API tokens: shown once, kept as a hash, for one owner or dataset, at an end at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest_asyncio

from gateway.auth import apitokens
from gateway.auth.audit import Origin
from gateway.auth.rights import Action, Actor, still_may
from gateway.auth.tokensecret import digest_of, is_secret, new_secret
from messages.settings import StoreSettings
from tests import services
from tests.gateway.conftest import CSV, Answer, Gateway, Publisher, serving, shared_settings, spec_of
from tests.gateway.seeds import Seeds, join, organisation


@pytest_asyncio.fixture(scope="module")
async def gateway(postgres: services.DatabaseServer, object_store: StoreSettings) -> AsyncIterator[Gateway]:
    async with shared_settings(postgres, object_store) as settings, serving(settings) as gateway:
        yield gateway


@pytest_asyncio.fixture(scope="module")
async def ada(gateway: Gateway) -> Publisher:
    ada = await gateway.publisher("ada")
    for name in ("prices", "other"):
        await Seeds(gateway.pool, gateway.parts.blobs).revision(
            ada.id, name, findability="private", title=f"Zq7 {name}"
        )
    return ada


async def wish(publisher: Publisher, **wanted: Any) -> Answer:
    return await publisher.gateway.post("/auth/tokens", json=wanted, headers={"Auth-Token": publisher.token})


async def made(publisher: Publisher, **wanted: Any) -> dict[str, Any]:
    answer = await wish(publisher, **wanted)
    assert answer.status == 201, answer.body
    found: dict[str, Any] = answer.json()
    return found


async def listed(publisher: Publisher) -> dict[str, dict[str, Any]]:
    answer = await publisher.gateway.get("/auth/tokens", headers={"Auth-Token": publisher.token})
    return {token["name"]: token for token in answer.json()["tokens"]}


async def permission(gateway: Gateway, secret: str, service: str) -> str | None:
    answer = await gateway.get(f"/auth/authorize?service={service}", headers={"Auth-Token": secret})
    token: str | None = answer.json().get("token")
    return token


async def is_known(gateway: Gateway, secret: str) -> bool:
    answer = await gateway.get("/auth/check", headers={"Authorization": f"Bearer {secret}"})
    known: bool = answer.json()["authenticated"]
    return known


async def push(publisher: Publisher, token: str, dataset: str) -> list[str]:
    """Posts a package with a permission token; the rules that it broke."""
    spec = spec_of(publisher.id, dataset, {"data.csv": await publisher.upload(CSV)})
    answer = await publisher.gateway.post("/source/upload", json=spec, headers={"Auth-Token": token})
    return [problem["rule"] for problem in answer.json().get("problems", [])]


def test_a_secret_tells_a_typing_error() -> None:
    secret = new_secret()
    assert is_secret(secret)
    wrong = [secret[:at] + ("a" if secret[at] != "a" else "b") + secret[at + 1 :] for at in range(len(secret))]
    assert not any(is_secret(each) for each in (*wrong, secret[:-1], secret + "a", secret.upper(), "dhp_", ""))
    assert new_secret() != secret


async def test_a_token_is_shown_once_and_kept_as_a_hash(gateway: Gateway, ada: Publisher) -> None:
    token = await made(ada, name="laptop", scope="ADA", days=7.0)  # to JSON it is a whole number
    secret = token.pop("token")
    assert is_secret(secret)
    assert (token["access"], token["scope"]) == ("publish", "ada")
    assert (token["last_used"], token["last_address"], token["ended"]) == (None, None, None)
    assert (await listed(ada))["laptop"] == token
    row = dict(await gateway.pool.fetchrow("select * from api_token where id = $1", token["id"]))
    assert row.pop("digest") == digest_of(secret)
    assert secret not in repr(row)
    assert (row["expires_at"] - row["created_at"]).days == 7

    check = (await gateway.get("/auth/check", headers={"Auth-Token": secret})).json()
    assert check["scope"] == {
        "actions": ["read", "publish"],
        "owner": "ada",
        "ownerid": ada.id,
        "dataset": None,
        "expires": int(row["expires_at"].timestamp()),
    }
    assert check["profile"]["email"] == "", "a token lies about on machines"
    used = (await listed(ada))["laptop"]
    assert used["last_address"] == "127.0.0.1"
    assert await is_known(gateway, secret)
    assert (await listed(ada))["laptop"] == used, "the last use is written at most once a minute"


async def test_a_revoked_token_ends_at_once_with_what_it_was_exchanged_for(gateway: Gateway, ada: Publisher) -> None:
    token = await made(ada, name="revoked")
    source, rawstore = [await permission(gateway, token["token"], service) for service in ("source", "rawstore")]
    assert source
    assert await push(ada, source, "pushed") == []
    address = f"/auth/tokens/{token['id']}"
    stranger = await gateway.publisher("eve")
    assert (await gateway.request("DELETE", address, headers={"Auth-Token": stranger.token})).status == 404
    assert await is_known(gateway, token["token"])

    assert (await gateway.request("DELETE", address, headers={"Auth-Token": ada.token})).status == 204
    assert not await is_known(gateway, token["token"])
    assert await permission(gateway, token["token"], "source") is None
    assert await push(ada, source, "pushed") == ["not-authorised"]
    assert (await gateway.get("/rawstore/info", headers={"Auth-Token": str(rawstore)})).status == 401
    assert (await listed(ada))["revoked"]["ended"] == "revoked"
    assert (await gateway.request("DELETE", address, headers={"Auth-Token": ada.token})).status == 404
    await made(ada, name="revoked")


async def test_a_token_ends_by_itself_and_nothing_of_it_lives_longer(gateway: Gateway, ada: Publisher) -> None:
    token = await made(ada, name="short", days=1)
    await gateway.pool.execute("update api_token set expires_at = now() + interval '90 s' where id = $1", token["id"])
    source = await permission(gateway, token["token"], "source")
    claims = jwt.decode(str(source), options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] <= 90
    assert claims["api_token"] == token["id"]
    await gateway.pool.execute("update api_token set expires_at = now() where id = $1", token["id"])
    assert not await is_known(gateway, token["token"])
    assert await push(ada, str(source), "pushed") == ["not-authorised"]
    assert (await listed(ada))["short"]["ended"] == "expired"
    assert (await made(ada, name="SHORT"))["ended"] is None, "its name is free again"


async def test_a_token_for_one_dataset_does_nothing_to_another(gateway: Gateway, ada: Publisher) -> None:
    token = (await made(ada, name="one", scope="ada/prices"))["token"]
    source, rawstore = [str(await permission(gateway, token, service)) for service in ("source", "rawstore")]
    assert await push(ada, source, "prices") == []
    assert await push(ada, source, "other") == ["not-authorised"]
    own, others = [await gateway.get(f"/ada/{name}/datapackage.json?v=1", headers={"Auth-Token": token})
                   for name in ("prices", "other")]  # fmt: skip
    assert (own.status, others.status) == (200, 404)
    url = await ada.upload(b"id\n1\n")
    fetched = await gateway.get(f"/rawstore/presign?url={url}", headers={"Auth-Token": rawstore})
    assert fetched.status == 403, "an upload may be another dataset's"


async def test_a_token_that_reads_reads(gateway: Gateway, ada: Publisher) -> None:
    token = (await made(ada, name="reader", access="read"))["token"]
    assert (await gateway.get("/ada/other/datapackage.json", headers={"Auth-Token": token})).status == 200
    assert await permission(gateway, token, "source") is None
    assert await permission(gateway, token, "rawstore") is None
    assert await permission(gateway, token, "metastore")


async def test_a_token_is_no_log_in(gateway: Gateway, ada: Publisher) -> None:
    """It makes no token, ends none, and is taken from a header alone."""
    token = (await made(ada, name="whole", access="manage", days=365))["token"]
    shown = {"Auth-Token": token}
    for method, path in (("POST", "/auth/tokens"), ("GET", "/auth/tokens"), ("DELETE", "/auth/tokens/x")):
        body = {"json": {"name": "child"}} if method == "POST" else {}
        answer = await gateway.request(method, path, headers=shown, **body)
        assert (answer.status, "API token" in answer.json()["detail"]) == (401, True)
    assert "child" not in await listed(ada)
    for path, headers in ((f"/auth/check?jwt={token}", {}), ("/auth/check", {"Cookie": f"dh_session={token}"})):
        assert not (await gateway.get(path, headers=headers)).json()["authenticated"]
    assert (await gateway.get("/rawstore/info", headers=shown)).status == 401


WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({}, 422, "#/name"),
    ({"name": ""}, 422, "#/name"),
    ({"name": "a\nb"}, 422, "#/name"),
    ({"name": "x" * 101}, 422, "#/name"),
    ({"name": 7}, 422, "#/name"),
    ({"name": "x", "days": 0}, 422, "#/days"),
    ({"name": "x", "days": 366}, 422, "#/days"),
    ({"name": "x", "days": 1.5}, 422, "#/days"),
    ({"name": "x", "days": True}, 422, "#/days"),
    ({"name": "x", "days": "never"}, 422, "#/days"),
    ({"name": "x", "access": "administer"}, 422, "#/access"),
    ({"name": "x", "scope": ""}, 422, "#/scope"),
    ({"name": "x", "scope": "ada/"}, 422, "#/scope"),
    ({"name": "x", "scope": "ada/../b"}, 422, "#/scope"),
    ({"name": "x", "scope": ["ada"]}, 422, "#/scope"),
    ({"name": "x", "actions": ["read"]}, 422, "#/actions"),
    ({"name": "x", "scope": "nobody"}, 404, ""),
    ({"name": "x", "scope": "guild"}, 404, ""),
    ({"name": "x", "scope": "crew", "access": "publish"}, 403, ""),
]


async def test_what_cannot_be_asked_for_is_refused_with_its_place(gateway: Gateway, ada: Publisher) -> None:
    await organisation(gateway.pool, "guild")
    await join(gateway.pool, await organisation(gateway.pool, "crew"), ada.id, "reader")
    for wanted, status, pointer in WRONG:
        problem = (await wish(ada, **wanted)).json()
        got = (problem["status"], problem["errors"][0]["pointer"] if problem["errors"] else "")
        assert got == (status, pointer), wanted
    assert "x" not in await listed(ada)
    assert (await made(ada, name="crew", scope="crew", access="read"))["scope"] == "crew"


async def test_nobody_has_more_than_a_hundred(gateway: Gateway) -> None:
    carl = await gateway.publisher("carl")
    await made(carl, name="first")
    await gateway.pool.execute(
        "insert into api_token (id, digest, account_id, name, access, ownerid, expires_at)"
        " select md5(n::text), decode(md5(n::text), 'hex'), $1, n::text, 'read', $1, now() + interval '1 day'"
        " from generate_series(2, 100) as n",
        carl.id,
    )
    answer = await wish(carl, name="one more")
    assert (answer.status, "100 tokens" in answer.json()["detail"]) == (409, True)
    assert (await wish(carl, name="first")).status == 409


async def test_a_push_that_waits_notices_that_its_token_was_revoked(gateway: Gateway, ada: Publisher) -> None:
    """A12."""
    token = await made(ada, name="waiting")
    actor = await apitokens.holder_of_secret(gateway.pool, token["token"], "127.0.0.1")
    assert actor is not None
    async with gateway.pool.acquire() as connection, connection.transaction():
        assert await still_may(connection, actor, Action.PUBLISH, ada.id, "late")
    assert await apitokens.revoke(gateway.pool, Origin(actor=Actor(account=ada.account)), token["id"])
    async with gateway.pool.acquire() as connection, connection.transaction():
        assert not await still_may(connection, actor, Action.PUBLISH, ada.id, "late")


async def test_the_owner_reads_who_made_which_token_and_what_it_did(gateway: Gateway, ada: Publisher) -> None:
    token = await made(ada, name="told", scope="ada/told", days=3)
    assert await push(ada, str(await permission(gateway, token["token"], "source")), "told") == []
    log = (await gateway.get("/auth/audit/ada", headers={"Auth-Token": ada.token})).json()["entries"]
    pushed, begun = [next(each for each in log if each["act"] == act) for act in ("pushed", "token-made")]
    assert pushed["token"] == token["id"]
    assert (begun["subject"], begun["token"]) == ("told", None)
    assert begun["details"] == {"id": token["id"], "access": "publish", "scope": "ada/told", "days": 3}
    assert token["token"] not in repr(log)
