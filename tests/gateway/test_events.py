"""Following a flow live: what is sent, when, to how many, and what is left behind."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from gateway.events import LIVE
from gateway.live import POLL, Live, pause_after
from messages.datapackage import FlowRef
from messages.stageevents import StageProgressed
from tests.gateway.conftest import Gateway, Publisher
from tests.gateway.seeds import Seeds, Table


@pytest_asyncio.fixture
async def seeds(gateway: Gateway) -> Seeds:
    return Seeds(gateway.pool, gateway.parts.blobs)


@pytest_asyncio.fixture
async def flow(ada: Publisher, seeds: Seeds) -> FlowRef:
    """A flow that has begun."""
    table = Table(state="INPROGRESS", stage="validate")
    await seeds.revision(ada.id, "gold", state="INPROGRESS", tables=[table])
    return FlowRef(ownerid=ada.id, owner="ada", dataset="gold", revision=1, findability="published")


class Stream:
    """The events of a response; `raw` are its lines so far."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.raw: list[str] = []

    async def next(self) -> dict[str, Any]:
        """The next status; raises StopAsyncIteration at the end of the stream."""
        async with asyncio.timeout(30):
            while line := (await self.response.content.readline()).decode():
                self.raw.append(line)
                if line.startswith("data: "):
                    status: dict[str, Any] = json.loads(line[6:])
                    return status
        raise StopAsyncIteration

    async def until(self, **wanted: Any) -> dict[str, Any]:
        """The first status that has these values."""
        while True:
            status = await self.next()
            if all(status[name] == value for name, value in wanted.items()):
                return status


@asynccontextmanager
async def following(gateway: Gateway, flow: FlowRef, **headers: str) -> AsyncIterator[Stream]:
    url = f"{gateway.url}/source/{flow.id}/events"
    async with gateway.client.get(url, headers=headers) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        yield Stream(response)


async def change(gateway: Gateway, flow: FlowRef, statement: str, *values: object, notify: bool = True) -> None:
    """What a writer does: a change and its notification in one transaction."""
    async with gateway.pool.acquire() as connection, connection.transaction():
        await connection.execute(statement, flow.id, *values)
        if notify:
            await connection.execute("select pg_notify('flow', $1)", flow.id)


async def left(live: Live) -> None:
    """Returns when nobody follows anything any more."""
    async with asyncio.timeout(30):
        while live.followed or live.readers:
            await asyncio.sleep(0.05)


STAGE = "update flow_resource set stage = $2, state = $3 where flow_id = $1"
PUBLISH = (
    "with done as (update flow_resource set stage = 'dump', state = 'SUCCEEDED' where flow_id = $1) "
    "update flow set state = 'SUCCEEDED', finished_at = now(), package = descriptor where id = $1"
)


async def test_stream_starts_with_the_whole_status_and_ends_when_published_and_indexed(
    gateway: Gateway, seeds: Seeds, flow: FlowRef
) -> None:
    async with following(gateway, flow) as stream:
        first = await stream.next()
        assert (first["id"], first["state"], first["indexed"]) == (flow.id, "INPROGRESS", False)
        assert [(one["name"], one["stage"]) for one in first["resources"]] == [("prices", "validate")]
        assert "spec_contents" not in first
        await change(gateway, flow, STAGE, "dump", "INPROGRESS")
        assert (await stream.next())["resources"][0]["stage"] == "dump"
        await change(gateway, flow, PUBLISH)
        published = await stream.next()
        assert (published["state"], published["indexed"]) == ("SUCCEEDED", False)
        package = {"title": "Gold", "datahub": {"owner": "ada", "findability": "published"}}
        await seeds.index(flow.ownerid, "gold", 1, package, 2, 39)
        await change(gateway, flow, "select $1::text")
        assert (await stream.next())["indexed"] is True
        assert await stream.response.content.read() == b"\n"
        assert sum(line.startswith("id: ") for line in stream.raw) == 4
    await left(gateway.app[LIVE])


async def test_stream_of_a_flow_that_has_failed_is_one_event(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    table = Table(state="FAILED", stage="csvkind", reason="This is a PNG image.")
    await seeds.revision(ada.id, "gold", state="FAILED", reason="prices failed", tables=[table])
    flow = FlowRef(ownerid=ada.id, owner="ada", dataset="gold", revision=1, findability="published")
    async with following(gateway, flow) as stream:
        status = await stream.next()
        assert (status["state"], status["reason"]) == ("FAILED", "prices failed")
        assert await stream.response.content.read() == b"\n"


async def test_progress_of_a_stage_is_shown_while_the_stage_runs(gateway: Gateway, flow: FlowRef) -> None:
    async with following(gateway, flow) as stream:
        assert "progress" not in (await stream.next())["resources"][0]
        event = StageProgressed(flow=flow, index=0, name="prices", stage="validate", done=5, total=9, unit="rows")
        resource: dict[str, Any] = {}
        async with asyncio.timeout(30):
            # The watch may not listen yet: progress is for whoever watches, so it is said until it is seen.
            while "progress" not in resource:
                await gateway.parts.transport.publish(event.to_message())
                try:
                    resource = (await asyncio.wait_for(stream.next(), 0.5))["resources"][0]
                except TimeoutError:
                    continue
        assert resource["progress"] == {"done": 5, "total": 9, "unit": "rows"}
        await change(gateway, flow, STAGE, "dump", "INPROGRESS")
        assert "progress" not in (await stream.until())["resources"][0]


async def test_thousands_of_changes_become_at_most_four_events_a_second(gateway: Gateway, flow: FlowRef) -> None:
    live = gateway.app[LIVE]
    async with following(gateway, flow) as stream:
        await stream.next()
        started = time.monotonic()
        for done in range(20_000):
            event = StageProgressed(
                flow=flow, index=0, name="prices", stage="validate", done=done, total=None, unit="rows"
            )
            live._progressed(event.to_message())
            if done % 100 == 0:
                await asyncio.sleep(0)
        await change(gateway, flow, PUBLISH)
        events = 0
        status = await stream.next()
        while status["state"] != "SUCCEEDED":
            events += 1
            status = await stream.next()
        assert events <= (time.monotonic() - started) * 4 + 2


async def test_many_readers_share_one_feed_and_leave_nothing_behind(gateway: Gateway, flow: FlowRef) -> None:
    live = gateway.app[LIVE]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        url = f"{gateway.url}/source/{flow.id}/events"
        responses = await asyncio.gather(*(session.get(url) for _ in range(50)))
        streams = [Stream(response) for response in responses]
        await asyncio.gather(*(stream.next() for stream in streams))
        assert (live.followed, live.readers) == (1, 50)
        await change(gateway, flow, STAGE, "dump", "INPROGRESS")
        statuses = await asyncio.gather(*(stream.next() for stream in streams))
        assert {status["resources"][0]["stage"] for status in statuses} == {"dump"}
    await left(live)


async def test_change_is_seen_although_its_notification_was_lost(gateway: Gateway, flow: FlowRef) -> None:
    async with following(gateway, flow) as stream:
        await stream.next()
        await change(gateway, flow, STAGE, "dump", "INPROGRESS", notify=False)
        assert (await stream.next())["resources"][0]["stage"] == "dump"


async def test_listening_survives_the_loss_of_its_connection(gateway: Gateway, flow: FlowRef) -> None:
    async with following(gateway, flow) as stream:
        await stream.next()
        await gateway.pool.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and query ilike 'listen%flow%' and pid <> pg_backend_pid()"
        )
        await change(gateway, flow, STAGE, "dump", "INPROGRESS")
        assert (await stream.next())["resources"][0]["stage"] == "dump"
        await change(gateway, flow, STAGE, "dump", "SUCCEEDED")
        assert (await stream.next())["resources"][0]["state"] == "SUCCEEDED"


def test_snapshots_pause_in_proportion_to_their_cost_and_never_for_long() -> None:
    assert pause_after(0.001) == pytest.approx(0.249)
    assert pause_after(0.1) == pytest.approx(2.0)
    assert pause_after(5.0) == POLL


async def test_flow_that_does_not_exist_is_not_found(gateway: Gateway, ada: Publisher) -> None:
    assert (await gateway.get(f"/source/{ada.id}/gold/1/events")).status == 404
    assert (await gateway.get(f"/source/{ada.id}/gold/x/events")).status == 404
    assert gateway.app[LIVE].followed == 0
