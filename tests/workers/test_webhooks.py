"""Webhooks on a real database: who is told of an event, that each is sent until it has arrived, and that one receiver
holds up no other."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from pathlib import Path

import pytest
import pytest_asyncio

from messages.datapackage import BlobRef, FlowRef
from messages.envelope import Message
from messages.errors import DecodeError
from messages.events import PackageFailed, PackagePublished, VisibilityChanged
from messages.outbox import emit
from messages.settings import StoreSettings
from messages.topology import WRITER_QUEUES
from messages.transport.port import Transport
from messages.webhooks.addresses import Addresses
from messages.webhooks.audience import CHANNEL
from messages.webhooks.signing import new_secret
from tests import stack
from tests.receiver import NETWORKS, Receiver, receiving
from tests.workers.floor import File, Floor, delivered
from tests.workers.test_main import worker
from workers.webhooks.courier import Courier
from workers.webhooks.ladder import LEAST, LONGEST_WAIT, MOST_ATTEMPTS, PAUSES, asked_for, pause
from workers.webhooks.sender import MOST_TO_ONE, Sender
from workers.writers.settling import settling
from workers.writers.webhooks import WebhookWriter

FILES = [File(name="a", content=b"id\n1\n")]
QUEUE = WRITER_QUEUES["webhooks"].name


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest_asyncio.fixture
async def towns(floor: Floor) -> FlowRef:
    """A dataset of alice's that is published."""
    flow, _ = await floor.accept(FILES)
    await floor.pool.execute("update dataset set published_revision = 1")
    return flow


def published(flow: FlowRef) -> Message:
    blob = BlobRef(bucket="pkgstore", key=f"{flow.id}/datapackage.json", size=10, sha256="ab" * 32)
    return PackagePublished(flow=flow, title="Towns", descriptor=blob, rows=2, size=10, files=1).to_message()


def failed(flow: FlowRef) -> Message:
    return PackageFailed(flow=flow, reason="A cell is wrong.").to_message()


def shown(flow: FlowRef) -> Message:
    return VisibilityChanged(flow=flow, before="unlisted", change=1).to_message()


async def account(floor: Floor, name: str, kind: str = "person") -> str:
    await floor.pool.execute("insert into account (id, username, kind) values ($1, $1, $2)", name, kind)
    return name


async def subscribe(floor: Floor, owner: str, url: str, dataset: str | None = None) -> str:
    """A webhook; its id, `owner dataset`, says whose it is and of what."""
    webhook = f"{owner} {dataset} {url[-4:]}"
    await floor.pool.execute(
        "insert into webhook (id, ownerid, dataset_id, url, secret, account_id) values ($1, $2, $3, $4, $5, $2)",
        *(webhook, owner, dataset, url, new_secret()),
    )
    return webhook


async def told(floor: Floor) -> set[str]:
    """Ids of the webhooks that have a delivery."""
    return {row["webhook_id"] for row in await floor.pool.fetch("select webhook_id from webhook_delivery")}


def sender_for(floor: Floor, **more: float) -> Sender:
    courier = Courier(Addresses([ip_network(NETWORKS)]), deadline=10.0)
    return Sender(floor.pool, courier, slots=int(more.pop("slots", 64)), lease=more.pop("lease", 60.0))


async def send(sender: Sender) -> None:
    """Everything that is due, until nothing is."""
    while await sender.look():
        await sender.settled()


async def states(floor: Floor) -> list[str]:
    return [
        row["state"] for row in await floor.pool.fetch("select state from webhook_delivery order by created_at, id")
    ]


async def test_each_webhook_is_told_once_however_often_the_event_comes(
    floor: Floor, towns: FlowRef, transport: Transport
) -> None:
    other, _ = await floor.accept(FILES, dataset="other")
    every = await subscribe(floor, floor.ownerid, "https://x/every")
    one = await subscribe(floor, floor.ownerid, "https://x/one", towns.dataset_id)
    await subscribe(floor, floor.ownerid, "https://x/other", other.dataset_id)
    rung: asyncio.Queue[str] = asyncio.Queue()

    def ring(*_: object) -> None:
        rung.put_nowait("rung")

    async with floor.pool.acquire() as connection:
        await connection.add_listener(CHANNEL, ring)
        await transport.declare()
        consumer = await transport.consume(QUEUE, settling(WebhookWriter(floor.pool).write), slots=4)
        for message in (published(towns), published(towns), failed(other), published(towns)):
            await transport.publish(message)
        async with asyncio.timeout(30):
            await rung.get()
            await rung.get()
        await consumer.stop(10.0)
        await connection.remove_listener(CHANNEL, ring)
    rows = await floor.pool.fetch(
        "select webhook_id, event_id, body from webhook_delivery where flow_id = $1", towns.id
    )
    assert {(row["webhook_id"], row["event_id"]) for row in rows} == {
        (webhook, published(towns).id) for webhook in (every, one)
    }
    assert len(rows) == 2
    assert json.loads(rows[0]["body"])["type"] == "event.package.published"


async def test_who_is_told_of_what(floor: Floor, towns: FlowRef) -> None:
    guild, bob, carol = await account(floor, "guild", "organisation"), await account(floor, "bob"), "carol"
    await account(floor, carol)
    await floor.pool.execute("update account set kind = 'organisation' where id = $1", floor.ownerid)
    await floor.pool.execute(
        "insert into membership (organisation_id, account_id, role) values ($1, 'carol', 'reader')", floor.ownerid
    )
    hidden, _ = await floor.accept(FILES, dataset="hidden")
    hidden = replace(hidden, findability="private")
    hooks = {
        who: {
            flow.dataset: await subscribe(floor, who, f"https://x/{flow.dataset}", flow.dataset_id)
            for flow in (towns, hidden)
        }
        for who in (floor.ownerid, guild, bob, carol)
    }
    await floor.pool.execute("update dataset set findability = 'private', published_revision = 1 where name = 'hidden'")
    inside = {floor.ownerid, carol}
    writer = WebhookWriter(floor.pool)
    for message, dataset, wanted in (
        (published(towns), "towns", {*inside, guild, bob}),
        (shown(towns), "towns", {*inside, guild, bob}),
        (failed(towns), "towns", inside),
        (published(hidden), "hidden", inside),
        (shown(hidden), "hidden", inside),
    ):
        await floor.pool.execute("delete from webhook_delivery")
        await writer.write(delivered(message))
        assert await told(floor) == {hooks[who][dataset] for who in wanted}, message.kind
    await floor.pool.execute("update flow set findability = 'private' where id = $1", towns.id)
    await floor.pool.execute("delete from webhook_delivery; delete from inbox")
    await writer.write(delivered(published(towns)))
    assert await told(floor) == {hooks[who]["towns"] for who in inside}, "a revision that was pushed to be private"


async def test_event_that_comes_again_is_no_news_to_a_webhook_that_was_made_since(floor: Floor, towns: FlowRef) -> None:
    first = await subscribe(floor, floor.ownerid, "https://x/1st")
    writer = WebhookWriter(floor.pool)
    await writer.write(delivered(published(towns)))
    await subscribe(floor, floor.ownerid, "https://x/2nd")
    await writer.write(delivered(published(towns)))
    assert await told(floor) == {first}


async def test_disabled_webhooks_and_accounts_are_told_nothing(floor: Floor, towns: FlowRef) -> None:
    await account(floor, "bob")
    await subscribe(floor, "bob", "https://x/1", towns.dataset_id)
    await subscribe(floor, floor.ownerid, "https://x/2")
    await floor.pool.execute("update account set disabled_at = now() where id = 'bob'")
    await floor.pool.execute("update webhook set disabled_at = now() where ownerid <> 'bob'")
    await WebhookWriter(floor.pool).write(delivered(published(towns)))
    assert await told(floor) == set()


async def test_what_is_no_event_for_webhooks_is_refused(floor: Floor, towns: FlowRef) -> None:
    forged = replace(published(towns), kind="event.package.eaten")
    with pytest.raises(DecodeError):
        await WebhookWriter(floor.pool).write(delivered(forged))


async def test_event_arrives_as_it_was_on_the_broker(floor: Floor, towns: FlowRef, receiver: Receiver) -> None:
    await subscribe(floor, floor.ownerid, f"{receiver.url}/ok")
    event = published(towns)
    await WebhookWriter(floor.pool).write(delivered(event))
    await send(sender_for(floor))
    (arrived,) = receiver.told
    assert Message.decode(arrived.body) == event
    assert arrived.headers["content-type"] == "application/cloudevents+json"
    assert arrived.headers["webhook-id"] == event.id
    row = await floor.pool.fetchrow("select * from webhook_delivery")
    assert (row["state"], row["status"], row["attempts"], row["error"]) == ("delivered", 200, 1, None)


async def test_dataset_that_turned_private_is_not_told_to_those_who_may_not_read_it(
    floor: Floor, towns: FlowRef, receiver: Receiver
) -> None:
    await account(floor, "bob")
    await subscribe(floor, "bob", f"{receiver.url}/bob", towns.dataset_id)
    mine = await subscribe(floor, floor.ownerid, f"{receiver.url}/mine", towns.dataset_id)
    await WebhookWriter(floor.pool).write(delivered(published(towns)))
    await floor.pool.execute("update dataset set findability = 'private'")
    await send(sender_for(floor))
    assert [told.path for told in receiver.told] == ["/mine"]
    assert await told(floor) == {mine}


async def test_receiver_that_hangs_holds_up_no_other(floor: Floor, towns: FlowRef, receiver: Receiver) -> None:
    slow = await subscribe(floor, floor.ownerid, f"{receiver.url}/hang")
    await subscribe(floor, floor.ownerid, f"{receiver.url}/ok")
    flows = [towns, *[(await floor.accept(FILES, dataset=f"set{number}"))[0] for number in range(8)]]
    for flow in flows:
        await WebhookWriter(floor.pool).write(delivered(published(flow)))
    sender = sender_for(floor, slots=8)
    while "waiting" in {
        row["state"]
        for row in await floor.pool.fetch("select state from webhook_delivery where webhook_id <> $1", slow)
    }:
        await sender.look()
        await asyncio.sleep(0.01)
    hanging = await floor.pool.fetchval("select count(*) from webhook_delivery where lease is not null")
    assert hanging == MOST_TO_ONE
    assert len(receiver.ids("/ok")) == len(flows)
    assert await floor.pool.fetchval("select count(*) from webhook_delivery where state = 'waiting'") == len(flows)
    receiver.let_go.set()
    await sender.settled()


async def test_subscriber_with_many_receivers_that_hang_waits_behind_others(
    floor: Floor, towns: FlowRef, receiver: Receiver
) -> None:
    await account(floor, "eve")
    for number in range(9):
        await subscribe(floor, "eve", f"{receiver.url}/hang/{number}", towns.dataset_id)
    writer, busy, other = WebhookWriter(floor.pool), sender_for(floor, slots=4), sender_for(floor, slots=1)
    await writer.write(delivered(published(towns)))
    await busy.look()
    await subscribe(floor, floor.ownerid, f"{receiver.url}/ok")
    await writer.write(delivered(failed(towns)))
    await other.look()
    await other.settled()
    assert receiver.ids("/ok") == [failed(towns).id]
    due = "select count(*) from webhook_delivery where state = 'waiting' and attempts = 0"
    assert await floor.pool.fetchval(due) == 9 - 4
    receiver.let_go.set()
    await busy.settled()


async def test_two_processes_share_the_work(floor: Floor, towns: FlowRef, receiver: Receiver) -> None:
    for number in range(8):
        await subscribe(floor, floor.ownerid, f"{receiver.url}/{number}")
    for message in (published(towns), failed(towns), shown(towns)):
        await WebhookWriter(floor.pool).write(delivered(message))
    await asyncio.gather(*(send(sender_for(floor, slots=2)) for _ in range(2)))
    assert await states(floor) == ["delivered"] * 24
    assert len({(told.path, told.headers["webhook-id"]) for told in receiver.told}) == len(receiver.told) == 24


async def test_killed_sender_loses_nothing_and_the_event_keeps_its_id(
    floor: Floor,
    towns: FlowRef,
    receiver: Receiver,
    database_url: str,
    object_store: StoreSettings,
    tmp_path: Path,
) -> None:
    await subscribe(floor, floor.ownerid, f"{receiver.url}/hang")
    async with floor.pool.acquire() as connection, connection.transaction():
        await emit(connection, published(towns))
    async with worker(stack.environment(database_url, object_store, None, tmp_path), "webhooks") as process:
        async with asyncio.timeout(60):
            await receiver.arrived.wait()
        process.kill()
        await process.wait()
    sender = sender_for(floor)
    assert not await sender.look(), "it is leased still"
    await floor.pool.execute("update webhook_delivery set leased_until = now()")
    receiver.let_go.set()
    await send(sender)
    assert receiver.ids("/hang") == [published(towns).id] * 2
    row = await floor.pool.fetchrow("select state, attempts from webhook_delivery")
    assert (row["state"], row["attempts"]) == ("delivered", 2)


async def test_sender_that_is_stopped_gives_back_what_it_was_sending(
    floor: Floor, towns: FlowRef, receiver: Receiver
) -> None:
    await subscribe(floor, floor.ownerid, f"{receiver.url}/hang")
    await WebhookWriter(floor.pool).write(delivered(published(towns)))
    running = asyncio.create_task(sender_for(floor).run())
    await receiver.arrived.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    row = await floor.pool.fetchrow("select state, attempts, leased_until from webhook_delivery")
    assert (row["state"], row["attempts"], row["leased_until"]) == ("waiting", 0, None)
    receiver.let_go.set()
    await send(sender_for(floor))
    assert await states(floor) == ["delivered"]


async def test_lease_that_ran_out_is_not_settled_by_who_had_it(
    floor: Floor, towns: FlowRef, receiver: Receiver
) -> None:
    await subscribe(floor, floor.ownerid, f"{receiver.url}/hang")
    await WebhookWriter(floor.pool).write(delivered(published(towns)))
    late = sender_for(floor, lease=0.0)
    assert await late.look()
    await receiver.arrived.wait()
    await floor.pool.execute("update webhook_delivery set lease = 'of another'")
    receiver.let_go.set()
    await late.settled()
    assert await floor.pool.fetchval("select lease from webhook_delivery") == "of another"


async def test_gone_disables_the_webhook_and_parks_what_waits(floor: Floor, towns: FlowRef, receiver: Receiver) -> None:
    await subscribe(floor, floor.ownerid, f"{receiver.url}/status/410")
    for message in (published(towns), failed(towns)):
        await WebhookWriter(floor.pool).write(delivered(message))
    await floor.pool.execute(
        "update webhook_delivery set next_at = now() + interval '1 hour' where kind like '%failed'"
    )
    await send(sender_for(floor))
    assert await states(floor) == ["parked", "parked"]
    assert await floor.pool.fetchval("select disabled_at is not null from webhook")
    assert len(receiver.told) == 1


async def test_what_has_ended_is_forgotten_after_a_while(floor: Floor, towns: FlowRef) -> None:
    await subscribe(floor, floor.ownerid, "https://x/1")
    for message in (published(towns), failed(towns), shown(towns)):
        await WebhookWriter(floor.pool).write(delivered(message))
    ended = "update webhook_delivery set state = $2, ended_at = now() - make_interval(days => $3) where kind = $1"
    await floor.pool.execute(ended, PackagePublished.KIND, "delivered", 8)
    await floor.pool.execute(ended, PackageFailed.KIND, "parked", 8)
    await sender_for(floor).prune()
    assert sorted(await states(floor)) == ["parked", "waiting"]
    await floor.pool.execute(ended, PackageFailed.KIND, "parked", 31)
    await sender_for(floor).prune()
    assert await states(floor) == ["waiting"]


def test_attempts_are_spread_over_more_than_a_day() -> None:
    assert sum(PAUSES) * LEAST > 25 * 3600
    assert (MOST_ATTEMPTS, PAUSES[0], LONGEST_WAIT) == (10, 5, 8 * 3600)
    assert pause(MOST_ATTEMPTS) is None
    random.seed(7)
    first = {pause(1) for _ in range(50)}
    assert len(first) > 40
    assert all(each is not None and 4 <= each <= 5 for each in first)


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("120", 120, 120),
        ("999999999", LONGEST_WAIT, LONGEST_WAIT),
        ("in an hour", 3000, 3600),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 4, 5),
        ("-5", 4, 5),
        ("soon", 4, 5),
        ("1e9", 4, 5),
        (None, 4, 5),
    ],
)
def test_what_a_receiver_asks_for_is_kept_within_bounds(header: str | None, least: float, most: float) -> None:
    if header == "in an hour":
        header = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    found = pause(1, asked_for(header))
    assert found is not None
    assert least <= found <= most
