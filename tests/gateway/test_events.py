"""Following a flow live: what is sent, when, to how many, and what is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from deploy.embedded.ports import LOOPBACK, free_ports
from gateway.auth.rights import Action, Actor, Scope
from gateway.client.stream import Event, changed, events_of
from gateway.events import LIVE
from gateway.live import POLL, Live, pause_after
from messages.datapackage import FlowRef, Resource
from messages.settings import Settings
from messages.stageevents import StageProgressed
from messages.turns import line_up
from tests.gateway.conftest import Gateway, Publisher, serving
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
    """The events of a response; `raw` are its lines so far, `events` what was made of them."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.raw: list[str] = []
        self.events: list[Event] = []
        self.status: dict[str, Any] = {}
        self._made = events_of(self._lines())

    async def _lines(self) -> AsyncIterator[bytes]:
        async for line in self.response.content:
            self.raw.append(line.decode())
            yield line

    async def event(self) -> Event:
        """The next one; raises StopAsyncIteration at the end of the stream."""
        async with asyncio.timeout(30):
            self.events.append(event := await anext(self._made))
        return event

    async def next(self) -> dict[str, Any]:
        """The next status; raises StopAsyncIteration at the end of the stream, and where it is said."""
        event = await self.event()
        if event.kind == "end":
            raise StopAsyncIteration
        whole = event.kind == "message"
        self.status = event.document if whole else changed(self.status, event.document)
        return self.status

    async def until(self, **wanted: Any) -> dict[str, Any]:
        """The first status that has these values."""
        while True:
            status = await self.next()
            if all(status[name] == value for name, value in wanted.items()):
                return status

    async def ended(self) -> None:
        """The stream says that it ends, and does."""
        assert (await self.event()).kind == "end"
        assert await self.response.content.read() == b""


@asynccontextmanager
async def following(gateway: Gateway, flow: FlowRef, **headers: str) -> AsyncIterator[Stream]:
    url = f"{gateway.url}/source/{flow.id}/events"
    # Lines of a status may be long.
    async with gateway.client.get(url, headers=headers, read_bufsize=1 << 22) as response:
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


async def looked(live: Live, flow: FlowRef) -> None:
    """Returns when the flow's feed has made its first snapshot, of which a reader who has it is not told."""
    async with asyncio.timeout(30):
        while not any(key.flow_id == flow.id and feed._snapshot for key, (feed, _) in live._feeds.items()):
            await asyncio.sleep(0.05)


WAITING = Table(state="QUEUED", stage="load")
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
        await stream.ended()
        assert 2_000 <= int(stream.raw[0].removeprefix("retry: ")) < 4_000
        assert [event.kind for event in stream.events] == ["message", "change", "change", "message", "end"]
        ids = [event.id for event in stream.events]
        assert len(set(ids)) == 4
        assert ids[3] == ids[4]
    await left(gateway.app[LIVE])


async def test_stream_of_a_flow_that_has_failed_is_one_event(gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    table = Table(state="FAILED", stage="csvkind", reason="This is a PNG image.")
    await seeds.revision(ada.id, "gold", state="FAILED", reason="prices failed", tables=[table])
    flow = FlowRef(ownerid=ada.id, owner="ada", dataset="gold", revision=1, findability="published")
    async with following(gateway, flow) as stream:
        status = await stream.next()
        assert (status["state"], status["reason"]) == ("FAILED", "prices failed")
        await stream.ended()
    # A browser that has heard the end and comes back all the same is told to stay away.
    headers = {"Last-Event-ID": stream.events[-1].id}
    assert (await gateway.get(f"/source/{flow.id}/events", headers=headers)).status == 204


def progressed(flow: FlowRef, done: int, **more: Any) -> StageProgressed:
    told: dict[str, Any] = {"stage": "validate", "total": 9, "unit": "rows", "rate": 2, "size": 90, **more}
    return StageProgressed(flow=flow, index=0, name="prices", done=done, **told)


async def heard(gateway: Gateway, stream: Stream, event: StageProgressed) -> dict[str, Any]:
    """The progress that the reader sees after this was said."""

    async def say() -> None:
        # The watch may not listen yet: progress is for whoever watches, so it is said until it is seen.
        while True:
            await gateway.parts.transport.publish(event.to_message())
            await asyncio.sleep(0.5)

    saying = asyncio.create_task(say())
    try:
        while True:
            progress = (await stream.next())["resources"][0]["progress"]
            if progress and progress["done"] == event.done:
                return dict(progress)
    finally:
        saying.cancel()


async def test_progress_of_a_stage_is_shown_while_the_stage_runs(gateway: Gateway, flow: FlowRef) -> None:
    async with following(gateway, flow) as stream:
        assert (await stream.next())["resources"][0]["progress"] is None
        progress = await heard(gateway, stream, progressed(flow, 5))
        assert progress == {
            "done": 5,
            "total": 9,
            "unit": "rows",
            "bytes": 50,
            "bytes_total": 90,
            "rate": 2,
            "eta": 2,
            "reading": 1,
            "attempt": 1,
            "words": "5 of 9 rows (50 B of 90 B), 2 rows/s, about 2 s left",
        }
        # Who asks instead of following is told the same, and the moment is the one it was before the progress.
        asked = (await gateway.get(f"/source/{flow.id}")).json()["resources"][0]["progress"]
        assert asked == progress
        assert len({event.id for event in stream.events}) == 1
        await change(gateway, flow, STAGE, "dump", "INPROGRESS")
        assert (await stream.next())["resources"][0]["progress"] is None


async def test_thousands_of_changes_become_at_most_four_events_a_second(gateway: Gateway, flow: FlowRef) -> None:
    live = gateway.app[LIVE]
    async with following(gateway, flow) as stream:
        await stream.next()
        started = time.monotonic()
        for done in range(20_000):
            live._progressed(progressed(flow, done, total=None).to_message())
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


async def test_who_comes_back_to_any_gateway_goes_on_where_they_were(
    gateway: Gateway, settings: Settings, flow: FlowRef
) -> None:
    async with following(gateway, flow) as stream:
        await stream.next()
        await change(gateway, flow, STAGE, "dump", "INPROGRESS")
        await stream.next()
        seen = stream.events[-1].id
    async with serving(replace(settings, gateway=replace(settings.gateway, port=free_ports(1)[0]))) as other:
        other.url = f"http://{LOOPBACK}:{other.parts.settings.gateway.port}"
        async with following(other, flow, **{"Last-Event-ID": seen}) as again:
            # Nothing is repeated: the first that comes is what happens next.
            again.status = stream.status
            await looked(other.app[LIVE], flow)
            await change(gateway, flow, STAGE, "dump", "SUCCEEDED")
            assert (await again.next())["resources"][0]["state"] == "SUCCEEDED"
            assert again.events[0].kind == "change"
            assert again.events[0].id != seen
        async with following(other, flow, **{"Last-Event-ID": seen}) as late:
            # And nothing is left out: who has missed something is told the whole.
            assert (await late.next())["resources"][0]["state"] == "SUCCEEDED"
            assert late.events[0].kind == "message"
            assert late.events[0].id == again.events[0].id


async def test_who_comes_back_is_told_the_progress_of_what_moves(gateway: Gateway, flow: FlowRef) -> None:
    async with following(gateway, flow) as stream:
        await stream.next()
        await heard(gateway, stream, progressed(flow, 5))
        seen = stream.events[-1].id
    async with following(gateway, flow, **{"Last-Event-ID": seen}) as again:
        event = await again.event()
        assert (event.kind, event.id) == ("change", seen)
        assert event.document["resources"][0]["progress"]["done"] == 5


async def test_a_reader_who_takes_nothing_is_cut_off_and_can_go_on(
    gateway: Gateway, ada: Publisher, seeds: Seeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.events.WRITE_DEADLINE", 0.5)
    reasons = [Table(name=f"t{number}", state="INPROGRESS", stage="load", reason="x" * 30_000) for number in range(60)]
    await seeds.revision(ada.id, "large", state="INPROGRESS", tables=reasons)
    flow = FlowRef(ownerid=ada.id, owner="ada", dataset="large", revision=1, findability="published")
    reader, writer = await asyncio.open_connection(LOOPBACK, gateway.parts.settings.gateway.port, limit=1024)
    writer.write(f"GET /source/{flow.id}/events HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    with capture_logs() as logs:
        async with asyncio.timeout(30):
            while not any(line["event"] == "reader_too_slow" for line in logs):
                await asyncio.sleep(0.05)
    await left(gateway.app[LIVE])
    with contextlib.suppress(ConnectionError):  # what was on its way
        async with asyncio.timeout(30):
            while await reader.read(1 << 20):
                pass
    writer.close()
    async with following(gateway, flow) as stream:
        assert len((await stream.next())["resources"]) == 60


async def test_a_slow_reader_who_takes_something_is_told_the_whole(
    gateway: Gateway, ada: Publisher, seeds: Seeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.events.WRITE_DEADLINE", 1.0)
    reasons = [Table(name=f"t{number}", state="FAILED", stage="load", reason="x" * 30_000) for number in range(60)]
    await seeds.revision(ada.id, "large", state="FAILED", reason="x", tables=reasons)
    path = f"/source/{ada.id}/large/1/events"
    started, taken = time.monotonic(), b""
    async with gateway.client.get(f"{gateway.url}{path}", read_bufsize=4_096) as response:
        while piece := await response.content.read(20_000):
            taken += piece
            await asyncio.sleep(0.03)  # the link
    assert time.monotonic() - started > 2.0  # several times what a piece may take
    assert taken.endswith(b"event: end\ndata: {}\n\n")


async def test_who_waits_long_hears_that_the_stream_lives(
    gateway: Gateway, flow: FlowRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.events.HEARTBEAT", 0.0)
    monkeypatch.setattr("gateway.events.TICK", 0.1)
    async with following(gateway, flow) as stream:
        await stream.next()
        async with asyncio.timeout(30):
            while (await stream.response.content.readline()) != b": still here\n":
                pass


async def test_only_who_may_read_all_of_an_owner_is_told_what_else_waits(
    gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    await seeds.revision(ada.id, "plans", findability="private", state="QUEUED", tables=[WAITING])
    await seeds.revision(ada.id, "gold", state="QUEUED", tables=[WAITING])
    for dataset in ("plans", "gold"):
        flow = FlowRef(ownerid=ada.id, owner="ada", dataset=dataset, revision=1, findability="published")
        resource = await gateway.pool.fetchval("select resource from flow_resource where flow_id = $1", flow.id)
        async with gateway.pool.acquire() as connection:
            await line_up(connection, flow, [Resource.from_dict(resource)])
    seen = {}
    async with following(gateway, flow) as anybody, following(gateway, flow, **{"Auth-Token": ada.token}) as owner:
        for name, stream in (("anybody", anybody), ("owner", owner)):
            waiting = (await stream.next())["resources"][0]["waiting"]
            seen[name] = (waiting["place"], waiting["line"])
        assert (gateway.app[LIVE].followed, gateway.app[LIVE].readers) == (1, 2)
        assert anybody.events[0].id == owner.events[0].id
    assert seen == {"anybody": (None, None), "owner": (2, 2)}
    # A token for one dataset reads that one, and learns nothing of the others.
    scope = Scope(actions=frozenset(Action), ownerid=ada.id, dataset="gold")
    shown = await gateway.parts.statuses.shown(flow.id, Actor(account=ada.account, scope=scope))
    assert shown is not None
    assert shown["resources"][0]["waiting"] == {
        "for": "turn",
        "place": None,
        "line": None,
        "words": "waits for its turn",
    }


async def test_a_resource_that_stands_still_is_told_how_many_jobs_are_queued(gateway: Gateway, flow: FlowRef) -> None:
    await gateway.parts.transport.declare()
    for _ in range(3):
        await gateway.parts.transport.put("dh.job.validate", b"x")
    async with following(gateway, flow) as stream:
        assert (await stream.next())["resources"][0]["waiting"] is None  # a worker may just have taken it
        await change(
            gateway, flow, "update flow_resource set updated_at = now() - interval '1 hour' where flow_id = $1"
        )
        waiting = (await stream.next())["resources"][0]["waiting"]
    assert waiting == {"for": "worker", "jobs": 3, "words": "waits for a free worker: about 3 jobs are queued"}


async def test_flow_that_does_not_exist_is_not_found(gateway: Gateway, ada: Publisher) -> None:
    assert (await gateway.get(f"/source/{ada.id}/gold/1/events")).status == 404
    assert (await gateway.get(f"/source/{ada.id}/gold/x/events")).status == 404
    assert gateway.app[LIVE].followed == 0
