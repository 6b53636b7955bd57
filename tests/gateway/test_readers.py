"""Readers of a run's events: many, slow, cut off, back again, at a gateway that loses its connection."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace

import aiohttp
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from deploy.embedded.ports import LOOPBACK, free_ports
from gateway.events import LIVE
from gateway.live import POLL, pause_after
from messages.datapackage import FlowRef
from messages.settings import Settings
from tests.gateway.conftest import Gateway, Publisher, serving
from tests.gateway.seeds import Seeds, Table
from tests.gateway.streams import STAGE, Stream, change, following, heard, left, looked, progressed


@pytest_asyncio.fixture
async def seeds(gateway: Gateway) -> Seeds:
    return Seeds(gateway.pool, gateway.parts.blobs)


@pytest_asyncio.fixture
async def flow(ada: Publisher, seeds: Seeds) -> FlowRef:
    """A flow that has begun."""
    table = Table(state="INPROGRESS", stage="validate")
    await seeds.revision(ada.id, "gold", state="INPROGRESS", tables=[table])
    return FlowRef(ownerid=ada.id, owner="ada", dataset="gold", revision=1, findability="published")


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
