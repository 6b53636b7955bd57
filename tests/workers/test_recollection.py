"""A broker without memory: what moves is started again at once, what nobody has heard is told again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from messages.datapackage import FlowRef, Resource
from messages.envelope import Message
from messages.errors import TransientError
from messages.events import PackageFailed, PackagePublished
from messages.jobs import StageJob
from messages.transport.postgres import PostgresTransport
from messages.turns import line_up
from tests.workers.floor import PUBLIC_URL, File, Floor, delivered
from tests.workers.test_writers import dumped, refused, tell
from workers.recollection import Recollection
from workers.rescue import MOST
from workers.writers.metastore import MetadataWriter
from workers.writers.pkgstore import PackageWriter

FILES = [File(name="a", content=b"id\n1\n"), File(name="b", content=b"id\n2\n")]


@dataclass
class Broker:
    """The embedded one, which has not been told anything yet: as good as one that has lost its disk."""

    floor: Floor
    transport: PostgresTransport
    recollection: Recollection
    writer: PackageWriter

    async def said(self) -> list[Message]:
        """What is in the outbox, and is not any more."""
        said = await self.floor.said()
        await self.floor.pool.execute("delete from outbox")
        return said

    async def forget(self) -> None:
        await self.floor.pool.execute("delete from delivery where queue = 'dh.memory'")

    async def accept(self, dataset: str = "towns") -> tuple[FlowRef, list[Resource]]:
        return await self.floor.accept(FILES, dataset=dataset)


@pytest_asyncio.fixture
async def broker(floor: Floor, database_url: str) -> AsyncIterator[Broker]:
    transport = PostgresTransport(database_url)
    writer = PackageWriter(floor.pool, floor.blobs, PUBLIC_URL)
    yield Broker(floor, transport, Recollection(floor.pool, transport, floor.blobs), writer)
    await transport.close()


def jobs(said: list[Message]) -> list[tuple[str, str, int, str]]:
    found = [StageJob.from_message(message) for message in said if message.is_job]
    return sorted((job.flow.dataset, job.resource.name, job.round, job.stage) for job in found)


async def test_what_moves_is_started_again_once_for_each_loss(broker: Broker) -> None:
    flow, (a, _) = await broker.accept()
    await tell(broker.writer, dumped(flow, a))
    assert await broker.recollection.look() is True
    assert jobs(await broker.said()) == [("towns", "b", 1, "load")]
    assert await broker.recollection.look() is False
    assert await broker.said() == []
    await broker.forget()
    assert await broker.recollection.look() is True
    assert jobs(await broker.said()) == [("towns", "b", 2, "load")]


async def test_a_loss_right_after_a_loss_is_made_good_too(broker: Broker) -> None:
    assert await broker.recollection.look() is True
    await broker.accept()
    await broker.forget()
    assert await broker.recollection.look() is True
    assert len(jobs(await broker.said())) == 2


async def test_what_waits_for_its_turn_is_left_alone(broker: Broker) -> None:
    flow, resources = await broker.accept()
    async with broker.floor.pool.acquire() as connection:
        await line_up(connection, flow, resources)
    await broker.recollection.look()
    assert jobs(await broker.said()) == []


async def test_a_loss_uses_up_no_rescue_and_helps_those_that_have_none_left(broker: Broker) -> None:
    flow, _ = await broker.accept()
    await broker.floor.pool.execute("update flow set rescues = $1", MOST)
    await broker.recollection.look()
    assert len(jobs(await broker.said())) == 2
    row = await broker.floor.flow(flow)
    assert (row["state"], row["rescues"]) == ("QUEUED", MOST)


async def test_a_broker_that_takes_nothing_for_a_while_does_not_start_all_again_each_time(broker: Broker) -> None:
    await broker.accept("old")
    async with broker.floor.pool.acquire() as connection, connection.transaction():
        await connection.execute("lock table delivery in share mode")
        with pytest.raises(TransientError):
            await broker.recollection.look()
    assert len(jobs(await broker.said())) == 2
    await broker.accept("new")  # after the loss: the broker that there is now has its jobs
    assert await broker.recollection.look() is True
    assert jobs(await broker.said()) == []


async def test_ends_that_nobody_has_heard_are_told_again_under_their_ids(broker: Broker) -> None:
    published, resources = await broker.accept("published")
    await tell(broker.writer, *(dumped(published, resource) for resource in resources))
    failed, (a, b) = await broker.accept("failed")
    await tell(broker.writer, refused(failed, a), dumped(failed, b))
    ends = {message.id: message for message in await broker.said()}
    assert {message.kind for message in ends.values()} == {PackagePublished.KIND, PackageFailed.KIND}

    await broker.recollection.look()
    again = {message.id: message for message in await broker.said()}
    for id, message in ends.items():
        assert (again[id].kind, again[id].data) == (message.kind, message.data)

    writer = MetadataWriter(broker.floor.pool)
    for message in again.values():
        await writer.write(delivered(message))
    await broker.said()
    await broker.forget()
    assert await broker.recollection.look() is True
    assert await broker.said() == [], "what is in the log has been heard"


async def test_a_published_revision_whose_descriptor_is_gone_holds_nothing_up(broker: Broker) -> None:
    damaged, resources = await broker.accept("damaged")
    await tell(broker.writer, *(dumped(damaged, resource) for resource in resources))
    blobs = broker.floor.blobs
    async for found in blobs.objects(blobs.settings.package_bucket):
        if found.key == f"{damaged.id}/datapackage.json":
            await blobs.delete(found)
    await broker.accept("whole")
    await broker.said()
    assert await broker.recollection.look() is True
    assert {dataset for dataset, *_ in jobs(await broker.said())} == {"whole"}
