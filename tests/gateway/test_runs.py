"""A publisher cancels a run, or has a failed one run again: only their own, only where it makes sense, only once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from messages.envelope import Message
from messages.events import FlowRestarted, PackageFailed
from messages.jobs import StageJob
from tests.gateway.conftest import CSV, Answer, Gateway, Publisher, descriptor_of, spec_of
from tests.turns import say_all


@pytest_asyncio.fixture
async def flow(ada: Publisher) -> str:
    """A run of two resources that moves."""
    url = await ada.upload(CSV)
    descriptor = descriptor_of("prices")
    descriptor["resources"].append({"name": "more", "path": "more.csv"})
    answer = await ada.post_spec(spec_of(ada.id, "prices", {"data.csv": url, "more.csv": url}, descriptor))
    flow: str = answer.json()["flow_id"]
    await said(ada.gateway)
    return flow


async def ask(publisher: Publisher, flow: str, action: str) -> Answer:
    token = await publisher.permission("source")
    return await publisher.gateway.post(f"/source/{flow}/{action}", headers={"Auth-Token": token})


async def said(gateway: Gateway) -> list[Message]:
    """What is in the outbox now, taken out of it, and the jobs that wait."""
    await say_all(gateway.pool)
    rows = await gateway.pool.fetch("with gone as (delete from outbox returning *) select body from gone order by id")
    return [Message.decode(row["body"]) for row in rows]


async def end(gateway: Gateway, flow: str, *, succeeded: str = "", rule: str = "abandoned") -> None:
    """Ends a run as FAILED, the resource named `succeeded` with success."""
    await gateway.pool.execute(
        "update flow_resource set state = case when name = $2 then 'SUCCEEDED' else 'FAILED' end, stage = 'validate',"
        " rule = $3, reason = 'r', errors = 7, findings = '[]', facts = '{\"load\": {}}', rows = 3 where flow_id = $1",
        *(flow, succeeded, rule),
    )
    await gateway.pool.execute(
        "update flow set state = 'FAILED', reason = 'r', finished_at = now() where id = $1", flow
    )


async def test_a_cancelled_run_has_failed_with_a_sentence_and_says_so_once(ada: Publisher, flow: str) -> None:
    gateway = ada.gateway
    await gateway.pool.execute("update flow_resource set state = 'SUCCEEDED', stage = 'dump' where name = 'more'")
    answer = await ask(ada, flow, "cancel")
    assert answer.status == 200, answer.body
    status = answer.json()
    assert (status["state"], status["cancelled"], status["reason"]) == ("FAILED", True, "Cancelled by its publisher.")
    assert [(each["state"], each["rule"]) for each in status["resources"]] == [
        ("FAILED", "cancelled"),
        ("SUCCEEDED", None),
    ]
    (event,) = [PackageFailed.from_message(message) for message in await said(gateway)]
    assert (event.flow.id, event.cancelled, event.resources) == (flow, True, ("data",))

    again = await ask(ada, flow, "cancel")
    assert (again.status, again.json()["type"]) == (409, "urn:datahub:problem:run-has-ended")
    assert "was cancelled already" in again.json()["detail"]
    assert await said(gateway) == []


async def test_a_failed_run_runs_again_where_it_failed_and_in_a_new_round(ada: Publisher, flow: str) -> None:
    gateway = ada.gateway
    await end(gateway, flow, succeeded="more")
    await gateway.pool.execute("update flow set rescues = 3")
    answer = await ask(ada, flow, "rerun")
    assert answer.status == 202, answer.body
    status = answer.json()
    assert (status["state"], status["reason"], status["finished"], status["restarts"]) == ("QUEUED", None, None, 1)
    first, second = status["resources"]
    assert (first["state"], first["stage"], first["rule"], first["errors"]) == ("QUEUED", "load", None, None)
    assert (first["facts"], first["findings"], first["rows"]) == ({}, [], None)
    assert (second["state"], second["stage"]) == ("SUCCEEDED", "validate")
    restarted, job = await said(gateway)
    assert FlowRestarted.from_message(restarted).resources == ("data",)
    made = StageJob.from_message(job)
    assert (made.flow.id, made.stage, made.round, made.resource.name) == (flow, "load", 1, "data")
    assert await gateway.pool.fetchval("select rescues from flow") == 0  # a new budget

    again = await ask(ada, flow, "rerun")
    assert (again.status, again.json()["type"]) == (409, "urn:datahub:problem:run-has-not-failed")
    assert await said(gateway) == []


async def test_every_run_of_a_flow_announces_its_own_end(ada: Publisher, flow: str) -> None:
    ids = set()
    for _ in range(3):
        assert (await ask(ada, flow, "cancel")).status == 200
        ids |= {message.id for message in await said(ada.gateway)}
        assert (await ask(ada, flow, "rerun")).status == 202
        ids |= {message.id for message in await said(ada.gateway)}
    assert len(ids) == 3 * (1 + 1 + 2)
    assert await ada.gateway.pool.fetchval("select run from flow") == 3


@pytest.mark.parametrize("action", ["cancel", "rerun"])
async def test_a_published_revision_is_neither_cancelled_nor_run_again(ada: Publisher, flow: str, action: str) -> None:
    await ada.gateway.pool.execute("update flow set state = 'SUCCEEDED', finished_at = now()")
    answer = await ask(ada, flow, action)
    assert answer.status == 409
    assert "this revision is published" in answer.json()["detail"]


@pytest.mark.parametrize("action", ["cancel", "rerun"])
async def test_what_comes_at_once_is_done_once(ada: Publisher, flow: str, action: str) -> None:
    if action == "rerun":
        await end(ada.gateway, flow)
    answers = await asyncio.gather(*(ask(ada, flow, action) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [200 if action == "cancel" else 202, *[409] * 4]
    assert await ada.gateway.pool.fetchval("select max(round) from flow_resource") == (action == "rerun")


@pytest.mark.parametrize("action", ["cancel", "rerun"])
async def test_another_owner_gets_what_absent_gives(ada: Publisher, bob: Publisher, flow: str, action: str) -> None:
    await end(ada.gateway, flow) if action == "rerun" else None
    before = await rows(ada.gateway)
    answers = [await ask(bob, path, action) for path in (flow, "ada/prices/1", f"{ada.id}/absent/1", "ada/prices/x")]
    bodies = [{**answer.json(), "instance": ""} for answer in answers]
    assert [answer.status for answer in answers] == [404] * 4
    assert all(body == bodies[0] for body in bodies)
    for headers in ({}, {"Auth-Token": "x"}, {"Auth-Token": ada.token}, {"Cookie": f"dh_session={ada.token}"}):
        assert (await ada.gateway.post(f"/source/{flow}/{action}", headers=headers)).status == 401
    assert await rows(ada.gateway) == before


async def rows(gateway: Gateway) -> list[Any]:
    return [tuple(row) for row in await gateway.pool.fetch("select state, run, cancelled_at from flow")]


async def test_the_page_has_the_button_that_makes_sense_and_only_for_the_owner(
    ada: Publisher, bob: Publisher, flow: str
) -> None:
    gateway = ada.gateway
    for publisher, buttons in ((ada, ["/ada/prices/v/1/cancel"]), (bob, [])):
        assert await shown(publisher) == buttons
    await end(gateway, flow)
    for publisher, buttons in ((ada, ["/ada/prices/v/1/rerun"]), (bob, [])):
        assert await shown(publisher) == buttons
    await gateway.pool.execute("update flow set state = 'SUCCEEDED'")
    assert await shown(ada) == []


async def shown(publisher: Publisher) -> list[str]:
    answer = await publisher.gateway.get("/ada/prices/v/1", headers={"Cookie": f"dh_session={publisher.token}"})
    text = answer.body.decode()
    return [path for path in ("/ada/prices/v/1/cancel", "/ada/prices/v/1/rerun") if f'action="{path}"' in text]


async def test_buttons_take_forms_of_this_site_alone(ada: Publisher, bob: Publisher, flow: str) -> None:
    gateway, path = ada.gateway, "/ada/prices/v/1"
    cookie, ours = {"Cookie": f"dh_session={ada.token}"}, {"Origin": ada.gateway.url}
    others = {"Cookie": f"dh_session={bob.token}"}
    for headers, status in (
        ({**cookie, "Origin": "https://evil.example"}, 403),
        ({**cookie}, 403),
        ({**cookie, **ours, "Sec-Fetch-Site": "cross-site"}, 403),
        ({**ours}, 401),
        ({**others, **ours}, 404),
    ):
        answer = await gateway.post(f"{path}/cancel", headers=headers)
        assert answer.status == status, headers
    assert await gateway.pool.fetchval("select state from flow") == "QUEUED"

    for button, state in (("cancel", "FAILED"), ("rerun", "QUEUED")):
        answer = await gateway.post(f"{path}/{button}", headers={**cookie, **ours})
        assert (answer.status, answer.headers["Location"]) == (303, path)
        assert await gateway.pool.fetchval("select state from flow") == state
    answer = await gateway.post(f"{path}/rerun", headers={**cookie, **ours, "Accept": "text/html"})
    assert (answer.status, "has not ended" in answer.body.decode()) == (409, True)
