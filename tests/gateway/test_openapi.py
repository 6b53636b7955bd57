"""G07: the gateway does what docs/openapi.json says, asked by schemathesis: a few examples of each operation, good and
bad, always the same ones. `EXAMPLES=500 make test ARGS=tests/gateway/test_openapi.py` asks more."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from deploy.documents.application import application
from deploy.documents.openapi import document
from gateway.auth.services import PERMISSIONS
from messages.settings import StoreSettings
from tests import services
from tests.gateway.conftest import Gateway, Publisher, serving, shared_settings
from tests.gateway.seeds import Seeds

EXAMPLES = int(os.environ.get("EXAMPLES", "3"))
SCHEMA = schemathesis.openapi.from_dict(document(application()))
OPERATIONS: list[Any] = [each.ok() for each in SCHEMA.get_all_operations()]  # type: ignore[union-attr]  # it is ours
TOLD_INSIDE: dict[str, list[Any]] = {
    operation: [negative_data_rejection, positive_data_acceptance]
    for operation in ("POST /source/upload", "POST /source/plan")
}
"""Always 200, as the original's clients expect: whether a spec was accepted stands in the answer."""
OAUTH = ("POST /auth/oauth/token", "POST /auth/oauth/device", "POST /auth/oauth/revoke", "GET /auth/oauth/authorize")
OF_TOKENS = ("POST /auth/exchange", "POST /auth/trust/{owner}/{dataset}")
OF_NAMES = ("POST /auth/organisations", "POST /webhooks/{owner}")
TOLD_INSIDE |= {operation: [positive_data_acceptance] for operation in (*OAUTH, *OF_TOKENS, *OF_NAMES)}
"""A text that is no secret of ours is 400, as OAuth has it; one that can be no name, or a name
that leads nowhere, is 422."""
CHOICE = hypothesis_settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=EXAMPLES < 100,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


@pytest_asyncio.fixture(scope="module")
async def gateway(postgres: services.DatabaseServer, object_store: StoreSettings) -> AsyncIterator[Gateway]:
    async with shared_settings(postgres, object_store) as settings, serving(settings) as gateway:
        yield gateway


@pytest_asyncio.fixture(scope="module")
async def ada(gateway: Gateway) -> Publisher:
    ada = await gateway.publisher("ada")
    await Seeds(gateway.pool, gateway.parts.blobs).revision(ada.id, "gold")
    return ada


@pytest.mark.timeout(600)
async def test_the_gateway_does_what_its_document_says(gateway: Gateway, ada: Publisher) -> None:
    """All that is found is told at once: an operation's failures are often those of others, too."""
    found = {}
    for operation in OPERATIONS:
        for mode in modes_of(operation):
            try:
                await asyncio.to_thread(examine, operation, mode, gateway.url, token_for(operation, ada))
            except FailureGroup as failures:
                found[f"{operation.label} {mode}"] = [str(each) for each in failures.exceptions]
    assert found == {}, "\n".join(f"{what}\n  {words}" for what, words in found.items())


def modes_of(operation: Any) -> list[GenerationMode]:
    """Bad examples only where something can be bad: a part of a path may be any text."""
    if operation.body or operation.query:
        return [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    return [GenerationMode.POSITIVE]


def token_for(operation: Any, ada: Publisher) -> str:
    """A fresh one: there is an operation that ends the token that it is shown."""
    tokens = ada.gateway.parts.tokens
    schemes = {name for each in operation.definition.raw["security"] for name in each}
    if "permissionToken" not in schemes:
        return tokens.issue_user(ada.account)
    service = operation.path.strip("/").partition("/")[0]
    return tokens.issue_permission(ada.account, service, PERMISSIONS[service])


def examine(operation: Any, mode: GenerationMode, url: str, token: str) -> None:
    """Sends each example without the token and with it, and holds both answers against the document; raises what
    schemathesis finds."""

    @CHOICE
    @given(case=operation.as_strategy(mode))
    def send(case: Any) -> None:
        for headers in ({}, {"Auth-Token": token}):
            case.call_and_validate(
                base_url=url,
                headers=headers,
                timeout=30,
                allow_redirects=False,
                excluded_checks=TOLD_INSIDE.get(operation.label),
            )

    send()
