"""Receipts: signed with keys of their own that are published for ever, the same for everybody who asks."""

from __future__ import annotations

import asyncio
import json

import jwt
import pytest

from deploy.operations import key_table, rotate_keys
from gateway.auth.tokens import LOGIN, BadToken
from gateway.receipt import BadReceipt, read_receipt
from tests.gateway.conftest import Gateway, Publisher
from tests.gateway.seeds import Seeds

KEYS = "/.well-known/receipt-keys.json"


@pytest.fixture
def seeds(gateway: Gateway) -> Seeds:
    return Seeds(gateway.pool, gateway.parts.blobs)


async def test_a_receipt_says_what_was_published_and_stays_the_same(
    gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    await seeds.revision(ada.id, "gold", readme="# Gold")
    status = (await gateway.get("/source/ada/gold/1")).json()
    assert status["receipt"] == f"{gateway.url}/{ada.id}/gold/1/receipt.jwt"
    answers = await asyncio.gather(
        *(gateway.get(path) for path in (f"/{ada.id}/gold/1/receipt.jwt", "/ada/gold/receipt.jwt") * 3)
    )
    assert {(answer.status, answer.headers["Content-Type"]) for answer in answers} == {(200, "application/jwt")}
    [text] = {answer.body.decode().strip() for answer in answers}
    receipt = read_receipt(text, (await gateway.get(KEYS)).json())
    manifest = (await gateway.get(f"/{ada.id}/gold/1/datapackage.json")).body
    assert (receipt.issuer, receipt.owner, receipt.address) == (gateway.url, "ada", f"/{ada.id}/gold/1")
    assert receipt.manifest.size == len(manifest)
    [resource] = receipt.resources
    assert (resource.name, sorted(resource.published)) == ("prices", ["data", "preview"])
    assert resource.published["data"].path == "r/prices.csv"
    assert (await gateway.get(f"{receipt.address}/{resource.published['data'].path}")).status == 302


async def test_a_receipt_is_verified_when_its_key_has_long_been_replaced(
    gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    for name in ("old", "new"):
        await seeds.revision(ada.id, name)
    saved = (await gateway.get(KEYS)).json()
    old = (await gateway.get("/ada/old/receipt.jwt")).body.decode().strip()
    kid = await rotate_keys(gateway.parts.settings, receipts=True)
    new = (await gateway.get("/ada/new/receipt.jwt")).body.decode().strip()
    assert jwt.get_unverified_header(new)["kid"] == kid != jwt.get_unverified_header(old)["kid"]
    assert (await gateway.get("/ada/old/receipt.jwt")).body.decode().strip() == old, "it is kept, not signed anew"
    keys = (await gateway.get(KEYS)).json()
    assert [read_receipt(text, keys).dataset for text in (old, new)] == ["old", "new"]
    assert read_receipt(old, saved).dataset == "old"
    with pytest.raises(BadReceipt, match="not in this key set"):
        read_receipt(new, saved)
    listed = (await key_table(gateway.parts.settings)).splitlines()
    assert [(line.split()[1], line.endswith("further notice")) for line in listed[-2:]] == [
        ("receipts", False),
        ("receipts", True),
    ]
    private = await gateway.pool.fetch("select retired_at, private_pem from receipt_key order by created_at")
    assert [(row["retired_at"] is None, row["private_pem"] is None) for row in private] == [
        (False, True),
        (True, False),
    ]


async def test_no_receipt_is_a_token_and_no_token_a_receipt(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    await seeds.revision(ada.id, "gold")
    text = (await gateway.get("/ada/gold/receipt.jwt")).body.decode().strip()
    with pytest.raises(BadToken):
        await gateway.parts.tokens.verify(text, (LOGIN, "source"))
    both = (await gateway.get(KEYS)).json()["keys"] + (await gateway.get("/.well-known/jwks.json")).json()["keys"]
    assert len({key["kid"] for key in both}) == 2
    with pytest.raises(BadReceipt, match="no receipt"):
        read_receipt(ada.token, {"keys": both})


async def test_one_character_changed_anywhere_in_a_receipt_is_found(
    gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    await seeds.revision(ada.id, "gold")
    text = (await gateway.get("/ada/gold/receipt.jwt")).body.decode().strip()
    keys = (await gateway.get(KEYS)).json()
    assert read_receipt(text, keys).dataset == "gold"
    for position, character in enumerate(text):
        other = "B" if character == "A" else chr(ord(character) ^ 1)
        with pytest.raises(BadReceipt):
            read_receipt(f"{text[:position]}{other}{text[position + 1 :]}", keys)
    for worthless in ("", "a", "a.b", "a.b.c", "....", json.dumps(keys), text + "A", "é.b.c"):
        with pytest.raises(BadReceipt):
            read_receipt(worthless, keys)


async def test_there_is_no_receipt_of_what_is_not_published(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    await ada.push("moving")
    assert (await gateway.get("/source/ada/moving/1")).json()["receipt"] is None
    assert (await gateway.get(f"/{ada.id}/moving/1/receipt.jwt")).status == 404
    await seeds.revision(ada.id, "older")
    await gateway.pool.execute("update flow set manifest = null where dataset = 'older'")
    answer = await gateway.get("/ada/older/receipt.jwt")
    assert (answer.status, "before receipts" in answer.json()["detail"]) == (404, True)
