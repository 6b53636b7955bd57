"""Webhooks over HTTP: who may have one told of what, where it may go, secrets, deliveries, and sending again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from gateway.webhooks.webhook import MOST
from messages.settings import Settings, StoreSettings
from messages.webhooks.addresses import Addresses, AddressRefused
from tests import services
from tests.gateway.conftest import Answer, Gateway, Publisher, serving, shared_settings
from tests.gateway.seeds import Seeds, join, organisation

URL = "https://1.1.1.1/hook"
"""Allowed, and never asked: nothing sends in these tests."""


@pytest_asyncio.fixture(scope="module")
async def settings(postgres: services.DatabaseServer, object_store: StoreSettings) -> AsyncIterator[Settings]:
    async with shared_settings(postgres, object_store) as settings:
        yield settings


@pytest_asyncio.fixture(scope="module")
async def gateway(settings: Settings) -> AsyncIterator[Gateway]:
    async with serving(settings) as gateway:
        yield gateway


@pytest_asyncio.fixture(scope="module")
async def ada(gateway: Gateway) -> Publisher:
    ada = await gateway.publisher("ada")
    seeds = Seeds(gateway.pool, gateway.parts.blobs)
    await seeds.revision(ada.id, "open")
    await seeds.revision(ada.id, "closed", findability="private")
    await seeds.revision(ada.id, "failed", state="FAILED")
    return ada


@pytest_asyncio.fixture(scope="module")
async def bob(gateway: Gateway) -> Publisher:
    return await gateway.publisher("bob")


@pytest_asyncio.fixture(autouse=True)
async def none_left(gateway: Gateway) -> AsyncIterator[None]:
    yield
    await gateway.pool.execute("delete from webhook")


async def ask(publisher: Publisher, method: str, path: str, body: Any = None) -> Answer:
    options = {} if body is None else {"json": body}
    return await publisher.gateway.request(
        method, f"/webhooks/{path}", headers={"Auth-Token": publisher.token}, **options
    )


async def made(publisher: Publisher, dataset: str | None = None, url: str = URL) -> dict[str, Any]:
    body = {"url": url} | ({"dataset": dataset} if dataset else {})
    answer = await ask(publisher, "POST", publisher.account.username, body)
    assert answer.status == 201, answer.body
    webhook: dict[str, Any] = answer.json()
    return webhook


async def parked(gateway: Gateway, webhook: str, state: str = "parked") -> str:
    """A delivery in this state, as the senders leave it; its id."""
    query = """
        insert into webhook_delivery (id, webhook_id, event_id, kind, body, state, attempts, status, error, ended_at)
        values (gen_random_uuid()::text, $1, gen_random_uuid()::text, 'event.package.published', '{}', $2, 10, 500,
                'The receiver answered 500.', now()) returning id
    """
    delivery: str = await gateway.pool.fetchval(query, webhook, state)
    return delivery


async def test_secret_is_told_once_and_everything_is_in_the_audit_log(gateway: Gateway, ada: Publisher) -> None:
    webhook = await made(ada, "ada/open", f"{URL}?key=Zq7")
    assert webhook["secret"].startswith("whsec_")
    assert (webhook["dataset"], webhook["maker"], webhook["disabled"]) == ("ada/open", "ada", None)
    listed = (await ask(ada, "GET", "ada")).json()["webhooks"]
    assert listed == [{name: value for name, value in webhook.items() if name != "secret"}]
    rotated = (await ask(ada, "POST", f"ada/{webhook['id']}/rotate")).json()
    assert rotated["secret"] != webhook["secret"]
    assert rotated["old_secret_until"] is not None
    row = await gateway.pool.fetchrow("select secret, old_secret from webhook")
    assert (row["secret"], row["old_secret"]) == (rotated["secret"], webhook["secret"])
    assert (await ask(ada, "DELETE", f"ada/{webhook['id']}")).status == 204
    assert (await ask(ada, "GET", "ada")).json() == {"webhooks": []}
    answer = await gateway.get("/auth/audit/ada", headers={"Auth-Token": ada.token})
    told = [each for each in answer.json()["entries"] if each["subject"] == webhook["id"]]
    assert [each["act"] for each in told] == ["webhook-removed", "webhook-rotated", "webhook-added"]
    assert b"Zq7" not in answer.body
    assert b"whsec_" not in answer.body


async def test_another_ones_private_dataset_is_as_absent(gateway: Gateway, ada: Publisher, bob: Publisher) -> None:
    for dataset in ("ada/closed", "ada/failed", "ada/nothing", "nobody/open"):
        answer = await ask(bob, "POST", "bob", {"url": URL, "dataset": dataset})
        assert (answer.status, answer.json()["detail"]) == (404, "There is no such dataset."), dataset
    await made(bob, "ada/open")
    await made(ada, "ada/closed")


async def test_organisation_hears_what_it_may_read_itself_not_what_its_members_may(
    gateway: Gateway, ada: Publisher
) -> None:
    guild = await organisation(gateway.pool, "guild")
    await join(gateway.pool, guild, ada.id, "owner")
    await Seeds(gateway.pool, gateway.parts.blobs).revision(guild, "inner", findability="private")
    assert (await ask(ada, "POST", "guild", {"url": URL, "dataset": "ada/closed"})).status == 404
    assert (await ask(ada, "POST", "guild", {"url": URL, "dataset": "guild/inner"})).status == 201
    assert (await ask(ada, "POST", "ada", {"url": URL, "dataset": "guild/inner"})).status == 201


async def test_strangers_webhooks_are_absent(ada: Publisher, bob: Publisher) -> None:
    webhook = await made(ada)
    for method, rest in (("GET", "/deliveries"), ("POST", "/rotate"), ("POST", "/enable"), ("DELETE", "")):
        for owner in ("ada", "bob"):
            answer = await ask(bob, method, f"{owner}/{webhook['id']}{rest}")
            absent = await ask(bob, method, f"{owner}/none{rest}")
            assert (answer.status, answer.json()["detail"]) == (404, absent.json()["detail"])
    assert len((await ask(ada, "GET", "ada")).json()["webhooks"]) == 1


async def test_what_is_wrong_is_said(ada: Publisher) -> None:
    for body, pointers in (
        ({}, ["#/url"]),
        ({"url": 5, "dataset": "prices", "secret": "x"}, ["#/secret", "#/url", "#/dataset"]),
        ({"url": URL, "dataset": ["a", "b"]}, ["#/dataset"]),
        ({"url": "https://receiver"}, ["#/url"]),
    ):
        answer = await ask(ada, "POST", "ada", body)
        assert answer.status == 422
        assert [each["pointer"] for each in answer.json()["errors"]] == pointers


async def test_one_has_each_once_and_so_many_at_most(ada: Publisher) -> None:
    await made(ada)
    assert (await ask(ada, "POST", "ada", {"url": URL})).status == 409
    for number in range(1, MOST):
        await made(ada, url=f"{URL}/{number}")
    answer = await ask(ada, "POST", "ada", {"url": f"{URL}/more"})
    assert answer.json()["type"] == "urn:datahub:problem:too-many"


async def test_parked_are_seen_and_sent_again_one_or_all(gateway: Gateway, ada: Publisher) -> None:
    webhook = (await made(ada))["id"]
    first, _, done = [await parked(gateway, webhook, state) for state in ("parked", "parked", "delivered")]
    (listed,) = (await ask(ada, "GET", "ada")).json()["webhooks"]
    assert (listed["waiting"], listed["parked"]) == (0, 2)
    found = (await ask(ada, "GET", f"ada/{webhook}/deliveries?state=parked")).json()["deliveries"]
    assert {(each["status"], each["error"], each["attempts"]) for each in found} == {
        (500, "The receiver answered 500.", 10)
    }
    assert (await ask(ada, "GET", f"ada/{webhook}/deliveries?state=lost")).status == 422
    assert (await ask(ada, "POST", f"ada/{webhook}/replay", {"delivery": first})).json() == {"replayed": 1}
    assert (await ask(ada, "POST", f"ada/{webhook}/replay", {"delivery": first})).status == 404
    assert (await ask(ada, "POST", f"ada/{webhook}/replay", {"delivery": done})).json() == {"replayed": 1}
    assert (await ask(ada, "POST", f"ada/{webhook}/replay", {})).json() == {"replayed": 1}
    waiting = (await ask(ada, "GET", f"ada/{webhook}/deliveries?state=waiting")).json()["deliveries"]
    assert [each["attempts"] for each in waiting] == [0, 0, 0]


async def test_disabled_is_told_nothing_until_it_is_enabled(gateway: Gateway, ada: Publisher) -> None:
    webhook = (await made(ada))["id"]
    await gateway.pool.execute("update webhook set disabled_at = now()")
    assert (await ask(ada, "POST", f"ada/{webhook}/ping")).status == 409
    assert (await ask(ada, "POST", f"ada/{webhook}/replay", {})).status == 409
    assert (await ask(ada, "POST", f"ada/{webhook}/enable")).json()["disabled"] is None
    delivery = (await ask(ada, "POST", f"ada/{webhook}/ping")).json()["delivery"]
    (found,) = (await ask(ada, "GET", f"ada/{webhook}/deliveries")).json()["deliveries"]
    assert (found["id"], found["kind"], found["state"]) == (delivery, "event.webhook.pinged", "waiting")


@pytest.mark.parametrize(
    ("answers", "allowed"),
    [
        (["8.8.8.8"], True),
        (["8.8.8.8", "2606:4700:4700::1111"], True),
        (["8.8.8.8", "10.0.0.1"], False),
        (["fe80::1%eth0"], False),
        (["::ffff:8.8.8.8"], False),
        (["168.63.129.16"], False),
        ([], False),
    ],
)
async def test_every_address_of_a_name_must_be_public(answers: list[str], allowed: bool) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return answers

    addresses = Addresses(resolve=resolve)
    if allowed:
        assert (await addresses.checked("https://hooks.example/x")).addresses == tuple(answers)
    else:
        with pytest.raises(AddressRefused, match=r"hooks\.example leads to no public address"):
            await addresses.checked("https://hooks.example/x")


def test_settings_allow_networks_of_ones_own(settings: Settings) -> None:
    assert settings.webhook_networks == ()
