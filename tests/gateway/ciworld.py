"""A gateway that knows CI systems, for tests of it and of `dh`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from gateway.auth.ci.exchange import GRANT, TYPES
from messages.cisettings import CiSettings
from messages.settings import StoreSettings
from tests import services
from tests.gateway.conftest import Answer, Gateway, Publisher, serving, shared_settings
from tests.oidc.liar import Liar, lying

REPOSITORY = "Acme/Data"
WORKFLOW = f"{REPOSITORY}/.github/workflows/publish.yml@refs/heads/main"
SHARED = "acme/shared/.github/workflows/x.yml"


@dataclass
class World:
    """A gateway that knows a GitHub and a GitLab, both on loopback."""

    gateway: Gateway
    github: Liar
    gitlab: Liar
    numbers: int = 0

    def job(self, key: Any = None, header: Mapping[str, Any] | None = None, **changed: Any) -> str:
        """The ID token of a GitHub job; None takes a claim out."""
        self.numbers += 1
        claims = {
            "aud": self.gateway.url,
            "sub": f"repo:{REPOSITORY}:ref:refs/heads/main",
            "jti": f"job-{self.numbers}",
            "nonce": None,
            "repository": REPOSITORY,
            "repository_id": "71",
            "repository_owner_id": "7",
            "workflow_ref": WORKFLOW,
            "ref": "refs/heads/main",
            "event_name": "push",
            "run_id": "1234",
            **changed,
        }
        return self.github.token(key, {"typ": "JWT", "x5t": "abc", **(header or {})}, **claims)

    def gitlab_job(self, **changed: Any) -> str:
        """The ID token of a GitLab job."""
        self.numbers += 1
        claims = {
            "aud": self.gateway.url,
            "sub": "project_path:group/sub/data:ref_type:branch:ref:main",
            "jti": f"job-{self.numbers}",
            "nonce": None,
            "project_path": "group/sub/data",
            "project_id": "22",
            "namespace_id": "2",
            "ref": "main",
            "ref_type": "branch",
            "environment": "production",
            "ci_config_ref_uri": "127.0.0.1/group/sub/data//.gitlab-ci.yml@refs/heads/main",
            "job_id": "302",
            **changed,
        }
        return self.gitlab.token(**claims)

    async def exchange(self, token: str, scope: str = "", **changed: str) -> Answer:
        form = {"grant_type": GRANT, "subject_token": token, "subject_token_type": TYPES[0], **changed}
        return await self.gateway.post("/auth/exchange", data={**form, **({"scope": scope} if scope else {})})

    async def refusal(self, token: str, scope: str = "", **changed: str) -> tuple[str, str]:
        """Error and description of an exchange that fails."""
        answer = await self.exchange(token, scope, **changed)
        assert answer.status == 400, answer.body
        document = answer.json()
        return document["error"], document["error_description"]


def bare(liar: Liar, **changed: Any) -> dict[str, Any]:
    """What a CI system says of itself: nobody logs in there, so it has no endpoints."""
    keys = {"jwks_uri": f"{liar.url}/jwks", "id_token_signing_alg_values_supported": ["RS256", "ES256", "RS512"]}
    return {"issuer": liar.url, **keys, **changed}


@asynccontextmanager
async def a_world(postgres: services.DatabaseServer, object_store: StoreSettings) -> AsyncIterator[World]:
    """A gateway of its own, and both systems."""
    async with AsyncExitStack() as stack:
        github, gitlab = [await stack.enter_async_context(lying()) for _ in range(2)]
        for liar in (github, gitlab):
            liar.metadata = bare(liar)
        settings = await stack.enter_async_context(shared_settings(postgres, object_store))
        issuers = (CiSettings("github", github.url), CiSettings("gitlab", gitlab.url))
        own = replace(settings, gateway=replace(settings.gateway, ci_issuers=issuers))
        yield World(await stack.enter_async_context(serving(own)), github, gitlab)


async def trust(publisher: Publisher, dataset: str, **wanted: Any) -> Answer:
    wish = {"provider": "github", "repository": "acme/data", **wanted}
    address = f"/auth/trust/{dataset}"
    return await publisher.gateway.post(address, json=wish, headers={"Auth-Token": publisher.token})


async def trusting(publisher: Publisher, dataset: str, **wanted: Any) -> dict[str, Any]:
    answer = await trust(publisher, dataset, **wanted)
    assert answer.status == 201, answer.body
    added: dict[str, Any] = answer.json()
    return added
