"""A13, S, W: webhooks to where they must not go, of what is not theirs, and receivers that fail in every way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from messages.webhooks.addresses import Addresses
from messages.webhooks.signing import headers, new_secret
from tests.catalogue.test_addresses import ADDRESSES
from tests.gateway.canary import Canary
from tests.gateway.conftest import Answer, Gateway, Publisher
from tests.gateway.seeds import Seeds
from tests.receiver import BIG, NETWORKS, Receiver, receiving, self_signed
from workers.webhooks.courier import MOST_READ, Courier
from workers.webhooks.ladder import MOST_ATTEMPTS
from workers.webhooks.sender import Sender

DEADLINE = 0.5
"""Seconds, instead of 15."""
ID, BODY = "3d6f-1", b'{"specversion":"1.0","type":"event.package.published"}'


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest_asyncio.fixture(autouse=True)
async def none_left(gateway: Gateway) -> AsyncIterator[None]:
    yield
    await gateway.pool.execute("delete from webhook")


@dataclass(slots=True)
class Sent:
    """A webhook of ada's, made without asking where it may go, and what becomes of a ping to it."""

    gateway: Gateway
    ada: Publisher
    sender: Sender
    id: str = ""

    async def to(self, url: str) -> Mapping[str, Any]:
        """The delivery after one attempt."""
        self.id = await self.gateway.pool.fetchval(
            "insert into webhook (id, ownerid, url, secret, account_id) values ($1, $2, $1, $3, $2) returning id",
            *(url, self.ada.id, new_secret()),
        )
        await self.gateway.pool.execute(
            "insert into webhook_delivery (id, webhook_id, event_id, kind, body) values ($1, $1, $2, 'ping', $3)",
            *(url, ID, BODY),
        )
        return await self.attempt()

    async def attempt(self) -> Mapping[str, Any]:
        """The delivery after everything that is due was sent."""
        while await self.sender.look():
            await self.sender.settled()
        return dict(await self.gateway.pool.fetchrow("select * from webhook_delivery where webhook_id = $1", self.id))


@pytest.fixture
def sent(gateway: Gateway, ada: Publisher) -> Sent:
    """Receivers on loopback may be reached."""
    courier = Courier(Addresses([ip_network(NETWORKS)]), deadline=DEADLINE)
    return Sent(gateway, ada, Sender(gateway.pool, courier))


async def create(publisher: Publisher, url: str, dataset: str | None = None) -> Answer:
    body = {"url": url} | ({"dataset": dataset} if dataset else {})
    address, token = f"/webhooks/{publisher.account.username}", publisher.token
    return await publisher.gateway.post(address, json=body, headers={"Auth-Token": token})


# A13


async def test_private_dataset_of_another_is_as_absent(gateway: Gateway, ada: Publisher, bob: Publisher) -> None:
    """A13."""
    await Seeds(gateway.pool, gateway.parts.blobs).revision(ada.id, "hidden", findability="private")
    answers = [await create(bob, "https://1.1.1.1/", dataset) for dataset in ("ada/hidden", "ada/absent")]
    assert [answer.status for answer in answers] == [404, 404]
    told = [{**answer.json(), "instance": None} for answer in answers]
    assert told[0] == told[1]
    assert await gateway.pool.fetchval("select count(*) from webhook") == 0


# S, W04


@pytest.mark.parametrize("case", ["S01", "S02", "S03", "S06"])
async def test_no_webhook_is_made_for_an_address_inside(ada: Publisher, canary: Canary, case: str) -> None:
    """S01, S02, S03, S06 and W04, when a webhook is made: 422 before anybody connects."""
    addresses = [address for name, address in ADDRESSES if name == case]
    if case == "S01":
        addresses += [canary.url, canary.url.replace("http:", "https:")]
    if case == "S02":
        addresses.append("https://127.0.0.1\uff0e1.example.com/")
    for address in addresses:
        answer = await create(ada, address)
        assert (answer.status, answer.json()["type"]) == (422, "urn:datahub:problem:invalid-webhook"), address
    assert canary.hits == []
    assert await ada.gateway.pool.fetchval("select count(*) from webhook") == 0


async def test_nothing_is_delivered_to_an_address_inside(gateway: Gateway, ada: Publisher, canary: Canary) -> None:
    """S01, S02, S03, S06 and W04 again, at delivery: whatever stands in the table."""
    courier = Courier(Addresses(), deadline=10.0)
    for address in (*(address for _, address in ADDRESSES), canary.url, canary.url.replace("http:", "https:")):
        outcome = await courier.carry(address, {}, BODY)
        assert (outcome.status, outcome.error is None) == (None, False), address
        assert "connection" not in str(outcome.error), address
    assert canary.hits == []


@pytest.mark.parametrize("answers", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::1"]])
async def test_name_that_stands_for_something_inside_is_refused(canary: Canary, answers: list[str]) -> None:
    """S04: a private address, and one beside a public one."""

    async def resolve(_host: str, _port: int) -> list[str]:
        return answers

    port = canary.url.rpartition(":")[2]
    outcome = await Courier(Addresses(resolve=resolve)).carry(f"https://rebind.example:{port}/", {}, BODY)
    assert outcome.error == (
        "rebind.example leads to no public address: webhooks go to the public internet alone (is it written right?)."
    )
    assert canary.hits == []


async def test_connection_goes_to_the_address_that_was_checked(receiver: Receiver, canary: Canary) -> None:
    """S04, rebinding: the name is looked up once, and what it stands for later is nobody's destination."""
    asked = []

    async def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.9"]

    port = receiver.url.rpartition(":")[2]
    addresses = Addresses([ip_network("127.0.0.1/32")], resolve)
    courier = Courier(addresses, deadline=5.0)
    outcome = await courier.carry(f"http://rebind.example:{port}/ok", headers([new_secret()], ID, 1, BODY), BODY)
    assert (outcome.status, asked) == (200, ["rebind.example"])
    assert receiver.told[0].headers["host"] == f"rebind.example:{port}"
    outcome = await courier.carry(f"http://rebind.example:{port}/ok", {}, BODY)
    assert (outcome.status, len(asked), len(receiver.told)) == (None, 2, 1)


@pytest.mark.parametrize("redirect", ["302/http://169.254.169.254/", "301/{own}/redirect/302/{canary}", "307/{canary}"])
async def test_no_redirect_is_followed(sent: Sent, receiver: Receiver, canary: Canary, redirect: str) -> None:
    """S05: to where nobody may go, by a chain, and with the body to another host."""
    target = redirect.format(own=receiver.url, canary=canary.url)
    row = await sent.to(f"{receiver.url}/redirect/{target}")
    assert row["state"] == "waiting"
    assert row["error"] == f"The receiver answered {redirect[:3]}: redirects are not followed."
    assert len(receiver.told) == 1
    assert canary.hits == []


# W


def signed(secret: str, **changed: str) -> dict[str, str]:
    return {**headers([secret], ID, int(time.time()), BODY), **changed}


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "another"},
        {"webhook-id": f"{ID}.1"},
        {"webhook-timestamp": "-60"},
        {"webhook-timestamp": "-301"},
        {"webhook-signature": "v1,AAAA"},
    ],
)
def test_receivers_find_out_what_was_altered(changed: dict[str, str]) -> None:
    """W01: by the library that Standard Webhooks gives to receivers."""
    secret = new_secret()
    Webhook(secret).verify(BODY, signed(secret))
    if "webhook-timestamp" in changed:
        changed = {"webhook-timestamp": str(int(time.time()) + int(changed["webhook-timestamp"]))}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, signed(secret, **changed))


def test_receivers_find_out_another_secret_body_and_age() -> None:
    """W01; an event that is sent once more has the id that the receiver knows."""
    secret = new_secret()
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(BODY, signed(secret))
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY + b" ", signed(secret))
    stale = headers([secret], ID, int(time.time()) - 301, BODY)
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(secret).verify(BODY, dict(stale))
    dotted = headers([secret], "a.1", 1, BODY)
    assert dotted["webhook-signature"] != headers([secret], "a", 1, BODY)["webhook-signature"]


def test_the_lines_in_the_document_verify_and_find_out_the_same() -> None:
    """W01."""
    text = (Path(__file__).parents[2] / "docs" / "messages.md").read_text("utf-8")
    names: dict[str, Any] = {}
    exec(text.partition("```python\n")[2].partition("```")[0], names)  # noqa: S102 it is ours
    secret = new_secret()
    names["verify"](secret, signed(secret), BODY)
    both = headers([new_secret(), secret], ID, int(time.time()), BODY)
    names["verify"](secret, both, BODY)
    stale = headers([secret], ID, int(time.time()) - 301, BODY)
    for wrong in ((new_secret(), both, BODY), (secret, both, BODY + b" "), (secret, stale, BODY)):
        with pytest.raises(ValueError, match="no webhook of ours"):
            names["verify"](*wrong)


async def test_both_secrets_sign_while_one_is_exchanged(gateway: Gateway, sent: Sent, receiver: Receiver) -> None:
    """W02."""
    await sent.to(f"{receiver.url}/ok")
    secrets = [await gateway.pool.fetchval("select secret from webhook")]
    for count in (2, 2, 1):
        if count == 2:
            await gateway.pool.execute(ROTATED, new := new_secret())
            secrets.append(new)
        else:
            await gateway.pool.execute("update webhook set old_until = now()")
        await gateway.pool.execute("update webhook_delivery set state = 'waiting', next_at = now()")
        await sent.attempt()
        told = receiver.told[-1]
        assert len(told.headers["webhook-signature"].split(" ")) == count
        for secret in secrets[-count:]:
            Webhook(secret).verify(told.body, dict(told.headers))
        for secret in (new_secret(), *secrets[:-count]):
            with pytest.raises(WebhookVerificationError):
                Webhook(secret).verify(told.body, dict(told.headers))


ROTATED = "update webhook set old_secret = secret, old_until = now() + interval '1 day', secret = $1"


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("redirect/301/elsewhere", 301, "The receiver answered 301: redirects are not followed."),
        ("redirect/302/elsewhere", 302, "The receiver answered 302: redirects are not followed."),
        ("status/400", 400, "The receiver answered 400."),
        ("later/3600", 429, "The receiver answered 429."),
        ("status/500", 500, "The receiver answered 500."),
        ("hang", None, "The receiver did not answer within 0.5 seconds."),
        ("drip", None, "The receiver did not answer within 0.5 seconds."),
        ("dripbody", None, "The receiver did not answer within 0.5 seconds."),
        ("big/500", 500, "The receiver answered 500."),
        ("reset", None, "The receiver closed the connection without an answer."),
    ],
)
async def test_receiver_that_fails_is_asked_again(
    sent: Sent, receiver: Receiver, path: str, status: int | None, error: str
) -> None:
    """W03: a failure, told in a sentence, within the deadline."""
    begun = asyncio.get_running_loop().time()
    row = await sent.to(f"{receiver.url}/{path}")
    assert (row["state"], row["status"], row["error"], row["attempts"]) == ("waiting", status, error, 1)
    assert asyncio.get_running_loop().time() - begun < 20 * DEADLINE
    wait = (row["next_at"] - row["attempted_at"]).total_seconds()
    assert (wait > 3_590) if path.startswith("later") else (wait < 30)


async def test_receiver_that_is_gone_is_not_asked_again(sent: Sent, receiver: Receiver) -> None:
    """W03: 410."""
    row = await sent.to(f"{receiver.url}/status/410")
    assert (row["state"], row["error"]) == (
        "parked",
        "The receiver said that it is gone (410): the webhook is disabled.",
    )
    assert await sent.gateway.pool.fetchval("select disabled_at is not null from webhook")


async def test_certificate_that_nobody_vouches_for_is_a_failure(sent: Sent, tmp_path: Path) -> None:
    """W03."""
    async with receiving(self_signed(tmp_path)) as receiver:
        row = await sent.to(f"{receiver.url}/ok")
        assert row["error"] == "The receiver's certificate is not good: SSLCertVerificationError."
        assert receiver.told == []


async def test_of_an_answer_little_is_read(receiver: Receiver) -> None:
    """W03: 100 MB are not taken, though what a receiver confirms is delivered."""
    outcome = await Courier(Addresses([ip_network(NETWORKS)])).carry(
        f"{receiver.url}/big/200", headers([new_secret()], ID, 1, BODY), BODY
    )
    assert outcome.status == 200
    async with asyncio.timeout(20):
        await receiver.let_go.wait()
    # What had left the receiver lies in buffers of both machines' kernels; MOST_READ of it were read.
    assert receiver.taken < BIG / 10
    assert MOST_READ == 16_384


async def test_receiver_that_was_away_for_a_day_misses_nothing(sent: Sent, receiver: Receiver) -> None:
    """W05: the day is made to pass in the database."""
    receiver.away = True
    row = await sent.to(f"{receiver.url}/ok")
    away = (row["next_at"] - row["created_at"]).total_seconds()
    while away < 24 * 3600:
        before = row["next_at"]
        await sent.gateway.pool.execute("update webhook_delivery set next_at = now()")
        row = await sent.attempt()
        assert row["state"] == "waiting"
        away += (row["next_at"] - row["attempted_at"]).total_seconds()
        assert row["next_at"] != before
    assert row["attempts"] < MOST_ATTEMPTS
    receiver.away = False
    await sent.gateway.pool.execute("update webhook_delivery set next_at = now()")
    assert (await sent.attempt())["state"] == "delivered"
    assert set(receiver.ids("/ok")) == {ID}


async def test_what_nobody_took_is_parked_seen_and_sent_again(gateway: Gateway, sent: Sent, receiver: Receiver) -> None:
    """W05, for longer than that."""
    answer = await create(sent.ada, "https://1.1.1.1/hook")
    webhook, token = answer.json()["id"], {"Auth-Token": sent.ada.token}
    await gateway.pool.execute("update webhook set url = $1", f"{receiver.url}/ok")
    assert (await gateway.post(f"/webhooks/ada/{webhook}/ping", headers=token)).status == 200
    receiver.away, sent.id = True, webhook
    for attempts in range(1, MOST_ATTEMPTS + 1):
        row = await sent.attempt()
        assert (row["attempts"], row["state"]) == (attempts, "waiting" if attempts < MOST_ATTEMPTS else "parked")
        await gateway.pool.execute("update webhook_delivery set next_at = now()")
    await sent.attempt()
    assert len(receiver.told) == MOST_ATTEMPTS
    (seen,) = (await gateway.get(f"/webhooks/ada/{webhook}/deliveries?state=parked", headers=token)).json()[
        "deliveries"
    ]
    assert (seen["status"], seen["error"], seen["attempts"]) == (503, "The receiver answered 503.", MOST_ATTEMPTS)
    receiver.away = False
    await gateway.post(f"/webhooks/ada/{webhook}/replay", headers=token, json={})
    assert (await sent.attempt())["state"] == "delivered"
    assert len(set(receiver.ids("/ok"))) == 1
