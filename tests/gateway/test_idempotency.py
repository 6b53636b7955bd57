"""A push with an Idempotency-Key is done once, however often it comes; cases A09 and G09 of the catalogue."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from multidict import CIMultiDict

from tests.gateway.conftest import CSV, Answer, Publisher, spec_of, waits_for_a_lock

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


async def post(publisher: Publisher, spec: Any, *keys: str, path: str = "/source/upload") -> Answer:
    headers = CIMultiDict({"Auth-Token": await publisher.permission("source")})
    headers.extend([("Idempotency-Key", key) for key in keys])
    return await publisher.gateway.post(path, json=spec, headers=headers)


async def new_spec(publisher: Publisher, content: bytes = CSV) -> dict[str, Any]:
    """Of a push that would make a revision each time that it is done."""
    return {**spec_of(publisher.id, "prices", {"data.csv": await publisher.upload(content)}), "again": True}


async def revisions(publisher: Publisher) -> Sequence[str]:
    rows = await publisher.gateway.pool.fetch("select id from flow where ownerid = $1 order by revision", publisher.id)
    return [row["id"] for row in rows]


def kind(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json()["type"].rpartition(":")[2]


async def test_fifty_at_once_are_done_once_and_are_answered_alike(ada: Publisher) -> None:
    spec = await new_spec(ada)
    answers = await asyncio.gather(*(post(ada, spec, KEY) for _ in range(50)))
    done = [answer for answer in answers if answer.status == 200]
    busy = [answer for answer in answers if answer.status != 200]
    assert {(*kind(answer), answer.headers["Retry-After"]) for answer in busy} <= {(409, "in-flight", "1")}
    assert await revisions(ada) == [f"{ada.id}/prices/1"]
    # Later the run is elsewhere, and the answer is the one that was given.
    await ada.gateway.pool.execute("update flow set state = 'SUCCEEDED', finished_at = now()")
    again = await post(ada, spec, f'"{KEY}"')
    assert {answer.body for answer in [*done, again]} == {done[0].body}
    assert done[0].json()["flow_id"] == f"{ada.id}/prices/1"
    assert await revisions(ada) == [f"{ada.id}/prices/1"]


async def test_one_that_is_being_done_is_not_begun_again(ada: Publisher) -> None:
    spec = await new_spec(ada)
    async with ada.gateway.pool.acquire() as connection, connection.transaction():
        await connection.execute("select from account where id = $1 for update", ada.id)  # what a push waits for
        first = asyncio.create_task(post(ada, spec, KEY))
        await waits_for_a_lock(ada.gateway)
        assert kind(await post(ada, spec, KEY)) == (409, "in-flight")
    assert (await first).json()["success"] is True
    assert (await post(ada, spec, KEY)).body == (await first).body


async def test_a_key_is_good_for_one_body(ada: Publisher) -> None:
    spec = await new_spec(ada)
    assert (await post(ada, spec, KEY)).status == 200
    reordered = dict(reversed(spec.items()))
    assert (await post(ada, reordered, KEY)).status == 200, "JSON has no order"
    assert kind(await post(ada, {**spec, "again": False}, KEY)) == (422, "key-used")
    assert (await post(ada, {**spec, "again": False}, f"{KEY}2")).json()["unchanged"] is True
    assert len(await revisions(ada)) == 1


@pytest.mark.parametrize("keys", [["k" * 300], [""], ['""'], ['"a'], ["\u00e9"], ["a b"], [KEY, KEY]])
async def test_what_is_no_key_is_refused_and_nothing_is_done(ada: Publisher, keys: Sequence[str]) -> None:
    assert kind(await post(ada, await new_spec(ada), *keys)) == (400, "bad-idempotency-key")
    assert await revisions(ada) == []


async def test_two_owners_may_use_one_key(ada: Publisher, bob: Publisher) -> None:
    for publisher in (ada, bob):
        answer = await post(publisher, await new_spec(publisher), KEY)
        assert answer.json()["flow_id"] == f"{publisher.id}/prices/1"


async def test_what_was_refused_or_only_planned_is_done_when_it_comes_again(ada: Publisher) -> None:
    spec = await new_spec(ada)
    assert (await post(ada, spec, KEY, path="/source/plan")).json()["dry_run"] is True
    await ada.gateway.pool.execute("update account set quota = 1 where id = $1", ada.id)
    assert (await post(ada, spec, KEY)).json()["problems"][0]["rule"] == "over-quota"
    await ada.gateway.pool.execute("update account set quota = 0 where id = $1", ada.id)
    assert (await post(ada, spec, KEY)).json()["success"] is True
    assert len(await revisions(ada)) == 1


async def test_what_is_unchanged_is_answered_alike_though_something_else_stands_by_then(ada: Publisher) -> None:
    spec = {**await new_spec(ada), "again": False}
    await post(ada, spec, "first")
    unchanged = await post(ada, spec, KEY)
    assert unchanged.json()["unchanged"] is True
    await post(ada, {**await new_spec(ada, b"day,price\n2020-01-01,1\n"), "again": False}, "another")
    assert (await post(ada, spec, KEY)).body == unchanged.body


async def test_a_key_is_forgotten_after_a_day(ada: Publisher) -> None:
    spec, pool = await new_spec(ada), ada.gateway.pool
    await post(ada, spec, KEY)
    await pool.execute("update idempotency_key set answered_at = now() - interval '25 hours'")
    await post(ada, spec, "another")
    assert await pool.fetch("select key from idempotency_key") == [("another",)]
    assert (await post(ada, spec, KEY)).json()["flow_id"] == f"{ada.id}/prices/3"
