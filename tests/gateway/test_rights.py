"""What members of organisations and tokens with a scope may do, and when a right that is taken away is gone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from gateway.acceptance import Offer, RightLost, accept
from gateway.auth.accounts import Account
from gateway.auth.audit import Origin
from gateway.auth.rights import ANYBODY, Action, Actor, Role, Scope
from gateway.spec import read_spec
from tests.gateway.conftest import CSV, Gateway, Publisher, spec_of
from tests.gateway.seeds import join, organisation

ADA = Account(id="a" * 32, username="ada", name="", email="", created_at=datetime.now(UTC))
GUILD, STRANGER = "b" * 32, "c" * 32
WAITING = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
ALLOWED = {
    Role.READER: {Action.READ},
    Role.PUBLISHER: {Action.READ, Action.PUBLISH},
    Role.MAINTAINER: {Action.READ, Action.PUBLISH, Action.MANAGE},
    Role.OWNER: set(Action),
}


@pytest.mark.parametrize("role", Role)
def test_a_role_may_what_it_may_and_nothing_else(role: Role) -> None:
    member = Actor(account=ADA, roles={GUILD: role})
    assert {action for action in Action if member.may(action, GUILD, "prices")} == ALLOWED[role]
    assert all(member.may(action, ADA.id) for action in Action)
    assert not any(who.may(action, STRANGER) for action in Action for who in (member, ANYBODY))
    assert member.reach == [ADA.id, GUILD]


def test_a_scope_narrows_and_never_widens() -> None:
    def holding(actions: set[Action], ownerid: str, dataset: str | None = None) -> Actor:
        scope = Scope(actions=frozenset(actions), ownerid=ownerid, dataset=dataset)
        return Actor(account=ADA, roles={GUILD: Role.PUBLISHER}, scope=scope)

    whole = holding(set(Action), GUILD)
    assert {action for action in Action if whole.may(action, GUILD)} == ALLOWED[Role.PUBLISHER]
    assert not whole.may(Action.READ, ADA.id)
    assert not any(holding(set(Action), STRANGER).may(action, STRANGER) for action in Action)

    one = holding({Action.READ, Action.PUBLISH}, GUILD, "prices")
    assert one.may(Action.PUBLISH, GUILD, "prices")
    assert one.may(Action.PUBLISH, GUILD), "an upload is in no dataset yet"
    assert not one.may(Action.PUBLISH, GUILD, "other")
    assert not one.may(Action.READ, GUILD), "that would be all of its datasets"
    assert one.reach == [f"{GUILD}/prices"]
    assert holding({Action.PUBLISH}, GUILD, "prices").reach == []


async def test_a_member_publishes_for_the_organisation(gateway: Gateway, ada: Publisher, bob: Publisher) -> None:
    guild = await organisation(gateway.pool, "guild")
    await join(gateway.pool, guild, ada.id, "publisher")
    url = await ada.upload(CSV, owner=guild)
    assert f"/{guild}/" in url
    answer = (await ada.post_spec(spec_of(guild, "prices", {"data.csv": url}, findability="private"))).json()
    assert (answer["success"], answer["dataset_id"]) == (True, f"{guild}/prices")
    row = await gateway.pool.fetchrow("select owner, name from dataset where ownerid = $1", guild)
    assert tuple(row) == ("guild", "prices")
    status = f"/source/{guild}/prices/1"
    assert (await gateway.get(status, headers={"Auth-Token": bob.token})).status == 404
    await join(gateway.pool, guild, bob.id, "reader")
    found = (await gateway.get(status, headers={"Auth-Token": bob.token})).json()
    assert (found["owner"], found["state"]) == ("guild", "QUEUED")
    refused = (await bob.post_spec(spec_of(guild, "prices", {"data.csv": url}))).json()
    assert refused["problems"][0]["rule"] == "not-authorised"
    assert "you are a reader there" in refused["errors"][0]


async def test_an_upload_of_ones_own_is_none_of_the_organisations(gateway: Gateway, ada: Publisher) -> None:
    guild = await organisation(gateway.pool, "guild")
    await join(gateway.pool, guild, ada.id, "owner")
    url = await ada.upload(CSV)
    refused = (await ada.post_spec(spec_of(guild, "prices", {"data.csv": url}))).json()
    assert refused["problems"][0]["rule"] == "object-not-yours"


async def test_who_is_no_member_any_more_publishes_nothing(gateway: Gateway, ada: Publisher) -> None:
    """A12: between upload and publish, and between the check and the commit."""
    guild = await organisation(gateway.pool, "guild")
    await join(gateway.pool, guild, ada.id, "publisher")
    url = await ada.upload(CSV, owner=guild)
    spec = spec_of(guild, "prices", {"data.csv": url})
    before = Actor(account=ada.account, roles={guild: Role.PUBLISHER})
    for role in (None, "reader"):
        await join(gateway.pool, guild, ada.id, role)
        assert (await ada.post_spec(spec)).json()["problems"][0]["rule"] == "not-authorised"
        owner = await gateway.parts.accounts.by_id(guild)
        assert owner is not None
        offer = Offer(
            origin=Origin(actor=before), owner=owner, spec=read_spec(spec), posted={}, resources=[], fingerprint="any"
        )
        with pytest.raises(RightLost):
            await accept(gateway.pool, offer, None)
    assert await gateway.pool.fetchval("select count(*) from flow") == 0


async def test_a_role_that_is_lowered_while_a_push_waits_is_lowered_for_it(gateway: Gateway, ada: Publisher) -> None:
    guild = await organisation(gateway.pool, "guild")
    await join(gateway.pool, guild, ada.id, "publisher")
    url = await ada.upload(CSV, owner=guild)
    async with gateway.pool.acquire() as connection, connection.transaction():
        await connection.execute("select from account where id = $1 for update", guild)
        pushing = asyncio.create_task(ada.post_spec(spec_of(guild, "prices", {"data.csv": url})))
        while not await gateway.pool.fetchval(WAITING):
            await asyncio.sleep(0.01)
        await connection.execute("update membership set role = 'reader' where account_id = $1", ada.id)
    assert (await pushing).json()["problems"][0]["rule"] == "not-authorised"


async def test_an_organisation_has_a_name_among_all_names_and_never_logs_in(gateway: Gateway, ada: Publisher) -> None:
    guild = await organisation(gateway.pool, "guild")
    assert (await gateway.get("/auth/resolve?username=Guild")).json() == {"userid": guild}
    owner = await gateway.parts.accounts.by_id(guild)
    assert owner is not None
    token = gateway.parts.tokens.issue_user(owner)
    assert not (await gateway.get("/auth/check", headers={"Auth-Token": token})).json()["authenticated"]
