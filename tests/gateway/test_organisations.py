"""Organisations over HTTP: who makes them, who joins and leaves, what is written down, and the same by forms."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from messages.settings import StoreSettings
from tests import services
from tests.gateway.conftest import PASSWORD, Answer, Gateway, Publisher, serving, shared_settings
from tests.gateway.seeds import Seeds

NUMBERS = itertools.count()


@pytest_asyncio.fixture(scope="module")
async def gateway(postgres: services.DatabaseServer, object_store: StoreSettings) -> AsyncIterator[Gateway]:
    async with shared_settings(postgres, object_store) as settings, serving(settings) as gateway:
        yield gateway


@pytest_asyncio.fixture(scope="module")
async def ada(gateway: Gateway) -> Publisher:
    return await gateway.publisher("ada")


@pytest_asyncio.fixture(scope="module")
async def bob(gateway: Gateway) -> Publisher:
    return await gateway.publisher("bob")


@dataclass(frozen=True, slots=True)
class Guild:
    """An organisation that ada made."""

    gateway: Gateway
    name: str
    id: str

    async def put(self, who: Publisher, username: str, role: Any) -> Answer:
        address = f"/auth/organisations/{self.name}/members/{username}"
        return await self.gateway.request("PUT", address, json={"role": role}, headers={"Auth-Token": who.token})

    async def drop(self, who: Publisher, username: str) -> Answer:
        address = f"/auth/organisations/{self.name}/members/{username}"
        return await self.gateway.request("DELETE", address, headers={"Auth-Token": who.token})

    async def members(self, who: Publisher) -> dict[str, str]:
        address = f"/auth/organisations/{self.name}/members"
        found = (await self.gateway.get(address, headers={"Auth-Token": who.token})).json()
        return {member["username"]: member["role"] for member in found["members"]}

    async def log(self, who: Publisher) -> list[dict[str, Any]]:
        answer = await self.gateway.get(f"/auth/audit/{self.name}", headers={"Auth-Token": who.token})
        entries: list[dict[str, Any]] = answer.json()["entries"]
        return entries


async def make(who: Publisher, name: str, **more: Any) -> Answer:
    body = {"name": name, **more}
    return await who.gateway.post("/auth/organisations", json=body, headers={"Auth-Token": who.token})


@pytest_asyncio.fixture
async def guild(gateway: Gateway, ada: Publisher) -> Guild:
    answer = await make(ada, f"guild-{next(NUMBERS)}", title="The Guild")
    assert answer.status == 201, answer.body
    return Guild(gateway, answer.json()["name"], answer.json()["id"])


async def test_maker_is_the_first_owner_and_sees_it_among_theirs(guild: Guild, ada: Publisher) -> None:
    assert await guild.members(ada) == {"ada": "owner"}
    mine = (await ada.gateway.get("/auth/organisations", headers={"Auth-Token": ada.token})).json()["organisations"]
    assert {"id": guild.id, "name": guild.name, "title": "The Guild", "role": "owner", "members": 1} in mine
    assert (await ada.gateway.get(f"/auth/resolve?username={guild.name}")).json() == {"userid": guild.id}


@pytest.mark.parametrize(
    ("name", "status"),
    [("ada", 409), ("BOB", 409), ("sharing", 422), ("-x", 422), ("a b", 422), ("", 422), ("f" * 32, 422), (7, 422)],
)
async def test_a_name_is_one_among_all_and_well_made(ada: Publisher, bob: Publisher, name: Any, status: int) -> None:
    assert (await make(ada, name)).status == status


async def test_an_owner_adds_changes_and_removes_and_it_is_written_down(
    guild: Guild, ada: Publisher, bob: Publisher
) -> None:
    assert (await guild.put(ada, "BOB", "publisher")).json() == {"username": "bob", "role": "publisher"}
    assert (await guild.put(ada, "bob", "owner")).status == 200
    assert (await guild.put(bob, "ada", "reader")).status == 200
    assert await guild.members(ada) == {"bob": "owner", "ada": "reader"}
    assert (await guild.drop(bob, "ada")).status == 204
    told = [(each["account"], each["act"], each["subject"], each["details"]) for each in await guild.log(bob)]
    assert told == [
        ("bob", "member-removed", "ada", {"before": "reader"}),
        ("bob", "role-changed", "ada", {"before": "owner", "role": "reader"}),
        ("ada", "role-changed", "bob", {"before": "publisher", "role": "owner"}),
        ("ada", "member-added", "bob", {"role": "publisher"}),
        ("ada", "organisation-made", guild.name, {}),
    ]
    assert {each["address"] for each in await guild.log(bob)} == {"127.0.0.1"}


@pytest.mark.parametrize("role", ["reader", "publisher", "maintainer"])
async def test_others_say_nothing_but_that_they_leave(guild: Guild, ada: Publisher, bob: Publisher, role: str) -> None:
    await guild.put(ada, "bob", role)
    assert [(await guild.put(bob, "bob", "owner")).status, (await guild.drop(bob, "ada")).status] == [403, 403]
    log = await guild.gateway.get(f"/auth/audit/{guild.name}", headers={"Auth-Token": bob.token})
    assert log.status == 403
    assert (await guild.drop(bob, "bob")).status == 204
    assert await guild.members(ada) == {"ada": "owner"}


async def test_strangers_do_not_see_who_is_in(guild: Guild, ada: Publisher, bob: Publisher) -> None:
    address = f"/auth/organisations/{guild.name}/members"
    assert (await guild.gateway.get(address, headers={"Auth-Token": bob.token})).status == 403
    assert (await guild.gateway.get(address)).status == 401
    assert (await guild.put(bob, "bob", "owner")).status == 403
    for nobody in ("nobody-there", guild.name):
        assert (await guild.put(ada, nobody, "reader")).status == 404
    assert (await guild.put(ada, "bob", "emperor")).status == 422


async def test_the_last_owner_stays(guild: Guild, ada: Publisher, bob: Publisher) -> None:
    for answer in (await guild.drop(ada, "ada"), await guild.put(ada, "ada", "maintainer")):
        assert (answer.status, answer.json()["type"]) == (409, "urn:datahub:problem:last-owner")
    assert await guild.members(ada) == {"ada": "owner"}


async def test_two_owners_who_leave_at_once_leave_one(guild: Guild, ada: Publisher, bob: Publisher) -> None:
    for _ in range(5):
        await guild.put(ada, "bob", "owner")
        answers = await asyncio.gather(guild.drop(ada, "ada"), guild.drop(bob, "bob"))
        assert sorted(answer.status for answer in answers) == [204, 409]
        left = ada if answers[0].status == 409 else bob
        assert list((await guild.members(left)).values()) == ["owner"]
        await guild.put(left, "ada", "owner")


async def test_two_owners_who_demote_each_other_leave_one(guild: Guild, ada: Publisher, bob: Publisher) -> None:
    await guild.put(ada, "bob", "owner")
    answers = await asyncio.gather(guild.put(ada, "bob", "reader"), guild.put(bob, "ada", "reader"))
    assert sorted(answer.status for answer in answers) == [200, 403]


async def test_the_audit_log_is_only_added_to(guild: Guild, ada: Publisher) -> None:
    for statement in ("update audit set subject = 'x' where ownerid = $1", "delete from audit where ownerid = $1"):
        with pytest.raises(Exception, match="only ever added to"):
            await guild.gateway.pool.execute(statement, guild.id)
    assert len(await guild.log(ada)) == 1


async def test_a_push_a_cancel_and_a_rerun_are_written_down(gateway: Gateway) -> None:
    cleo = await gateway.publisher("cleo")
    await cleo.push("prices", "private")
    headers = {"Auth-Token": await cleo.permission("source")}
    for verb in ("cancel", "rerun"):
        assert (await gateway.post(f"/source/{cleo.id}/prices/1/{verb}", headers=headers)).status < 300
    log = (await gateway.get("/auth/audit/cleo", headers={"Auth-Token": cleo.token})).json()["entries"]
    told = [(each["act"], each["subject"], each["account"]) for each in log if each["act"] != "logged-in"]
    assert told == [(act, "prices/1", "cleo") for act in ("rerun", "cancelled", "pushed")]
    assert log[-1]["details"] == {"findability": "private"}
    assert not any(word in str(log) for word in ("eyJ", "Signature", "X-Amz"))


async def test_log_ins_are_written_down(gateway: Gateway) -> None:
    eve = await gateway.publisher("eve")
    credentials = {"username": "eve", "password": PASSWORD}
    assert (await gateway.post("/auth/token", json=credentials)).status == 200
    assert (await gateway.post("/auth/token", json={**credentials, "password": "guessed"})).status == 401
    form = await gateway.post("/auth/login", data=credentials, headers={"Origin": gateway.url})
    cookie = {"Cookie": form.headers["Set-Cookie"].partition(";")[0], "Origin": gateway.url}
    assert (await gateway.post("/auth/logout", headers=cookie)).status == 303
    log = (await gateway.get("/auth/audit/eve", headers={"Auth-Token": eve.token})).json()["entries"]
    assert [(each["act"], each["subject"], each["address"]) for each in log] == [
        ("logged-out", "session", "127.0.0.1"),
        ("logged-in", "browser", "127.0.0.1"),
        ("logged-in", "program", "127.0.0.1"),
    ]
    assert PASSWORD not in str(log)


async def test_a_long_log_is_read_in_pages(gateway: Gateway) -> None:
    dora = await gateway.publisher("dora")
    await gateway.pool.execute(
        "insert into audit (ownerid, account_id, act, subject, details, address)"
        " select $1, $1, 'pushed', number::text, '{}', '' from generate_series(1, 250) number",
        dora.id,
    )
    found: list[str] = []
    before: Any = ""
    while before is not None:
        query = f"?before={before}" if before else ""
        answer = await gateway.get(f"/auth/audit/dora{query}", headers={"Auth-Token": dora.token})
        found += [each["subject"] for each in answer.json()["entries"]]
        before = answer.json()["before"]
    assert found == [str(number) for number in range(250, 0, -1)]
    page = await gateway.get("/dashboard/dora/audit", headers={"Cookie": f"dh_session={dora.token}"})
    assert b"Older" in page.body


async def send(who: Publisher, path: str, origin: str | None = None, **fields: str) -> Answer:
    headers = {"Origin": origin or who.gateway.url, "Cookie": f"dh_session={who.token}"}
    return await who.gateway.post(path, data=fields, headers=headers)


async def test_the_same_by_forms(gateway: Gateway, ada: Publisher, bob: Publisher) -> None:
    made = await send(ada, "/dashboard/organisations", name="By-Form", title="By a <form>")
    assert (made.status, made.headers["Location"]) == (303, "/dashboard/by-form")
    guild = Guild(gateway, "by-form", await gateway.pool.fetchval("select id from account where username = 'by-form'"))
    assert (await send(ada, "/dashboard/by-form/members", username="bob", role="maintainer")).status == 303
    await Seeds(gateway.pool, gateway.parts.blobs).revision(guild.id, "hidden", findability="private", title="Hid")
    cookie = {"Cookie": f"dh_session={bob.token}"}
    page = (await gateway.get("/dashboard/by-form", headers=cookie)).body.decode()
    for words in ("By a &lt;form&gt;", "you are a maintainer", "Hid", "Leave"):
        assert words in page, words
    assert "Add a member" not in page
    dashboard = (await gateway.get("/dashboard", headers=cookie)).body.decode()
    assert "/dashboard/by-form" in dashboard
    assert "Hid" in dashboard
    assert (await send(bob, "/dashboard/by-form/members/remove", username="ada")).status == 403
    left = await send(bob, "/dashboard/by-form/members/remove", username="bob")
    assert (left.status, left.headers["Location"]) == (303, "/dashboard")
    assert (await gateway.get("/dashboard/by-form", headers=cookie)).status == 404
    assert await guild.members(ada) == {"ada": "owner"}


async def test_forms_of_other_sites_do_nothing(gateway: Gateway, ada: Publisher, guild: Guild) -> None:
    for path in ("/dashboard/organisations", f"/dashboard/{guild.name}/members"):
        answer = await send(ada, path, origin="https://evil.example", name="stolen", username="ada", role="reader")
        assert answer.status == 403
    assert await gateway.pool.fetchval("select count(*) from account where username = 'stolen'") == 0
