"""Following a flow live: what is sent, when, and to whom."""

from __future__ import annotations

import asyncio
import time

import pytest_asyncio

from gateway.auth.rights import Action, Actor, Scope
from gateway.events import LIVE
from messages.datapackage import FlowRef, Resource
from messages.turns import line_up
from tests.gateway.conftest import Gateway, Publisher
from tests.gateway.seeds import Seeds, Table
from tests.gateway.streams import PUBLISH, STAGE, WAITING, change, following, heard, left, progressed


@pytest_asyncio.fixture
async def seeds(gateway: Gateway) -> Seeds:
    return Seeds(gateway.pool, gateway.parts.blobs)


@pytest_asyncio.fixture
async def flow(ada: Publisher, seeds: Seeds) -> FlowRef:
    """A flow that has begun."""
    table = Table(state="INPROGRESS", stage="validate")
    await seeds.revision(ada.id, "gold", state="INPROGRESS", tables=[table])
    return FlowRef(ownerid=ada.id, owner="ada", dataset="gold", revision=1, findability="published")


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
