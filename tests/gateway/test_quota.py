"""An owner's room in the object store: asked before bytes come, and decided when they are published."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from deploy.operatorwords import size_in
from deploy.quotacommand import quota
from messages.settings import StoreSettings
from messages.usage import forget, used
from tests import services
from tests.gateway.conftest import Gateway, Publisher, file_entry, serving, shared_settings, spec_of
from tests.gateway.seeds import Seeds, Table, join, organisation

NUMBERS = itertools.count()


@pytest_asyncio.fixture(scope="module")
async def gateway(postgres: services.DatabaseServer, object_store: StoreSettings) -> AsyncIterator[Gateway]:
    async with shared_settings(postgres, object_store) as settings, serving(settings) as gateway:
        yield gateway


@pytest_asyncio.fixture
async def ada(gateway: Gateway) -> Publisher:
    """An owner with room for 1,000 bytes, of which none is used."""
    ada = await gateway.publisher(f"ada-{next(NUMBERS)}")
    await limit(ada, 1_000)
    return ada


async def limit(who: Publisher, size: int | None) -> None:
    await who.gateway.pool.execute("update account set quota = $2 where id = $1", who.id, size)


async def usage(who: Publisher, owner: str | None = None) -> dict[str, Any]:
    address = f"/auth/quota/{owner or who.account.username}"
    found: dict[str, Any] = (await who.gateway.get(address, headers={"Auth-Token": who.token})).json()
    return found


def bytes_of(size: int) -> bytes:
    """A CSV that no other test has, of so many bytes."""
    head = f"a\n{next(NUMBERS)}\n".encode()
    return head + b"1" * (size - len(head))


async def push(who: Publisher, content: bytes, dataset: str = "set", owner: str | None = None) -> dict[str, Any]:
    url = await who.upload(content, owner=owner)
    answer: dict[str, Any] = (await who.post_spec(spec_of(owner or who.id, dataset, {"data.csv": url}))).json()
    return answer


async def test_what_does_not_fit_is_refused_before_it_is_uploaded(ada: Publisher) -> None:
    assert (await ada.authorize({"a.csv": file_entry(bytes_of(1_000))})).status == 200
    answer = await ada.authorize({"a.csv": file_entry(bytes_of(600)), "b.csv": file_entry(bytes_of(500))})
    problem = answer.json()
    assert (answer.status, problem["type"]) == (413, "urn:datahub:problem:over-quota")
    assert (problem["asked"], problem["used"], problem["limit"]) == (1_100, 0, 1_000)
    assert "1.1 kB more are asked for" in problem["detail"]
    twice = bytes_of(600)
    same = {"a.csv": file_entry(twice), "b.csv": file_entry(twice)}
    assert (await ada.authorize(same)).status == 200, "one content is counted once"


async def test_an_upload_in_parts_is_asked_the_same(ada: Publisher) -> None:
    content = bytes_of(1_001)
    part = {name: value for name, value in file_entry(content).items() if name != "length"}
    file = {"path": "a.csv", "length": 1_001, "sha256": part["sha256"], "part_size": 5_242_880, "parts": [part]}
    answer = await ada.gateway.post(
        "/rawstore/uploads",
        json={"metadata": {"owner": ada.id}, "file": file},
        headers={"Auth-Token": await ada.permission("rawstore")},
    )
    assert (answer.status, answer.json()["type"]) == (413, "urn:datahub:problem:over-quota"), answer.body


async def test_what_does_not_fit_any_more_is_not_published(ada: Publisher) -> None:
    content, url = bytes_of(900), ""
    url = await ada.upload(content)
    await limit(ada, 800)
    refused = (await ada.post_spec(spec_of(ada.id, "set", {"data.csv": url}))).json()
    assert (refused["success"], refused["problems"][0]["rule"]) == (False, "over-quota")
    assert "(asked 900, used 0, limit 800 bytes)" in refused["errors"][0]
    assert await ada.gateway.pool.fetchval("select count(*) from flow where ownerid = $1", ada.id) == 0
    planned = await ada.gateway.post(
        "/source/plan",
        json=spec_of(ada.id, "set", {"data.csv": url}),
        headers={"Auth-Token": await ada.permission("source")},
    )
    assert planned.json()["problems"][0]["rule"] == "over-quota"


async def test_a_content_is_counted_once_however_often_it_is_pushed(ada: Publisher) -> None:
    content = bytes_of(600)
    assert await usage(ada) == {"used": 0, "limit": 1_000}
    for dataset in ("one", "two", "three"):
        assert (await push(ada, content, dataset))["success"], dataset
    assert (await usage(ada))["used"] == 600
    assert (await ada.authorize({"a.csv": file_entry(bytes_of(500))})).status == 413
    assert (await push(ada, bytes_of(400)))["success"]
    assert (await usage(ada))["used"] == 1_000
    await limit(ada, 10)
    assert (await push(ada, content, "four"))["success"], "nothing new is never too much"


async def test_pushes_at_the_same_time_do_not_share_the_last_room(ada: Publisher) -> None:
    await limit(ada, None)
    urls = [await ada.upload(bytes_of(300)) for _ in range(8)]
    await limit(ada, 1_000)
    specs = [spec_of(ada.id, f"set-{number}", {"data.csv": url}) for number, url in enumerate(urls)]
    answers = [answer.json() for answer in await asyncio.gather(*(ada.post_spec(spec) for spec in specs))]
    assert sum(answer["success"] for answer in answers) == 3
    assert (await usage(ada))["used"] == 900


async def test_an_organisation_has_room_of_its_own(gateway: Gateway, ada: Publisher) -> None:
    guild = await organisation(gateway.pool, f"guild-{next(NUMBERS)}")
    name = await gateway.pool.fetchval("select username from account where id = $1", guild)
    await join(gateway.pool, guild, ada.id, "publisher")
    await limit(ada, 10)
    assert (await push(ada, bytes_of(700), owner=guild))["success"]
    assert await usage(ada, name) == {"used": 700, "limit": 100_000_000_000}
    assert (await usage(ada))["used"] == 0


async def test_what_was_published_counts_and_what_nobody_names_counts_no_longer(ada: Publisher) -> None:
    pool = ada.gateway.pool
    table = Table()
    await Seeds(pool, ada.gateway.parts.blobs).revision(ada.id, "gold", tables=[table, table])
    await limit(ada, 100_000)
    assert (await push(ada, bytes_of(100)))["success"]
    async with pool.acquire() as connection:
        await connection.execute(
            "insert into stored_content (ownerid, content, size)"
            " select distinct on (content) ownerid, content, size from named_blob where flow_id = $1 order by content",
            f"{ada.id}/gold/1",
        )
        everything = await used(connection, ada.id)
        assert everything > 100 + len(table.csv)
        await connection.execute("insert into stored_content values ($1, 'of a run that ran again', 77)", ada.id)
        assert await used(connection, ada.id) == everything + 77
        await forget(connection, ada.id)
        assert await used(connection, ada.id) == everything


async def test_an_operator_says_how_much(gateway: Gateway, ada: Publisher, capsys: pytest.CaptureFixture[str]) -> None:
    async def run(**words: Any) -> dict[str, Any]:
        usual = {"owner": ada.account.username, "limit": None, "default": False, "json": True}
        assert await quota(argparse.Namespace(**{**usual, **words}), gateway.parts.settings) == 0
        told: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
        return told

    assert (await run())["limit"] == 1_000
    assert (await run(limit=5_000))["limit"] == 5_000
    assert (await usage(ada))["limit"] == 5_000
    assert (await run(limit=0))["limit"] is None
    assert (await run(default=True))["limit"] == 100_000_000_000
    log = await gateway.get(f"/auth/audit/{ada.account.username}", headers={"Auth-Token": ada.token})
    told = [(each["account"], each["act"]) for each in log.json()["entries"] if each["act"] == "quota-set"]
    assert told == [(None, "quota-set")] * 3


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("1500", 1_500), ("500MB", 500_000_000), ("1.5 GB", 1_500_000_000), ("2T", 2 * 10**12)]
)
def test_a_size_is_read_as_people_write_it(text: str, size: int) -> None:
    assert size_in(text) == size


@pytest.mark.parametrize("text", ["", "-1", "GB", "1e3", "much", "9999999999999PB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        size_in(text)


async def test_who_sees_how_much(gateway: Gateway, ada: Publisher) -> None:
    stranger = await gateway.publisher(f"eve-{next(NUMBERS)}")
    for name in (ada.account.username, "nobody-there"):
        answer = await gateway.get(f"/auth/quota/{name}", headers={"Auth-Token": stranger.token})
        assert answer.status == 403
    page = await gateway.get("/dashboard", headers={"Cookie": f"dh_session={ada.token}"})
    assert "0 B of 1.0 kB used" in page.body.decode() or "of 1 kB used" in page.body.decode(), page.body[:3000]
