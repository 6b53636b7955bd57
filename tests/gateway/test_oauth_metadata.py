"""A program that knows the gateway's address alone finds its log-in (RFC 8414)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import pytest_asyncio
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from messages.settings import StoreSettings
from tests import services
from tests.gateway.conftest import PASSWORD, Gateway, serving, shared_settings
from tests.oidc.visitor import visiting

VERIFIER = "a-secret-that-is-known-to-nobody-else-anywhere"
LISTENER = "http://127.0.0.1:40001/logged-in"


@pytest_asyncio.fixture(scope="module")
async def gateway(postgres: services.DatabaseServer, object_store: StoreSettings) -> AsyncIterator[Gateway]:
    async with shared_settings(postgres, object_store) as settings, serving(settings) as gateway:
        await gateway.parts.accounts.add("ada", PASSWORD)
        yield gateway


@pytest_asyncio.fixture
async def metadata(gateway: Gateway) -> dict[str, Any]:
    answer = await gateway.get("/.well-known/oauth-authorization-server")
    assert answer.status == 200
    told: dict[str, Any] = answer.json()
    return told


def test_the_document_is_one_by_the_rules_of_another_library(gateway: Gateway, metadata: dict[str, Any]) -> None:
    assert metadata["issuer"] == gateway.url
    served = json.loads(json.dumps(metadata).replace(gateway.url, "https://data.example"))  # it wants https
    AuthorizationServerMetadata(served).validate()


@pytest.mark.parametrize("kind", ["code", "device_code"])
async def test_a_log_in_by_what_the_document_says(gateway: Gateway, metadata: dict[str, Any], kind: str) -> None:
    paths = {name: address.removeprefix(gateway.url) for name, address in metadata.items() if isinstance(address, str)}
    async with visiting(gateway.url) as ada:
        await ada.submit("/auth/login", username="ada", password=PASSWORD)
        if kind == "code":
            wish = {
                "response_type": metadata["response_types_supported"][0],
                "client_id": "dh",
                "redirect_uri": LISTENER,
                "state": "a-state-of-mine",
                "code_challenge": create_s256_code_challenge(VERIFIER),
                "code_challenge_method": metadata["code_challenge_methods_supported"][0],
            }
            assert (await ada.get(f"{paths['authorization_endpoint']}?{urlencode(wish)}")).status == 200
            back = (await ada.submit(paths["authorization_endpoint"], **wish, act="allow")).headers["Location"]
            came = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
            assert came["iss"] == metadata["issuer"]
            proof = {"code": came["code"], "redirect_uri": LISTENER, "code_verifier": VERIFIER}
        else:
            begun = await gateway.post(paths["device_authorization_endpoint"], data={"client_id": "dh"})
            await ada.submit("/auth/device", user_code=begun.json()["user_code"], act="allow")
            proof = {"device_code": begun.json()["device_code"]}
    grant = next(each for each in metadata["grant_types_supported"] if each.endswith(kind))
    held = await gateway.post(paths["token_endpoint"], data={"grant_type": grant, "client_id": "dh", **proof})
    assert held.json()["username"] == "ada"
    refresh = {"grant_type": metadata["grant_types_supported"][-1], "client_id": "dh"}
    token = held.json()["refresh_token"]
    next_token = await gateway.post(paths["token_endpoint"], data={**refresh, "refresh_token": token})
    assert next_token.status == 200
    gone = await gateway.post(paths["revocation_endpoint"], data={"token": next_token.json()["refresh_token"]})
    assert gone.status == 200
