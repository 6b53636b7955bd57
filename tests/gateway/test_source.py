"""The pipeline store: a push is taken whole or not at all, and its status is told to whom it concerns."""

from __future__ import annotations

import asyncio
import json

from messages.datapackage import FlowRef
from messages.envelope import Message
from messages.events import FlowAccepted
from messages.jobs import StageJob
from tests.gateway.conftest import CSV, Gateway, Publisher, descriptor_of, spec_of
from tests.turns import say_all


async def test_a_push_becomes_a_revision_with_its_flow_and_first_jobs(ada: Publisher) -> None:
    table, notes = await ada.upload(CSV, "data.csv"), await ada.upload(b"# Notes", "docs/notes.md", sha256=False)
    descriptor = descriptor_of("prices")
    descriptor["resources"].append({"name": "notes", "path": "docs/notes.md", "bytes": 7})
    descriptor["languages"] = ["tr", "en"]
    mapping = {"data.csv": table, "notes": f"{notes}?X-Amz-Signature=secret"}
    answer = await ada.post_spec(spec_of(ada.id, "prices", mapping, descriptor))
    assert (answer.status, answer.json()) == (
        200,
        {
            "success": True,
            "dataset_id": f"{ada.id}/prices",
            "flow_id": f"{ada.id}/prices/1",
            "unchanged": False,
            "state": "QUEUED",
            "findability": "published",
            "errors": [],
        },
    )
    assert await say_all(ada.gateway.pool) == 2
    rows = await ada.gateway.pool.fetch("select body from outbox order by id")
    accepted, *jobs = [Message.decode(row["body"]) for row in rows]
    flow = FlowRef(ownerid=ada.id, owner="ada", dataset="prices", revision=1, findability="published")
    assert FlowAccepted.from_message(accepted) == FlowAccepted(flow=flow, title="Prices", resources=("data", "notes"))
    first, second = (StageJob.from_message(job) for job in jobs)
    assert (first.flow, first.stage, first.resource.name, first.resource.tabular) == (flow, "load", "data", True)
    assert (first.resource.source.size, first.resource.source.key) == (len(CSV), table.partition("rawstore/")[2])
    assert first.resource.source.sha256 is not None
    assert first.resource.source.md5 is not None
    assert (first.resource.languages, "languages" in first.resource.descriptor) == (("tr", "en"), False)
    assert (second.resource.name, second.resource.tabular, second.resource.source.sha256) == ("notes", False, None)
    spec = await ada.gateway.pool.fetchval("select spec from flow")
    assert "secret" not in json.dumps(spec)
    assert spec["meta"]["owner"] == "ada"


async def test_a_changed_findability_is_a_revision_and_the_dataset_follows_the_last(ada: Publisher) -> None:
    assert (await ada.push())["flow_id"] == f"{ada.id}/prices/1"
    assert (await ada.push(findability="unlisted"))["flow_id"] == f"{ada.id}/prices/2"
    row = await ada.gateway.pool.fetchrow("select findability, last_revision, published_revision from dataset")
    assert tuple(row) == ("unlisted", 2, None)


async def test_revisions_are_contiguous_under_concurrent_pushes(ada: Publisher) -> None:
    url, token = await ada.upload(CSV), await ada.permission("source")
    spec = {**spec_of(ada.id, "prices", {"data.csv": url}), "again": True}

    async def push() -> str:
        answer = await ada.gateway.post("/source/upload", json=spec, headers={"Auth-Token": token})
        flow_id: str = answer.json()["flow_id"]
        return flow_id

    flows = await asyncio.gather(*(push() for _ in range(40)))
    assert sorted(int(flow.rpartition("/")[2]) for flow in flows) == list(range(1, 41))
    assert await ada.gateway.pool.fetchval("select (select count(*) from outbox) + (select count(*) from turn)") == 80


TURN = {"for": "turn", "words": "waits for its turn"}


async def test_the_status_of_a_new_flow(ada: Publisher) -> None:
    await ada.push()
    gateway = ada.gateway
    answer = await gateway.get(f"/source/{ada.id}/prices/1")
    status = answer.json()
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert status["id"] == f"{ada.id}/prices/1"
    assert (status["state"], status["pipelines"], status["error_log"], status["stats"]) == ("QUEUED", {}, None, None)
    assert status["spec_contents"]["meta"]["dataset"] == "prices"
    assert status["indexed"] is False
    assert status["url"] == f"{gateway.url}/ada/prices/v/1"
    (resource,) = status["resources"]
    assert (resource["name"], resource["stage"], resource["state"], resource["findings"]) == (
        "data",
        "load",
        "QUEUED",
        [],
    )
    assert resource["waiting"] == {**TURN, "place": None, "line": None}
    for same in (f"/source/{ada.id}/prices/latest", "/source/ADA/prices/1"):
        assert (await gateway.get(same)).json() == status
    await ada.push(again=True)
    headers = {"Auth-Token": ada.token}
    (second,) = (await gateway.get("/source/ada/prices/2", headers=headers)).json()["resources"]
    assert second["waiting"] == {**TURN, "place": 2, "line": 2, "words": "waits for its turn: 2nd of 2 of this owner"}


async def test_the_status_of_an_ended_flow(ada: Publisher) -> None:
    await ada.push()
    await ada.push(again=True)
    gateway, flow = ada.gateway, f"{ada.id}/prices/2"
    await gateway.pool.execute(
        "update flow_resource set stage = 'validate', state = 'FAILED', reason = 'bad cell', rule = 'type-error',"
        ' errors = 3, report = \'{"bucket": "b", "key": "k", "size": 1}\' where flow_id = $1',
        flow,
    )
    await gateway.pool.execute(
        "update flow set state = 'FAILED', reason = 'data is wrong', finished_at = now() where id = $1", flow
    )
    await gateway.pool.execute(
        "update flow set state = 'SUCCEEDED', finished_at = now() where id = $1", f"{ada.id}/prices/1"
    )
    await gateway.pool.execute("update dataset set published_revision = 1")
    failed = (await gateway.get(f"/source/{flow}")).json()
    assert (failed["state"], failed["error_log"], failed["reason"]) == ("FAILED", ["data is wrong"], "data is wrong")
    assert failed["pipelines"][f"{flow}/data_csv"]["status"] == "FAILED"
    assert failed["pipelines"][flow]["title"] == "Creating Package"
    (resource,) = failed["resources"]
    assert (resource["rule"], resource["errors"], resource["abandoned"]) == ("type-error", 3, False)
    assert resource["report_url"] == f"{gateway.url}/ada/prices/v/2/report/data"
    good = (await gateway.get(f"/source/{ada.id}/prices/successful")).json()
    assert (good["revision"], good["state"], good["stats"]["bytes"]) == (1, "SUCCEEDED", len(CSV))
    assert [one["waiting"] for one in good["resources"]] == [None]


async def test_nobody_learns_of_a_private_dataset_but_its_owner(ada: Publisher, bob: Publisher) -> None:
    await ada.push("secret", "private")
    gateway = ada.gateway
    bodies = set()
    for path in (f"/source/{ada.id}/secret/1", f"/source/{ada.id}/secret/latest", f"/source/{ada.id}/absent/1"):
        for headers in (
            {},
            {"Auth-Token": bob.token},
            {"Auth-Token": "x"},
            {"Auth-Token": await ada.permission("source")},
        ):
            answer = await gateway.get(path, headers=headers)
            assert answer.status == 404
            problem = answer.json()
            problem.pop("instance")
            bodies.add(json.dumps(problem))
    assert len(bodies) == 1
    for headers in ({"Auth-Token": ada.token}, {"Cookie": f"dh_session={ada.token}"}):
        answer = await gateway.get(f"/source/{ada.id}/secret/1", headers=headers)
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_an_old_public_revision_hides_when_the_dataset_turns_private_and_the_other_way(ada: Publisher) -> None:
    await ada.push("prices", "published")
    await ada.push("prices", "private")
    assert (await ada.gateway.get(f"/source/{ada.id}/prices/1")).status == 404
    await ada.push("prices", "published")
    statuses = [(await ada.gateway.get(f"/source/{ada.id}/prices/{revision}")).status for revision in (1, 2, 3)]
    assert statuses == [200, 404, 200]


async def test_what_is_no_revision_is_not_found(gateway: Gateway, ada: Publisher) -> None:
    await ada.push()
    for revision in ("0", "-1", "2", "x", "1.0", "99999999999999999999", "successful", "%00", "\u0661"):
        assert (await gateway.get(f"/source/{ada.id}/prices/{revision}")).status == 404, revision
    for path in ("/source/%00/prices/1", "/source/nobody/prices/1", "/source/ada/%ff/1"):
        assert (await gateway.get(path)).status == 404, path
