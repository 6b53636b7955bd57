"""A package that is there already makes no new revision, whoever pushes it at the same time."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.gateway.conftest import CSV, Publisher, descriptor_of, spec_of


async def post(ada: Publisher, spec: dict[str, Any]) -> tuple[int, bool]:
    """The revision that a spec became or is, and whether it was there."""
    answer = (await ada.post_spec(spec)).json()
    assert answer["success"] is True, answer
    number = int(answer["flow_id"].rpartition("/")[2])
    assert answer["unchanged"] is ("message" in answer)
    if answer["unchanged"]:
        assert answer["message"] == f"unchanged: revision {number} is this very package"
    return number, answer["unchanged"]


async def end(ada: Publisher, revision: int, state: str) -> None:
    await ada.gateway.pool.execute(
        "update flow set state = $2, finished_at = now() where revision = $1", revision, state
    )


async def test_the_same_package_makes_no_new_revision_until_it_differs(ada: Publisher) -> None:
    url, other = await ada.upload(CSV), await ada.upload(CSV + b"2018-01-03,3\n")
    spec = spec_of(ada.id, "prices", {"data.csv": url})
    assert await post(ada, spec) == (1, False)
    rows = "select (select count(*) from outbox), (select count(*) from turn), (select last_revision from dataset)"
    before = await ada.gateway.pool.fetchrow(rows)

    signed = {"data": f"{url}?X-Amz-Signature=secret"}
    reordered = dict(reversed(descriptor_of("prices").items()))
    for same in (spec, spec_of(ada.id, "prices", signed, reordered), {**spec, "again": False}):
        assert await post(ada, same) == (1, True)
    assert await ada.gateway.pool.fetchrow(rows) == before, "nothing was left behind"
    await end(ada, 1, "SUCCEEDED")
    assert await post(ada, spec) == (1, True)

    assert await post(ada, {**spec, "again": True}) == (2, False)
    assert await post(ada, spec_of(ada.id, "prices", {"data.csv": other})) == (3, False)
    titled = {**descriptor_of("prices"), "title": "Other prices"}
    assert await post(ada, spec_of(ada.id, "prices", {"data.csv": other}, titled)) == (4, False)
    assert await post(ada, spec_of(ada.id, "prices", {"data.csv": other}, titled, findability="private")) == (5, False)
    # Of a package that was changed and changed back, the last but one is no longer what stands.
    assert await post(ada, spec) == (6, False)


async def test_what_failed_is_done_anew_and_does_not_hide_what_stands(ada: Publisher) -> None:
    spec = spec_of(ada.id, "prices", {"data.csv": await ada.upload(CSV)})
    assert await post(ada, spec) == (1, False)
    await end(ada, 1, "FAILED")
    assert await post(ada, spec) == (2, False)
    await end(ada, 2, "SUCCEEDED")
    wrong = spec_of(ada.id, "prices", {"data.csv": await ada.upload(b"a,b\n1\n")})
    assert await post(ada, wrong) == (3, False)
    await end(ada, 3, "FAILED")
    assert await post(ada, spec) == (2, True)


async def test_a_dataset_that_was_switched_since_is_changed(ada: Publisher) -> None:
    spec = spec_of(ada.id, "prices", {"data.csv": await ada.upload(CSV)})
    assert await post(ada, spec) == (1, False)
    await ada.gateway.pool.execute("update dataset set findability = 'private'")
    assert await post(ada, spec) == (2, False)
    assert await ada.gateway.pool.fetchval("select findability from dataset") == "published"


async def test_of_equal_pushes_at_the_same_time_one_makes_the_revision(ada: Publisher) -> None:
    spec = spec_of(ada.id, "prices", {"data.csv": await ada.upload(CSV)})
    await ada.gateway.pool.execute("update account set quota = 0")  # a quota's lock would let one push after the other
    token = await ada.permission("source")

    async def push() -> Any:
        answer = await ada.gateway.post("/source/upload", json=spec, headers={"Auth-Token": token})
        return answer.json()

    answers = await asyncio.gather(*(push() for _ in range(20)))
    assert {answer["flow_id"] for answer in answers} == {f"{ada.id}/prices/1"}
    assert sorted(answer["unchanged"] for answer in answers) == [False] + [True] * 19
    assert await ada.gateway.pool.fetchval("select count(*) from flow") == 1


async def test_again_is_true_or_false(ada: Publisher) -> None:
    spec = spec_of(ada.id, "prices", {"data.csv": await ada.upload(CSV)})
    answer = (await ada.post_spec({**spec, "again": "yes"})).json()
    assert (answer["success"], answer["problems"][0]["pointer"]) == (False, "#/again")
