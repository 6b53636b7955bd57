"""Keyless CI: a job publishes the dataset that trusts it, once for each ID token, and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
import pytest_asyncio
from joserfc.jwk import ECKey

from gateway.auth.ci.issuers import CiIssuers
from gateway.auth.oidc.documents import ProviderDown
from messages.cisettings import CiSettings, ci_issuers_from
from messages.errors import SettingsError
from messages.settings import StoreSettings
from tests import services
from tests.gateway.ciworld import SHARED, WORKFLOW, World, a_world, bare, trust, trusting
from tests.gateway.conftest import CSV, Publisher, spec_of
from tests.gateway.seeds import join, organisation
from tests.oidc.liar import a_key, lying

OTHER = a_key()


@pytest_asyncio.fixture(scope="module")
async def world(postgres: services.DatabaseServer, object_store: StoreSettings) -> AsyncIterator[World]:
    async with a_world(postgres, object_store) as world:
        yield world


@pytest_asyncio.fixture(scope="module")
async def ada(world: World) -> Publisher:
    return await world.gateway.publisher("ada")


async def trusted(publisher: Publisher, dataset: str) -> list[dict[str, Any]]:
    answer = await publisher.gateway.get(f"/auth/trust/{dataset}", headers={"Auth-Token": publisher.token})
    found: list[dict[str, Any]] = answer.json()["trusted"]
    return found


async def push(world: World, token: str, ownerid: str, dataset: str, url: str) -> bool:
    """Publishes as a job does, with what it was given."""
    headers = {"Auth-Token": token}
    permission = (await world.gateway.get("/auth/authorize?service=source", headers=headers)).json().get("token", "")
    spec = spec_of(ownerid, dataset, {"data.csv": url})
    answer = await world.gateway.post("/source/upload", json=spec, headers={"Auth-Token": permission})
    done: bool = answer.json()["success"]
    return done


async def test_a_trusted_job_publishes_that_dataset_and_nothing_else(world: World, ada: Publisher) -> None:
    await trusting(ada, "ada/prices", workflow="publish.yml", ref="main")
    answer = await world.exchange(world.job(), "publish:ada/prices")
    assert answer.status == 200, answer.body
    assert answer.headers["Cache-Control"] == "no-store"
    given = answer.json()
    assert (given["token_type"], given["expires_in"], given["scope"]) == ("Bearer", 900, "publish:ada/prices")
    token, url = given["access_token"], await ada.upload(CSV)
    assert await push(world, token, ada.id, "prices", url)
    assert not await push(world, token, ada.id, "other", url)
    shown = {"Auth-Token": token}
    assert (await world.gateway.get("/auth/trust/ada/prices", headers=shown)).status == 401
    source = (await world.gateway.get("/auth/authorize?service=source", headers=shown)).json()["token"]
    claims = jwt.decode(source, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] <= 900
    (used,) = await trusted(ada, "ada/prices")
    assert (used["repository_id"], used["last_run"]) == ("71", "Acme/Data run 1234")
    assert (used["workflow"], used["ref"]) == (".github/workflows/publish.yml", "refs/heads/main")
    mine = (await world.gateway.get("/auth/tokens", headers={"Auth-Token": ada.token})).json()
    assert mine == {"tokens": []}, "tokens of jobs are told with their trust"
    log = (await world.gateway.get("/auth/audit/ada", headers={"Auth-Token": ada.token})).json()["entries"]
    assert [entry["act"] for entry in log] == ["pushed", "token-exchanged", "trust-added"]
    assert log[0]["token"] == log[1]["details"]["token"]
    assert token not in repr(log)


async def test_a_job_of_gitlab_too(world: World, ada: Publisher) -> None:
    limits = {"workflow": ".gitlab-ci.yml", "ref": "main", "environment": "Production"}
    await trusting(ada, "ada/lab", provider="gitlab", repository="group/sub/data", **limits)
    assert (await world.exchange(world.gitlab_job())).json()["scope"] == "publish:ada/lab"
    tag = {"ref": "main", "ref_type": "tag"}
    for changed, why in (
        (tag, "refs/tags/main"),
        ({"environment": "staging"}, "environment Production"),
        ({"environment": None}, "environment Production"),
        ({"ci_config_ref_uri": None}, "workflow .gitlab-ci.yml"),
        ({"ci_config_ref_uri": "127.0.0.1/evil//.gitlab-ci.yml@refs/heads/main"}, "workflow .gitlab-ci.yml"),
        ({"project_id": "23"}, "can change hands"),
        ({"namespace_id": "3"}, "can change hands"),
        ({"project_path": "group/sub/other"}, "No dataset trusts"),
    ):
        error, words = await world.refusal(world.gitlab_job(**changed))
        assert (error, why in words) == ("invalid_target", True), words


async def test_a_job_that_may_last_long_has_its_token_as_long(world: World, ada: Publisher) -> None:
    await trusting(ada, "ada/lab", provider="gitlab", repository="group/sub/data")
    now = int(time.time())
    for lasts, least, most in ((300, 900, 900), (1800, 1700, 1800), (7200, 3600, 3600)):
        given = (await world.exchange(world.gitlab_job(iat=now, exp=now + lasts))).json()
        assert least <= given["expires_in"] <= most
        row = await world.gateway.pool.fetchrow(
            "select extract(epoch from expires_at - now())::int as left from api_token order by expires_at desc limit 1"
        )
        assert least - 100 <= row["left"] <= most


NOW = int(time.time())
BAD: list[tuple[dict[str, Any], str]] = [
    ({"aud": "https://data.example.org"}, "its audience is"),
    ({"aud": None}, "its audience is"),
    ({"iss": "https://token.actions.githubusercontent.com"}, "no CI system"),
    ({"iss": None}, "no CI system"),
    ({"exp": NOW - 3600, "iat": NOW - 7200}, "expired"),
    ({"exp": None}, "`exp`"),
    ({"exp": str(NOW + 300)}, "`exp`"),
    ({"exp": NOW + 2 * 86_400}, "longer than a day"),
    ({"iat": NOW + 3600, "exp": NOW + 7200}, "not good yet"),
    ({"nbf": NOW + 3600}, "not good yet"),
    ({"jti": None}, "`jti`"),
    ({"jti": ["a"]}, "`jti`"),
    ({"sub": None}, "`sub`"),
    ({"repository": None}, "`repository`"),
    ({"repository_id": None}, "`repository_id`"),
    ({"repository_owner_id": ""}, "`repository_owner_id`"),
    ({"ref": "a\nb"}, "`ref`"),
    ({"event_name": "pull_request_target"}, "stranger's code"),
]


@pytest.mark.parametrize(("changed", "why"), BAD, ids=lambda each: next(iter(each)) if isinstance(each, dict) else "")
async def test_a_token_that_is_not_for_us_and_now_is_refused(
    world: World, ada: Publisher, changed: dict[str, Any], why: str
) -> None:
    error, words = await world.refusal(world.job(**changed))
    assert (error, why in words) == ("invalid_grant", True), words


async def test_a_token_that_somebody_else_signed_is_refused(world: World, ada: Publisher) -> None:
    """J02 to J07 for the tokens of CI systems."""
    elliptic = ECKey.generate_key("P-256", {"kid": "good"})
    good = world.job()
    head, body, sign = good.split(".")
    tokens = [
        world.job(OTHER),
        world.job(elliptic, {"alg": "ES256"}),
        world.job(None, {"alg": "RS512"}),
        world.job(OTHER, {"kid": "other"}),
        world.job(OTHER, {"jwk": OTHER.as_dict(private=False)}),
        world.job(None, {"jku": f"{world.gitlab.url}/jwks"}),
        world.gitlab.token(iss=world.github.url, aud=world.gateway.url, jti="x", sub="x"),
        f"{head}.{body}.",
        f"{head}.{body}.{sign}=",
        "",
        "dhp_x",
    ]
    world.gitlab.asked.clear()
    for token in tokens:
        error, _ = await world.refusal(token)
        assert error == "invalid_grant"
    assert world.gitlab.asked == {}, "no address that a token names is visited"


async def test_a_form_that_is_none_is_told_what_is_wrong(world: World) -> None:
    for changed, wanted in (
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"subject_token_type": "urn:x"}, "invalid_request"),
        ({"scope": "manage:ada/prices"}, "invalid_scope"),
        ({"scope": "publish:"}, "invalid_scope"),
    ):
        assert (await world.refusal(world.job(), **changed))[0] == wanted


async def test_a_token_is_exchanged_once_also_when_two_come_at_once(world: World, ada: Publisher) -> None:
    await trusting(ada, "ada/once", ref="main")
    token = world.job()
    answers = await asyncio.gather(*(world.exchange(token, "publish:once") for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [200, 400, 400, 400]
    assert (await world.refusal(token, "publish:once"))[1].startswith("This ID token was exchanged already")
    assert (await world.exchange(world.job(), "publish:once")).status == 200


async def test_a_repository_that_was_made_anew_under_the_name_is_not_trusted(world: World, ada: Publisher) -> None:
    await trusting(ada, "ada/names")
    assert (await world.exchange(world.job(), "publish:ada/names")).status == 200
    others: list[dict[str, Any]] = [{"repository_id": "72"}, {"repository_owner_id": "8"}]
    for changed in others:
        error, words = await world.refusal(world.job(**changed), "publish:ada/names")
        assert (error, "a name can change hands" in words) == ("invalid_target", True), words
    assert (await world.exchange(world.job(repository="ACME/data"), "publish:ada/names")).status == 200


NARROW: list[tuple[dict[str, str], dict[str, Any], bool]] = [
    ({"ref": "refs/tags/v*"}, {"ref": "refs/tags/v1.2"}, True),
    ({"ref": "refs/tags/v*"}, {"ref": "refs/heads/v1"}, False),
    ({"ref": "release"}, {"ref": "refs/heads/release"}, True),
    ({"ref": "release"}, {"ref": "refs/heads/release2"}, False),
    ({"workflow": "other.yml"}, {}, False),
    ({"workflow": "publish.yml"}, {"workflow_ref": f"evil/{WORKFLOW}"}, False),
    ({"workflow": "publish.yml"}, {"workflow_ref": None}, False),
    ({"workflow": SHARED}, {"job_workflow_ref": f"{SHARED}@refs/tags/v1"}, True),
    ({"environment": "live"}, {"environment": "Live"}, True),
    ({"environment": "live"}, {}, False),
]  # fmt: skip


async def test_trust_is_as_narrow_as_it_says(world: World, ada: Publisher) -> None:
    for number, (limits, changed, fits) in enumerate(NARROW):
        await trusting(ada, f"ada/narrow-{number}", **limits)
        answer = await world.exchange(world.job(**changed), f"publish:ada/narrow-{number}")
        assert (answer.status == 200) == fits, (limits, changed, answer.body)
        if not fits:
            assert "is trusted" in answer.json()["error_description"] or "are trusted" in answer.body.decode()


async def test_a_job_that_several_trust_says_which_it_means(world: World, ada: Publisher) -> None:
    for name in ("one", "two"):
        await trusting(ada, f"ada/{name}", repository="acme/many")
    many: dict[str, Any] = {"repository": "acme/many", "workflow_ref": None}
    error, words = await world.refusal(world.job(**many))
    assert (error, "ada/one, ada/two" in words) == ("invalid_target", True), words
    assert (await world.exchange(world.job(**many), "publish:two")).json()["scope"] == "publish:ada/two"
    assert (await world.refusal(world.job(**many), "publish:three"))[0] == "invalid_target"


async def test_what_is_trusted_no_more_ends_at_once(world: World, ada: Publisher) -> None:
    added = await trusting(ada, "ada/gone")
    token = (await world.exchange(world.job(), "publish:gone")).json()["access_token"]
    url, shown = await ada.upload(CSV), {"Auth-Token": ada.token}
    assert await push(world, token, ada.id, "gone", url)
    assert (await world.gateway.request("DELETE", f"/auth/trust/ada/gone/{added['id']}", headers=shown)).status == 204
    assert not await push(world, token, ada.id, "gone", url)
    assert not (await world.gateway.get("/auth/check", headers={"Auth-Token": token})).json()["authenticated"]
    assert (await world.refusal(world.job(), "publish:gone"))[0] == "invalid_target"


async def test_who_leaves_an_organisation_takes_their_trust_along(world: World) -> None:
    """A12."""
    gateway = world.gateway
    guild, mia, pia = await organisation(gateway.pool, "guild"), *[await gateway.publisher(n) for n in ("mia", "pia")]
    await join(gateway.pool, guild, mia.id, "maintainer")
    await join(gateway.pool, guild, pia.id, "publisher")
    assert (await trust(pia, "guild/prices")).status == 403
    await trusting(mia, "guild/prices", repository="acme/guild")
    claims: dict[str, Any] = {"repository": "acme/guild", "workflow_ref": None}
    token = (await world.exchange(world.job(**claims))).json()["access_token"]
    url = await mia.upload(CSV, owner=guild)
    assert await push(world, token, guild, "prices", url)
    await join(gateway.pool, guild, mia.id, "reader")
    assert not await push(world, token, guild, "prices", url)
    error, words = await world.refusal(world.job(**claims))
    assert (error, "have somebody trust it anew" in words) == ("invalid_grant", True)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"provider": "svn"}, "provider"),
    ({"issuer": "https://evil.example"}, "provider"),
    ({"repository": "data"}, "repository"),
    ({"repository": "a/b/c"}, "repository"),
    ({"repository": "../x"}, ""),
    ({"repository": 7}, "repository"),
    ({"workflow": "a\nb"}, "workflow"),
    ({"workflow": "publish.yml@main"}, "workflow"),
    ({"ref": "refs/*/main"}, "ref"),
    ({"ref": "a b"}, "ref"),
    ({"environment": "x" * 300}, "environment"),
    ({"branch": "main"}, "branch"),
]


async def test_what_cannot_be_trusted_is_refused_with_its_place(world: World, ada: Publisher) -> None:
    for wanted, name in WRONG:
        answer = await trust(ada, "ada/wrong", **wanted)
        if name:
            assert (answer.status, answer.json()["errors"][0]["pointer"]) == (422, f"#/{name}"), wanted
    await trusting(ada, "ada/twice")
    assert (await trust(ada, "ada/twice", repository="ACME/data")).status == 409
    assert (await trust(ada, "ada/NO")).status == 404


async def test_keys_that_cannot_be_had_are_no_fault_of_the_job(world: World) -> None:
    """J10: never loaded is 503 for the gateway; keys elsewhere are as good as none, and are not asked for."""
    async with lying() as liar, lying() as elsewhere:
        liar.metadata = bare(liar, jwks_uri=f"{elsewhere.url}/jwks")
        systems = CiIssuers([CiSettings("github", liar.url)], world.gateway.url)
        async with systems.following():
            with pytest.raises(ProviderDown):
                await systems.job(liar.token(aud=world.gateway.url))
        assert elsewhere.asked == {}


def test_settings_name_the_systems_that_are_known() -> None:
    assert ci_issuers_from({"DH_CI_ISSUERS": ""}) == ()
    assert [each.provider for each in ci_issuers_from({})] == ["github", "gitlab"]
    own = ci_issuers_from({"DH_CI_ISSUERS": "gitlab=https://git.example.org, github=http://127.0.0.1:9"})
    assert own == (CiSettings("gitlab", "https://git.example.org"), CiSettings("github", "http://127.0.0.1:9"))
    for wrong in (
        "svn=https://x.org",
        "gitlab=http://git.example.org",
        "https://x.org",
        "gitlab=",
        "github=https://u@x.org",
    ):
        with pytest.raises(SettingsError, match="DH_CI_ISSUERS"):
            ci_issuers_from({"DH_CI_ISSUERS": wrong})
