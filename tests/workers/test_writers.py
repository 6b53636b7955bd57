"""The writers on a real database: progress, the join, the index, dead letters, rescue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio

from messages.blobs import Blobs
from messages.database import open_pool
from messages.datapackage import BlobRef, FlowRef, PublishedFile, Resource
from messages.envelope import Message
from messages.errors import DecodeError, TransientError
from messages.events import FlowAccepted, PackageFailed, PackagePublished, VisibilityChanged
from messages.jobs import StageJob
from messages.stageevents import StagePassed, StageRejected
from messages.topology import WRITER_QUEUES
from messages.transport.port import Ack, DeadLetterRecord
from messages.transport.postgres import PostgresTransport
from tests.workers.floor import PUBLIC_URL, File, Floor, delivered, job
from workers.rescue import MOST, Rescue
from workers.writers.deadletters import DeadLetterWriter
from workers.writers.metastore import MetadataWriter
from workers.writers.pkgstore import PackageWriter
from workers.writers.settling import settling

FILES = [File(name="a", content=b"id\n1\n"), File(name="b", content=b"id\n2\n")]
SHA = "ab" * 32


@pytest.fixture
def writer(floor: Floor) -> PackageWriter:
    return PackageWriter(floor.pool, floor.blobs, PUBLIC_URL)


def moved(flow: FlowRef, resource: Resource, stage: str, round: int = 0, **facts: Any) -> Message:
    """The event that a stage in the middle has passed a resource."""
    return StagePassed(flow=flow, stage=stage, resource=resource.learned(stage, facts), round=round).to_message()


def dumped(flow: FlowRef, resource: Resource, round: int = 0) -> Message:
    """The event of a resource's happy end."""
    blob = BlobRef(bucket="pkgstore", key=f"{flow.dataset_id}/data/{SHA}/{resource.name}.csv", size=5, sha256=SHA)
    file = PublishedFile(role="data", filename=f"{resource.name}.csv", mediatype="text/csv", blob=blob)
    whole = replace(resource, rows=1, files=(file,), facts={"dump": {"unchanged": True}})
    return StagePassed(flow=flow, stage="dump", resource=whole, round=round).to_message()


def refused(flow: FlowRef, resource: Resource, round: int = 0) -> Message:
    return StageRejected(
        flow=flow,
        index=resource.index,
        name=resource.name,
        stage="csvkind",
        round=round,
        reason="The file is a PNG.",
        rule="not-csv",
        findings=({"rule": "not-csv", "message": "The file is a PNG."},),
    ).to_message()


async def tell(writer: PackageWriter, *messages: Message) -> None:
    for message in messages:
        await writer.write(delivered(message))


async def ends(floor: Floor) -> list[str]:
    return [message.kind for message in await floor.said() if message.kind.startswith("event.package.")]


# progress


async def test_progress_goes_forward_only_however_events_arrive(floor: Floor, writer: PackageWriter) -> None:
    flow, (a, b) = await floor.accept(FILES)
    late = moved(flow, a, "load", bytes=5)
    await tell(writer, moved(flow, a, "csvkind", columns=1), late, late, moved(flow, b, "load", bytes=5))
    first, second = await floor.resources(flow)
    assert (first["stage"], second["stage"]) == ("validate", "encoding")
    assert first["facts"] == {"csvkind": {"columns": 1}, "load": {"bytes": 5}}
    assert (await floor.flow(flow))["state"] == "INPROGRESS"


async def test_many_steps_at_once_are_all_written(floor: Floor, writer: PackageWriter) -> None:
    accepted = [await floor.accept(FILES, dataset=f"set{number}") for number in range(10)]
    events = [
        moved(flow, resource, stage)
        for flow, resources in accepted
        for stage in ("load", "encoding", "csvkind", "validate")
        for resource in resources
    ]
    await asyncio.gather(*(writer.write(delivered(event)) for event in events))
    assert {row["stage"] for flow, _ in accepted for row in await floor.resources(flow)} == {"dump"}


async def test_step_of_a_flow_that_somebody_ends_waits_without_holding_up_others(
    floor: Floor, writer: PackageWriter
) -> None:
    held, (a, _) = await floor.accept(FILES, dataset="held")
    other, (c, _) = await floor.accept(FILES, dataset="other")
    async with floor.pool.acquire() as connection, connection.transaction():
        await connection.execute("select from flow where id = $1 for update", held.id)
        waiting = asyncio.create_task(writer.write(delivered(moved(held, a, "load"))))
        async with asyncio.timeout(30):
            await writer.write(delivered(moved(other, c, "load")))
        assert not waiting.done()
    await waiting
    assert (await floor.resources(held))[0]["stage"] == "encoding"


async def test_watchers_are_told_of_every_change(floor: Floor, writer: PackageWriter) -> None:
    flow, (a, b) = await floor.accept(FILES)
    told: asyncio.Queue[str] = asyncio.Queue()
    async with floor.pool.acquire() as connection:

        def hear(*arguments: object) -> None:
            told.put_nowait(str(arguments[-1]))

        await connection.add_listener("flow", hear)
        for message in (moved(flow, a, "load"), dumped(flow, a), dumped(flow, b)):
            await tell(writer, message)
            async with asyncio.timeout(30):
                assert await told.get() == flow.id
        await connection.remove_listener("flow", hear)


async def test_events_of_flows_that_are_not_ours_change_nothing(floor: Floor, writer: PackageWriter) -> None:
    flow, (a, _) = await floor.accept(FILES)
    forged = replace(flow, ownerid="somebody-else")
    await tell(writer, moved(forged, a, "load"), dumped(forged, a), refused(forged, a))
    await tell(writer, dumped(flow, a, round=7), refused(flow, a, round=7), moved(flow, a, "load", round=7))
    assert {row["state"] for row in await floor.resources(flow)} == {"QUEUED"}
    assert await ends(floor) == []


# the join


async def test_last_two_resources_at_once_end_their_flow_exactly_once(
    floor: Floor, writer: PackageWriter, database_url: str
) -> None:
    pool = await open_pool(database_url)
    other = PackageWriter(pool, floor.blobs, PUBLIC_URL)
    for number in range(10):
        flow, (a, b) = await floor.accept(FILES, dataset=f"set{number}")
        pair = (dumped(flow, a), dumped(flow, b))
        await asyncio.gather(tell(writer, pair[0]), tell(other, pair[1]), tell(other, pair[0]), tell(writer, pair[1]))
        assert (await floor.flow(flow))["state"] == "SUCCEEDED"
    await pool.close()
    assert await ends(floor) == ["event.package.published"] * 10


async def test_interleaved_ends_wait_for_each_other(floor: Floor, writer: PackageWriter) -> None:
    flow, (a, b) = await floor.accept(FILES)
    async with floor.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("select from flow where id = $1 for update", flow.id)
        both = [asyncio.create_task(tell(writer, dumped(flow, resource))) for resource in (a, b)]
        _done, waiting = await asyncio.wait(both, timeout=0.3)
        assert len(waiting) == 2
        await transaction.commit()
    await asyncio.gather(*both)
    assert await ends(floor) == ["event.package.published"]


async def test_one_rejected_resource_fails_the_flow_when_all_have_ended(floor: Floor, writer: PackageWriter) -> None:
    flow, (a, b) = await floor.accept(FILES)
    await tell(writer, refused(flow, a))
    assert (await floor.flow(flow))["state"] == "INPROGRESS"
    await tell(writer, dumped(flow, b), refused(flow, a))
    row = await floor.flow(flow)
    assert (row["state"], row["reason"]) == ("FAILED", "Resource 'a' (not-csv): The file is a PNG.")
    assert await ends(floor) == ["event.package.failed"]
    assert await floor.blobs.head("pkgstore", f"{flow.id}/datapackage.json") is None


async def test_several_rejected_resources_are_named(floor: Floor, writer: PackageWriter) -> None:
    flow, (a, b) = await floor.accept(FILES)
    await tell(writer, refused(flow, a), refused(flow, b))
    reason = (await floor.flow(flow))["reason"]
    assert reason.startswith("2 of 2 resources were not accepted: 'a' (not-csv), 'b' (not-csv).")


async def test_older_revision_that_ends_later_does_not_replace_a_newer_one(floor: Floor, writer: PackageWriter) -> None:
    old, old_resources = await floor.accept(FILES[:1])
    new, new_resources = await floor.accept(FILES[:1])
    await tell(writer, dumped(new, new_resources[0]), dumped(old, old_resources[0]))
    assert (await floor.flow(old))["state"] == "SUCCEEDED"
    assert await floor.pool.fetchval("select published_revision from dataset") == 2


async def test_store_that_is_down_at_the_end_leaves_the_flow_as_it_was_and_the_end_comes_later(
    floor: Floor, writer: PackageWriter
) -> None:
    flow, (a, b) = await floor.accept(FILES)
    await tell(writer, dumped(flow, a))
    nowhere = replace(floor.blobs.settings, endpoint_url="http://127.0.0.1:1", public_url="http://127.0.0.1:1")
    async with Blobs(nowhere) as blobs:
        with pytest.raises(TransientError):
            await tell(PackageWriter(floor.pool, blobs, PUBLIC_URL), dumped(flow, b))
    assert (await floor.flow(flow))["state"] == "INPROGRESS"
    await tell(writer, dumped(flow, b))
    assert (await floor.flow(flow))["state"] == "SUCCEEDED"
    assert await ends(floor) == ["event.package.published"]


async def test_published_descriptor_is_the_same_bytes_each_time(floor: Floor, writer: PackageWriter) -> None:
    flow, resources = await floor.accept(FILES, descriptor={"title": "T", "z": 1, "a": [{"y": 1, "b": 2}]})
    contents = []
    for _ in range(2):
        await tell(writer, *(dumped(flow, resource) for resource in resources))
        key = f"{flow.id}/datapackage.json"
        head = await floor.blobs.head("pkgstore", key)
        assert head is not None
        contents.append(await floor.blobs.get(BlobRef(bucket="pkgstore", key=key, size=head.size)))
        # As after a crash between the store and the commit.
        await floor.pool.execute("update flow set state = 'INPROGRESS', finished_at = null, package = null")
        await floor.pool.execute("update flow_resource set state = 'INPROGRESS'")
        await floor.pool.execute("delete from inbox")
    assert contents[0] == contents[1]
    assert b'"title": "T"' in contents[0]


async def test_database_that_is_down_means_later(floor: Floor, database_url: str) -> None:
    pool = await open_pool(database_url)
    await pool.close()
    flow, (a, _) = await floor.accept(FILES)
    handle = settling(PackageWriter(pool, floor.blobs, PUBLIC_URL).write)
    verdict = await handle(delivered(moved(flow, a, "load")))
    assert type(verdict).__name__ == "Retry"


# the MetaStore


def published(flow: FlowRef) -> Message:
    blob = BlobRef(bucket="pkgstore", key=f"{flow.id}/datapackage.json", size=10, sha256=SHA)
    return PackagePublished(flow=flow, title="Towns", descriptor=blob, rows=2, size=10, files=1).to_message()


PACKAGE = {
    "title": "Towns of somewhere",
    "description": "Where people live",
    "readme": "# About hedgehogs",
    "keywords": ["municipality", 7],
    "resources": [{"name": "places", "schema": {"fields": [{"name": "co2_ppm"}]}}],
}


@pytest_asyncio.fixture
async def found(floor: Floor) -> AsyncIterator[tuple[Floor, MetadataWriter, FlowRef]]:
    flow, _ = await floor.accept(FILES[:1])
    await floor.pool.execute("update flow set package = $1", PACKAGE)
    yield floor, MetadataWriter(floor.pool), flow


async def test_published_package_is_found_by_all_its_texts(
    found: tuple[Floor, MetadataWriter, FlowRef],
) -> None:
    floor, metadata, flow = found
    await metadata.write(delivered(published(flow)))
    for words in ("town", "somewhere", "live", "hedgehog", "municipalities", "ppm", "alice", "places"):
        hit = await floor.pool.fetchval(
            "select dataset_id from metadata where document @@ websearch_to_tsquery('dataset_text', $1)", words
        )
        assert hit == flow.dataset_id, words
    said = [message.kind for message in await floor.said()]
    assert said == ["event.metadata.indexed"]


async def test_index_keeps_the_highest_revision_and_says_so_once(
    found: tuple[Floor, MetadataWriter, FlowRef],
) -> None:
    floor, metadata, old = found
    new, _ = await floor.accept(FILES[:1])
    await floor.pool.execute("update flow set package = $1 where id = $2", {**PACKAGE, "title": "New"}, new.id)
    for message in (published(new), published(old), published(new)):
        await metadata.write(delivered(message))
    assert await floor.pool.fetchval("select revision from metadata") == 2
    assert [message.kind for message in await floor.said()] == ["event.metadata.indexed"] * 2


async def test_events_are_logged_as_documents(found: tuple[Floor, MetadataWriter, FlowRef]) -> None:
    floor, metadata, flow = found
    accepted = FlowAccepted(flow=flow, title="Towns", resources=("a",)).to_message()
    failed = PackageFailed(flow=flow, reason="The file is a PNG.", resources=("a",)).to_message()
    for message in (accepted, accepted, failed, published(flow)):
        await metadata.write(delivered(message))
    rows = await floor.pool.fetch("select event from event_log order by at")
    documents = [row["event"] for row in rows]
    assert [(event["event_action"], event["status"]) for event in documents] == [
        ("create", "OK"),
        ("finish", "FAIL"),
        ("finish", "OK"),
    ]
    assert documents[1]["payload"] == {"flow-id": flow.id, "errors": ["The file is a PNG."]}
    assert {event["event_entity"] for event in documents} == {"flow"}
    assert {(event["owner"], event["ownerid"], event["dataset"]) for event in documents} == {
        ("alice", flow.ownerid, "towns")
    }


async def test_a_switch_is_logged_and_what_is_found_is_what_the_flow_says_today(
    found: tuple[Floor, MetadataWriter, FlowRef],
) -> None:
    """The event of a package says who was to see it at its push; it may have been switched since."""
    floor, metadata, flow = found
    await floor.pool.execute("update flow set findability = 'private'")
    switched = VisibilityChanged(flow=replace(flow, findability="private"), before="published", change=2)
    for message in (published(flow), switched.to_message(), switched.to_message()):
        await metadata.write(delivered(message))
    assert await floor.pool.fetchval("select findability from metadata") == "private"
    rows = await floor.pool.fetch("select findability, event from event_log where kind = 'event.visibility.changed'")
    assert [(row["findability"], row["event"]["event_entity"], row["event"]["event_action"]) for row in rows] == [
        ("private", "dataset", "visibility")
    ]
    assert any(key == VisibilityChanged.KIND for _, key in WRITER_QUEUES["metastore"].bindings)


async def test_foreign_kind_is_a_dead_letter(found: tuple[Floor, MetadataWriter, FlowRef]) -> None:
    _floor, metadata, flow = found
    with pytest.raises(DecodeError):
        await metadata.write(delivered(Message(id="x", kind="event.something.else", flow=flow.id, data={})))


# dead letters


def dead(
    message: Message | None, queue: str, body: bytes = b"garbage", reason: str = "KeyError: 'x'"
) -> DeadLetterRecord:
    return DeadLetterRecord(
        id=f"{queue}-{message.id if message else body!r}",
        body=message.encode() if message else body,
        message=message,
        queue=queue,
        reason=reason,
        attempts=3,
    )


async def test_dead_job_ends_its_resource_and_the_others_go_on(floor: Floor, writer: PackageWriter) -> None:
    flow, (a, b) = await floor.accept(FILES)
    record = dead(job(flow, a, "csvkind").to_message(), "dh.job.csvkind")
    letters = DeadLetterWriter(floor.pool)
    assert (await letters.handle(record), await letters.handle(record)) == (Ack(), Ack())
    said = await floor.said()
    assert {StageRejected.from_message(message).abandoned for message in said} == {True}
    await tell(writer, *said, dumped(flow, b))
    row = await floor.flow(flow)
    assert row["state"] == "FAILED"
    assert "nothing is known to be wrong" in row["reason"]
    assert "KeyError" not in row["reason"]
    assert await floor.pool.fetchval("select count(*) from dead_letter") == 1


async def test_dead_event_of_the_package_store_fails_a_flow_that_still_moves(floor: Floor) -> None:
    flow, (a, _) = await floor.accept(FILES)
    await DeadLetterWriter(floor.pool).handle(dead(dumped(flow, a), "dh.writer.pkgstore"))
    assert (await floor.flow(flow))["state"] == "FAILED"
    assert {row["state"] for row in await floor.resources(flow)} == {"FAILED"}
    assert await ends(floor) == ["event.package.failed"]


async def test_dead_event_of_another_listener_fails_nothing(floor: Floor) -> None:
    flow, (a, _) = await floor.accept(FILES)
    for queue in ("dh.writer.metastore", "somebody.elses"):
        await DeadLetterWriter(floor.pool).handle(dead(moved(flow, a, "load"), queue))
    assert (await floor.flow(flow))["state"] == "QUEUED"
    assert await floor.pool.fetchval("select count(*) from dead_letter") == 2


async def test_bytes_that_are_no_message_are_kept(floor: Floor) -> None:
    assert await DeadLetterWriter(floor.pool).handle(dead(None, "dh.job.load", b"\x00\xff")) == Ack()
    assert await floor.pool.fetchval("select body from dead_letter") == b"\x00\xff"


# rescue


@dataclass
class Stuck:
    floor: Floor
    transport: PostgresTransport
    rescue: Rescue
    flow: FlowRef
    resources: list[Resource]

    async def stand_still(self) -> None:
        await self.floor.pool.execute("update flow set updated_at = now() - interval '2 hours'")


@pytest_asyncio.fixture
async def stuck(floor: Floor, database_url: str) -> AsyncIterator[Stuck]:
    transport = PostgresTransport(database_url)
    await transport.declare()
    flow, resources = await floor.accept(FILES)
    made = Stuck(floor, transport, Rescue(floor.pool, transport, 3600.0), flow, resources)
    await made.stand_still()
    yield made
    await transport.close()


async def test_flow_that_stands_still_starts_again_in_a_new_round(stuck: Stuck, writer: PackageWriter) -> None:
    floor, flow, (a, b) = stuck.floor, stuck.flow, stuck.resources
    await tell(writer, dumped(flow, a), moved(flow, b, "load"))
    await stuck.stand_still()
    assert await stuck.rescue.look() == [flow.id]
    jobs = [StageJob.from_message(message) for message in await floor.said()]
    assert [(found.stage, found.round, found.resource.name) for found in jobs] == [("load", 1, "b")]
    await tell(writer, dumped(flow, b, round=0))
    assert (await floor.flow(flow))["finished_at"] is None  # the round before is stale
    await tell(writer, dumped(flow, b, round=1))
    assert (await floor.flow(flow))["state"] == "SUCCEEDED"


async def test_flow_that_moves_is_left_alone(stuck: Stuck) -> None:
    await stuck.floor.pool.execute("update flow set updated_at = now()")
    assert await stuck.rescue.look() == []


async def test_flow_that_waits_in_a_long_queue_is_left_alone(stuck: Stuck) -> None:
    await stuck.transport.publish(job(stuck.flow, stuck.resources[0]).to_message())
    assert await stuck.rescue.look() == []
    await stuck.floor.pool.execute("update flow set updated_at = now() - interval '25 hours'")
    assert await stuck.rescue.look() == [stuck.flow.id]


async def test_rescue_gives_up_with_a_sentence(stuck: Stuck) -> None:
    for _ in range(MOST):
        assert await stuck.rescue.look() == [stuck.flow.id]
        await stuck.stand_still()
    await stuck.rescue.look()
    row = await stuck.floor.flow(stuck.flow)
    assert (row["state"], row["rescues"]) == ("FAILED", MOST)
    assert "started again 3 times" in row["reason"]
    assert await ends(stuck.floor) == ["event.package.failed"]


async def test_one_process_rescues_at_a_time(stuck: Stuck) -> None:
    looks = await asyncio.gather(*(Rescue(stuck.floor.pool, stuck.transport, 3600.0).look() for _ in range(5)))
    assert sorted(map(len, looks)) == [0, 0, 0, 0, 1]
    assert (await stuck.floor.flow(stuck.flow))["rescues"] == 1
