"""What the pipeline store refuses: in words that name resource and rule, with nothing half-made."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tests.gateway.canary import Canary, watching
from tests.gateway.conftest import CSV, Publisher, descriptor_of, spec_of


@pytest_asyncio.fixture
async def canary() -> AsyncIterator[Canary]:
    async with watching() as canary:
        yield canary


async def refused(publisher: Publisher, spec: Any) -> list[tuple[str, str | None]]:
    """Posts, checks that it was refused and left nothing behind; rule and resource of every problem."""
    answer = await publisher.post_spec(spec)
    body = answer.json()
    assert (answer.status, body["success"], body["dataset_id"], body["flow_id"]) == (200, False, None, None)
    assert len(body["errors"]) == len(body["problems"]) > 0
    left = await publisher.gateway.pool.fetchval(
        "select (select count(*) from dataset) + (select count(*) from flow) + (select count(*) from outbox)"
    )
    assert left == 0
    return [(problem["rule"], problem.get("resource")) for problem in body["problems"]]


async def test_without_a_good_token_nothing_is_taken(ada: Publisher, bob: Publisher) -> None:
    spec = spec_of(ada.id, "prices", {"data.csv": await ada.upload(CSV)})
    for token in (None, "", "x", ada.token, await ada.permission("rawstore"), await bob.permission("source")):
        headers = {} if token is None else {"Auth-Token": token}
        answer = await ada.gateway.post("/source/upload", json=spec, headers=headers)
        assert answer.status == 200
        assert answer.json()["success"] is False
        assert answer.json()["errors"][0].startswith("No token or token not authorised for owner")
    assert await ada.gateway.pool.fetchval("select count(*) from flow") == 0


async def test_the_originals_words_for_an_empty_or_ownerless_spec(ada: Publisher) -> None:
    answer = await ada.post_spec({})
    assert answer.json()["errors"] == ["Received empty contents (make sure your content-type is correct)"]
    ownerless: list[Any] = [{"meta": {}}, {"meta": 7}, {"inputs": []}, {"meta": {"ownerid": 5}}]
    for spec in ownerless:
        assert (await ada.post_spec(spec)).json()["errors"] == ["Missing owner in spec"]


async def test_bad_meta_is_named(ada: Publisher) -> None:
    mapping = {"data.csv": await ada.upload(CSV)}
    names: list[Any] = ["", "B", "a/../b", "a b", "\uff50rices", "x" * 101, ".a", "b%2f..", None, 7]
    for name in names:
        spec = spec_of(ada.id, "prices", mapping)
        spec["meta"]["dataset"] = name
        assert ("invalid-name", None) in await refused(ada, spec), name
    findabilities: list[Any] = ["public", "", None, 7, ["published"]]
    for findability in findabilities:
        spec = spec_of(ada.id, "prices", mapping)
        spec["meta"]["findability"] = findability
        assert await refused(ada, spec) == [("findability", None)]


async def test_there_is_exactly_one_input_and_it_is_a_datapackage(ada: Publisher) -> None:
    good = spec_of(ada.id, "prices", {})
    inputs: list[Any] = [None, [], {}, [7], good["inputs"] * 2, [{**good["inputs"][0], "kind": "file"}]]
    for value in inputs:
        assert ("inputs", None) in await refused(ada, {**good, "inputs": value})


async def test_schedules_are_refused_in_the_originals_words(ada: Publisher) -> None:
    mapping = {"data.csv": await ada.upload(CSV)}
    for schedule, words in {
        7: "Schedule should be a string",
        "daily": "Schedule should start with 'every'",
        "every x1d": "Failed to parse time number",
        "every 1y": "Bad time unit for schedule, only s/m/h/d/w are allowed",
        "every 59s": "Can't schedule tasks for less than one minute",
        "every 1d": "Schedules are not supported yet: push without `schedule`",
    }.items():
        answer = await ada.post_spec(spec_of(ada.id, "prices", mapping, schedule=schedule))
        assert answer.json()["errors"] == [words]


async def test_bad_descriptors_are_refused_with_pointer_rule_and_resource(ada: Publisher) -> None:
    url = await ada.upload(CSV)
    for descriptor, rule in (
        (7, "no-descriptor"),
        ({"name": "prices"}, "no-resources"),
        ({"name": "prices", "resources": []}, "no-resources"),
        ({"name": "other", "resources": [{"name": "data", "path": "data.csv"}]}, "name-mismatch"),
        (descriptor_of("prices", path=["data.csv"]), "path-array"),
        (descriptor_of("prices", path=["data.csv", "b.csv"]), "multipart-path"),
        (descriptor_of("prices", path="/etc/passwd"), "unsafe-path"),
        (descriptor_of("prices", path="../data.csv"), "unsafe-path"),
        (descriptor_of("prices", path="file:///etc/passwd"), "unsafe-path"),
        (descriptor_of("prices", path="a\\b.csv"), "unsafe-path"),
        (descriptor_of("prices", scheme="file"), "unknown-property"),
        (descriptor_of("prices", name=7), "descriptor-invalid"),
        ({"name": "prices", "resources": [{"name": "data"}]}, "path-missing"),
        ({"name": "prices", "resources": [{"name": "a", "path": "data.csv"}] * 2}, "duplicate-resource-name"),
    ):
        rules = [found for found, _ in await refused(ada, spec_of(ada.id, "prices", {"data.csv": url}, descriptor))]
        assert rule in rules, descriptor
    problems = (
        await ada.post_spec(spec_of(ada.id, "prices", {"data.csv": url}, descriptor_of("prices", path="/x")))
    ).json()["problems"]
    assert problems[0]["pointer"] == "#/inputs/0/parameters/descriptor/resources/0/path"
    assert problems[0]["resource"] == "data"


async def test_no_request_leaves_the_server_for_an_address_in_a_spec(ada: Publisher, canary: Canary) -> None:
    url = await ada.upload(CSV)
    remote = f"{canary.url}/data.csv"
    remote_field = {"fields": [{"name": "a", "type": "string"}], "$schema": remote}
    for resource in (
        {"path": remote},
        {"schema": remote},
        {"dialect": remote},
        {"profile": remote},
        {"$schema": remote},
        {"schema": remote_field},
        {"licenses": [{"path": remote, "name": "x"}], "sources": [{"path": remote, "title": "x"}]},
    ):
        await ada.post_spec(spec_of(ada.id, "prices", {"data.csv": url}, descriptor_of("prices", **resource)))
    whole = {**descriptor_of("prices"), "profile": remote, "$schema": remote, "image": remote}
    await ada.post_spec(spec_of(ada.id, "prices", {"data.csv": url}, whole))
    await ada.gateway.pool.execute("truncate turn, flow_resource, flow, dataset, outbox cascade")
    for address in (
        remote,
        f"{canary.url}/rawstore/{ada.id}/{'a' * 32}.csv",
        "file:///etc/passwd",
        "//x/y",
        "http://[",
    ):
        spec = spec_of(ada.id, "prices", {"data.csv": address})
        spec["inputs"][0]["url"] = remote
        assert await refused(ada, spec) == [("remote-reference", "data")]
    await ada.gateway.get("/rawstore/presign", params={"url": remote, "ownerid": ada.id})
    assert canary.hits == []


async def test_files_that_are_not_there_or_not_ones_own_are_named(ada: Publisher, bob: Publisher) -> None:
    theirs = await bob.upload(CSV)
    mine = theirs.replace(bob.id, ada.id)
    for mapping, rule in (
        ({}, "object-missing"),
        ({"data.csv": mine}, "object-missing"),
        ({"data.csv": theirs}, "object-not-yours"),
        ({"data.csv": theirs.replace(hashlib.sha256(CSV).hexdigest(), "0" * 64)}, "object-not-yours"),
        ({"data.csv": mine.replace(ada.id, f"{ada.id}/../{bob.id}")}, "remote-reference"),
        ({"data.csv": mine.replace("/rawstore/", "/pkgstore/")}, "remote-reference"),
        ({"data.csv": mine.rpartition("/")[0] + "/derived"}, "object-not-yours"),
    ):
        assert await refused(ada, spec_of(ada.id, "prices", mapping)) == [(rule, "data")], mapping
    assert await refused(ada, spec_of(ada.id, "prices", {"data.csv": 7})) == [("resource-mapping", None)]


async def test_every_missing_file_is_named_at_once(ada: Publisher) -> None:
    resources = [{"name": f"r{number}", "path": f"{number}.csv"} for number in range(3)]
    mapping = {"1.csv": await ada.upload(CSV, "1.csv")}
    found = await refused(ada, spec_of(ada.id, "prices", mapping, {"name": "prices", "resources": resources}))
    assert found == [("object-missing", "r0"), ("object-missing", "r2")]


async def test_another_size_than_declared_is_refused(ada: Publisher) -> None:
    spec = spec_of(ada.id, "prices", {"data.csv": await ada.upload(CSV)}, descriptor_of("prices", bytes=len(CSV) + 1))
    assert await refused(ada, spec) == [("size-mismatch", "data")]


async def test_a_refused_push_gives_no_number_away(ada: Publisher) -> None:
    await refused(ada, spec_of(ada.id, "prices", {}))
    assert (await ada.push())["flow_id"].endswith("/1")


async def test_many_refusals_at_once_do_not_hold_each_other_up(ada: Publisher) -> None:
    spec = spec_of(ada.id, "prices", {})
    async with asyncio.timeout(20):
        answers = await asyncio.gather(*(ada.post_spec(spec) for _ in range(30)))
    assert {answer.json()["success"] for answer in answers} == {False}
