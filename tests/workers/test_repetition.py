"""Every message once to ten times, in any order, with rescue in between: a model and the system agree on every flow.

The runtime, the writers, rescue and the database are the real ones; the broker is a bag of messages that Hypothesis
draws from.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from typing_extensions import override

from messages.blobs import Blobs
from messages.database import open_pool
from messages.datapackage import BlobRef, PublishedFile
from messages.envelope import Message
from messages.events import PackageFailed, PackagePublished
from messages.jobs import STAGES, StageJob
from messages.settings import StoreSettings
from messages.topology import QUEUES, STAGE_QUEUES, WRITER_QUEUES, matches
from messages.transport.port import Ack, Delivery, Handler
from tests.workers.floor import PUBLIC_URL, File, Floor, job
from workers.rescue import MOST, Rescue
from workers.runtime import StageRuntime
from workers.stage import Outcome, Passed, Rejected, Stage, StageContext
from workers.writers.metastore import MetadataWriter
from workers.writers.pkgstore import PackageWriter
from workers.writers.settling import settling
from workers.writers.webhooks import WebhookWriter

EXAMPLES, STEPS = int(os.environ.get("REPETITIONS", "6")), 40
MOST_OFTEN = 10
FATES = st.lists(st.none() | st.sampled_from(STAGES), min_size=1, max_size=3)
"""Of each resource: the stage that rejects it, or none."""


@dataclass(slots=True)
class Bag:
    """A transport that keeps every message it was given, for each queue that takes it, and how often it was drawn."""

    drawn: dict[tuple[str, str], int] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)

    async def publish(self, *messages: Message) -> None:
        """See the port."""
        for message in messages:
            self.messages.setdefault(message.id, message)
            for queue in QUEUES:
                if any(matches(key, message.kind) for _, key in queue.bindings):
                    self.drawn.setdefault((queue.name, message.id), 0)

    async def depth(self, queue: str) -> int:
        """See the port: nothing waits, whatever is in the bag may be lost."""
        return 0

    def waiting(self) -> list[tuple[str, str]]:
        """What was never drawn."""
        return [entry for entry, times in self.drawn.items() if not times]


class World:
    """Real servers, and the handlers of every queue."""

    def __init__(self, floor: Floor, bag: Bag, fates: dict[str, list[str | None]]) -> None:
        self.floor = floor
        self.bag = bag
        self._fates = fates
        transport = cast(Any, bag)
        self.rescue = Rescue(floor.pool, transport, 3600.0)
        self.handlers: dict[str, Handler] = {
            STAGE_QUEUES[name].name: StageRuntime(Stage(name, self._stage), transport, cast(Any, None), 60.0).handle
            for name in STAGES
        }
        packages, metadata = PackageWriter(floor.pool, floor.blobs, PUBLIC_URL), MetadataWriter(floor.pool)
        self.handlers[WRITER_QUEUES["pkgstore"].name] = settling(packages.write)
        self.handlers[WRITER_QUEUES["metastore"].name] = settling(metadata.write)
        self.handlers[WRITER_QUEUES["webhooks"].name] = settling(WebhookWriter(floor.pool).write)

    async def _stage(self, stage_job: StageJob, _context: StageContext) -> Outcome:
        resource = stage_job.resource
        if self._fates[stage_job.flow.id][resource.index] == stage_job.stage:
            return Rejected(reason="It is wrong.", rule="wrong")
        files = (_file(stage_job),) if stage_job.stage == STAGES[-1] else resource.files
        return Passed(resource.learned(stage_job.stage, {}, files=files))

    async def deliver(self, queue: str, message_id: str) -> None:
        """Once more, and what it made others say goes into the bag."""
        self.bag.drawn[queue, message_id] += 1
        message = self.bag.messages[message_id]
        delivery = Delivery(message=message, queue=queue, attempt=1, redelivered=False)
        assert await self.handlers[queue](delivery) == Ack()
        await self.relay()

    async def relay(self) -> None:
        """Carries the outbox into the bag."""
        rows = await self.floor.pool.fetch(
            "with gone as (delete from outbox returning id, body) select body from gone order by id"
        )
        await self.bag.publish(*(Message.decode(row["body"]) for row in rows))


def _file(stage_job: StageJob) -> PublishedFile:
    blob = BlobRef(bucket="pkgstore", key=stage_job.resource.source.key, size=4, sha256="0" * 64)
    return PublishedFile(role="data", filename="notes.txt", mediatype="text/plain", blob=blob)


class Repetition(RuleBasedStateMachine):
    """Pushes, deliveries of anything said so far, and flows that stand still."""

    def __init__(self, runner: asyncio.Runner, floor: Floor) -> None:
        super().__init__()
        self.run_async = runner.run
        self.fates: dict[str, list[str | None]] = {}
        self.rescues: Counter[str] = Counter()
        self.floor = Floor(secrets.token_hex(16), floor.pool, floor.blobs)
        self.world = World(self.floor, Bag(), self.fates)

    @initialize(fates=FATES)
    def first(self, fates: list[str | None]) -> None:
        """An owner of this example's own, and something to deliver."""
        self.run_async(self._begin(fates))

    async def _begin(self, fates: list[str | None]) -> None:
        await self.floor.pool.execute("insert into account (id, username) values ($1, $1)", self.floor.ownerid)
        await self._push(fates)

    @precondition(lambda self: len(self.fates) < 3)
    @rule(fates=FATES)
    def push(self, fates: list[str | None]) -> None:
        """Another revision of the dataset."""
        self.run_async(self._push(fates))

    async def _push(self, fates: list[str | None]) -> None:
        files = [File(name=f"r{number}", content=b"", path="n", tabular=False, uploaded=False) for number in range(3)]
        flow, resources = await self.floor.accept(files[: len(fates)])
        self.fates[flow.id] = fates
        await self.world.bag.publish(*(job(flow, resource).to_message() for resource in resources))

    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        """Any message, for the first time or again."""
        entries = [entry for entry, times in self.world.bag.drawn.items() if times < MOST_OFTEN]
        if entries:
            self.run_async(self.world.deliver(*data.draw(st.sampled_from(entries))))

    @rule()
    def stand_still(self) -> None:
        """Rescue finds every flow that has not ended, as often as it may before it gives up."""
        self.run_async(self._stand_still())

    async def _stand_still(self) -> None:
        standing = [name for name in self.fates if self.rescues[name] < MOST]
        await self.floor.pool.execute(
            """
            update flow set updated_at = now() - make_interval(hours => 2, secs => -revision)
            where id = any($1) and finished_at is null
            """,
            standing,
        )
        self.rescues.update(await self.world.rescue.look())
        await self.world.relay()

    @override
    def teardown(self) -> None:
        """Nothing is lost for ever: what was never delivered is now; then all have ended as the model says."""
        self.run_async(self._end())

    async def _end(self) -> None:
        while waiting := self.world.bag.waiting():
            for entry in waiting:
                await self.world.deliver(*entry)
        rows = await self.floor.pool.fetch("select id, state from flow where ownerid = $1", self.floor.ownerid)
        assert {row["id"]: row["state"] for row in rows} == {
            name: "FAILED" if any(fates) else "SUCCEEDED" for name, fates in self.fates.items()
        }
        assert ends(self.world.bag.messages) == Counter(
            (PackageFailed.KIND if any(fates) else PackagePublished.KIND, name) for name, fates in self.fates.items()
        )
        await self._compare_the_reading_side()

    async def _compare_the_reading_side(self) -> None:
        good = [int(name.rpartition("/")[2]) for name, fates in self.fates.items() if not any(fates)]
        dataset = f"{self.floor.ownerid}/towns"
        shown = await self.floor.pool.fetchval("select published_revision from dataset where id = $1", dataset)
        found = await self.floor.pool.fetchval("select revision from metadata where dataset_id = $1", dataset)
        logged = await self.floor.pool.fetchval(
            "select count(*) from event_log where ownerid = $1 and kind like 'event.package.%'", self.floor.ownerid
        )
        assert (shown, found, logged) == (max(good, default=None), max(good, default=None), len(self.fates))


def ends(messages: Mapping[str, Message]) -> Counter[tuple[str, str]]:
    """How many messages say that a flow has ended so; a message that is said again has the same id, and is one."""
    kinds = (PackageFailed.KIND, PackagePublished.KIND)
    return Counter((message.kind, message.flow) for message in messages.values() if message.kind in kinds)


def test_repeated_and_shuffled_messages_change_nothing(database_url: str, object_store: StoreSettings) -> None:
    with asyncio.Runner() as runner:
        floor = runner.run(_open(database_url, object_store))
        try:
            run_state_machine_as_test(
                cast(Any, lambda: Repetition(runner, floor)),  # any factory will do
                settings=settings(
                    max_examples=EXAMPLES,
                    stateful_step_count=STEPS,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(_close(floor))


async def _open(database_url: str, store: StoreSettings) -> Floor:
    return Floor("nobody", await open_pool(database_url), await Blobs(store).__aenter__())


async def _close(floor: Floor) -> None:
    await floor.blobs.__aexit__(None, None, None)
    await floor.pool.close()
