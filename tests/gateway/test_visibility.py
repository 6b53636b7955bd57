"""Who sees a dataset is switched, at once and for everything, and what was public is said to have been public."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from messages.envelope import Message
from messages.events import VisibilityChanged
from messages.settings import StoreSettings
from tests import services
from tests.gateway.conftest import CSV, Answer, Gateway, Publisher, serving, shared_settings, spec_of
from tests.gateway.seeds import Seeds, join, organisation

NUMBERS = itertools.count()
PATHS = (
    *("/{}", "/{}/v/1", "/{}/datapackage.json", "/{}/r/prices.csv", "/{}/r/prices.csv?v=1", "/{}/r/0.preview.json"),
    "/source/{}/1",
)


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


@pytest_asyncio.fixture
async def name(gateway: Gateway, ada: Publisher) -> str:
    """A published dataset of ada's."""
    name = f"gold-{next(NUMBERS)}"
    await Seeds(gateway.pool, gateway.parts.blobs).revision(ada.id, name, title=f"Of {name}")
    await gateway.pool.execute(
        "insert into visibility (dataset_id, findability) values ($1, 'published')", f"{ada.id}/{name}"
    )
    return name


async def switch(who: Publisher, name: str, findability: Any, owner: str = "ada") -> Answer:
    headers = {"Auth-Token": who.token}
    return await who.gateway.request(
        "PUT", f"/sharing/{owner}/{name}", json={"findability": findability}, headers=headers
    )


async def seen(gateway: Gateway, name: str) -> set[int]:
    """What anybody is answered at every address of the dataset."""
    answers = [await gateway.get(path.format(f"ada/{name}")) for path in PATHS]
    return {answer.status for answer in answers}


async def found(gateway: Gateway, name: str, token: str | None = None) -> int:
    headers = {"Auth-Token": token} if token else {}
    answer = await gateway.get(f'/metastore/search?name="{name}"', headers=headers)
    total: int = answer.json()["summary"]["total"]
    return total


async def test_a_switch_holds_at_once_for_everything(gateway: Gateway, ada: Publisher, name: str) -> None:
    assert (await seen(gateway, name), await found(gateway, name)) == ({200, 302}, 1)
    assert (await switch(ada, name, "private")).json()["findability"] == "private"
    assert (await seen(gateway, name), await found(gateway, name)) == ({404}, 0)
    assert await found(gateway, name, ada.token) == 1
    await switch(ada, name, "unlisted")
    assert (await seen(gateway, name), await found(gateway, name)) == ({200, 302}, 0)
    assert b'content="noindex"' in (await gateway.get(f"/ada/{name}")).body
    await switch(ada, name, "published")
    assert (await seen(gateway, name), await found(gateway, name)) == ({200, 302}, 1)
    assert b'content="noindex"' not in (await gateway.get(f"/ada/{name}")).body
    descriptor = (await gateway.get(f"/ada/{name}/datapackage.json")).json()
    assert descriptor["datahub"]["findability"] == "published"


async def test_what_was_private_is_shown_when_it_is_switched(gateway: Gateway, ada: Publisher) -> None:
    """The revision that readers get, and no older one that was pushed to be private."""
    seeds = Seeds(gateway.pool, gateway.parts.blobs)
    for _ in range(2):
        await seeds.revision(ada.id, "hidden", findability="private")
    await switch(ada, "hidden", "published")
    assert (await gateway.get("/ada/hidden/r/prices.csv")).status == 302
    assert (await gateway.get("/ada/hidden/r/prices.csv?v=1")).status == 404
    assert await found(gateway, "hidden") == 1
    document = (await gateway.get('/metastore/search?name="hidden"')).json()["results"][0]
    assert document["datahub"]["findability"] == "published"


async def test_what_was_public_is_said_to_have_been(gateway: Gateway, ada: Publisher, name: str) -> None:
    cookie = {"Cookie": f"dh_session={ada.token}"}
    assert b"was public" not in (await gateway.get(f"/ada/{name}", headers=cookie)).body
    told = (await switch(ada, name, "private")).json()
    assert [period["findability"] for period in told["public"]] == ["published"]
    assert told["public"][0]["since"] < told["public"][0]["until"]
    page = (await gateway.get(f"/ada/{name}", headers=cookie)).body.decode()
    assert "This dataset is private now, and was public: everybody could find it from" in page
    await switch(ada, name, "unlisted")
    await switch(ada, name, "private")
    periods = (await switch(ada, name, "private")).json()["public"]
    assert [period["findability"] for period in periods] == ["published", "unlisted"]


async def test_what_was_never_seen_was_never_public(gateway: Gateway, ada: Publisher) -> None:
    pushed = f"never-{next(NUMBERS)}"
    await ada.push(pushed, "published")  # nothing of it is published yet
    assert (await switch(ada, pushed, "private")).json()["public"] == []


async def test_a_switch_is_told_and_written_down(gateway: Gateway, ada: Publisher, name: str) -> None:
    await gateway.pool.execute("delete from outbox")
    for findability in ("private", "private", "published"):
        await switch(ada, name, findability)
    rows = await gateway.pool.fetch("select body from outbox order by id")
    events = [VisibilityChanged.from_message(Message.decode(row["body"])) for row in rows]
    assert [(event.before, event.flow.findability) for event in events] == [
        ("published", "private"),
        ("private", "published"),
    ]
    assert events[0].change < events[1].change
    log = (await gateway.get("/auth/audit/ada", headers={"Auth-Token": ada.token})).json()["entries"]
    assert [each["details"] for each in log if each["subject"] == name] == [
        {"before": "private", "findability": "published"},
        {"before": "published", "findability": "private"},
    ]


async def test_what_is_on_its_way_is_switched_too(gateway: Gateway, ada: Publisher) -> None:
    """Its event would otherwise say that everybody may see it."""
    pushed = f"moving-{next(NUMBERS)}"
    flow = (await ada.push(pushed, "published"))["flow_id"]
    for findability in ("private", "unlisted"):
        await switch(ada, pushed, findability)
        assert await gateway.pool.fetchval("select findability from flow where id = $1", flow) == findability


async def push(who: Publisher, owner: str, name: str, findability: str, more: str) -> str:
    url = await who.upload(CSV + more.encode(), owner=owner)
    answer = (await who.post_spec(spec_of(owner, name, {"data.csv": url}, findability=findability))).json()
    assert answer["success"], answer
    effect: str = answer["findability"]
    return effect


async def test_a_push_shows_no_more_than_the_switch(gateway: Gateway, ada: Publisher) -> None:
    name = f"pushed-{next(NUMBERS)}"
    assert await push(ada, ada.id, name, "private", "1,1\n") == "private"
    assert await push(ada, ada.id, name, "published", "2,1\n") == "published", "nobody has switched it"
    await switch(ada, name, "unlisted")
    assert await push(ada, ada.id, name, "published", "3,1\n") == "unlisted"
    assert await push(ada, ada.id, name, "private", "4,1\n") == "private"
    assert await push(ada, ada.id, name, "published", "5,1\n") == "private"
    shown = await gateway.pool.fetchval("select findability from dataset where id = $1", f"{ada.id}/{name}")
    assert shown == "private"


async def test_a_publisher_publishes_and_does_not_say_who_sees_it(
    gateway: Gateway, ada: Publisher, bob: Publisher
) -> None:
    guild = await organisation(gateway.pool, f"guild-{next(NUMBERS)}")
    await join(gateway.pool, guild, ada.id, "maintainer")
    await join(gateway.pool, guild, bob.id, "publisher")
    assert await push(ada, guild, "prices", "private", "1,1\n") == "private"
    assert await push(bob, guild, "prices", "published", "2,1\n") == "private"
    assert (await switch(bob, "prices", "published", guild)).status == 403
    assert (await switch(ada, "prices", "published", guild)).status == 200
    assert await push(bob, guild, "prices", "private", "3,1\n") == "published"


@pytest.mark.parametrize("wrong", ["public", "", None, 1, ["private"]])
async def test_what_cannot_be_said_changes_nothing(gateway: Gateway, ada: Publisher, name: str, wrong: Any) -> None:
    answer = await switch(ada, name, wrong)
    assert (answer.status, answer.json()["errors"][0]["pointer"]) == (422, "#/findability")
    assert await seen(gateway, name) == {200, 302}


async def test_strangers_switch_nothing(gateway: Gateway, ada: Publisher, bob: Publisher, name: str) -> None:
    assert (await switch(bob, name, "private")).status == 403
    await switch(ada, name, "private")
    assert (await switch(bob, name, "published")).status == 404
    assert (await switch(bob, "no-such", "published")).status == 404


async def test_switches_at_the_same_time_leave_one_state(gateway: Gateway, ada: Publisher, name: str) -> None:
    wanted = ["private", "unlisted", "published"] * 4
    answers = await asyncio.gather(*(switch(ada, name, each) for each in wanted))
    assert {answer.status for answer in answers} == {200}
    dataset_id = f"{ada.id}/{name}"
    state = await gateway.pool.fetchval("select findability from dataset where id = $1", dataset_id)
    past = await gateway.pool.fetch("select findability from visibility where dataset_id = $1 order by id", dataset_id)
    told = [row["findability"] for row in past]
    assert told[-1] == state
    assert all(before != after for before, after in itertools.pairwise(told))


async def send(who: Publisher, path: str, origin: str | None = None, **fields: str) -> Answer:
    headers = {"Origin": origin or who.gateway.url, "Cookie": f"dh_session={who.token}"}
    return await who.gateway.post(path, data=fields, headers=headers)


async def test_the_same_by_the_form_on_its_page(gateway: Gateway, ada: Publisher, bob: Publisher, name: str) -> None:
    for who, told in ((ada, True), (bob, False)):
        page = await gateway.get(f"/ada/{name}", headers={"Cookie": f"dh_session={who.token}"})
        assert (b"Who sees it" in page.body) is told
    elsewhere = await send(ada, f"/ada/{name}/visibility", "https://evil.example", findability="private")
    assert elsewhere.status == 403
    answer = await send(ada, f"/ada/{name}/visibility", findability="private")
    assert (answer.status, answer.headers["Location"]) == (303, f"/ada/{name}#sharing")
    assert await seen(gateway, name) == {404}


LINKS = "/sharing/ada/{}/links"


async def make(who: Publisher, name: str, **body: Any) -> Answer:
    return await who.gateway.post(LINKS.format(name), json=body, headers={"Auth-Token": who.token})


@pytest_asyncio.fixture
async def hidden(ada: Publisher, name: str) -> str:
    await switch(ada, name, "private")
    return name


def path_of(answer: Answer, gateway: Gateway) -> str:
    url: str = answer.json()["url"]
    assert url.startswith(f"{gateway.url}/ada/")
    return url.removeprefix(gateway.url)


async def test_who_has_a_link_reads_the_page_and_the_files(gateway: Gateway, ada: Publisher, hidden: str) -> None:
    address = path_of(await make(ada, hidden, note="for the reviewer"), gateway)
    secret = address.partition("preview=")[2]
    first = await gateway.get(address)
    cookie = first.headers["Set-Cookie"]
    assert (first.status, first.headers["Location"]) == (303, f"/ada/{hidden}")
    assert all(words in cookie for words in (f"Path=/ada/{hidden}", "HttpOnly", "SameSite=Lax", "Max-Age=60"))
    browser = {"Cookie": cookie.partition(";")[0]}
    page = await gateway.get(f"/ada/{hidden}", headers=browser)
    assert "You see it by a preview link" in page.body.decode()
    assert secret not in page.body.decode()
    for answer in (
        first,
        page,
        await gateway.get(f"/ada/{hidden}/r/prices.csv", headers=browser),
        await gateway.get(f"/ada/{hidden}/r/prices.csv?preview={secret}"),
        await gateway.get(f"/ada/{hidden}/r/{hidden}.zip?preview={secret}"),
        await gateway.get(f"/ada/{hidden}/datapackage.json?preview={secret}"),
    ):
        assert answer.status in (200, 302, 303)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer.headers["X-Robots-Tag"]
    descriptor = (await gateway.get(f"/ada/{hidden}/datapackage.json?preview={secret}")).json()
    file = descriptor["resources"][0]["path"].removeprefix(gateway.url)
    assert (await gateway.get(file)).status == 302
    used = (await gateway.get(f"/sharing/ada/{hidden}", headers={"Auth-Token": ada.token})).json()["links"]
    assert (used[0]["note"], used[0]["last_used"] is not None) == ("for the reviewer", True)


async def test_a_link_opens_one_dataset_for_reading_and_nothing_else(
    gateway: Gateway, ada: Publisher, hidden: str
) -> None:
    secret = path_of(await make(ada, hidden), gateway).partition("preview=")[2]
    seeds = Seeds(gateway.pool, gateway.parts.blobs)
    await seeds.revision(ada.id, f"{hidden}-x", findability="private")
    browser = {"Cookie": f"dh_preview={secret}"}
    for path in (
        *(f"/ada/{hidden}-x", f"/ada/{hidden}-x/r/prices.csv", f"/ada/{hidden}/v/1", f"/source/ada/{hidden}/1"),
        *(f"/source/ada/{hidden}/1/events", f"/ada/{hidden}/v/1/report/prices"),
    ):
        for answer in (await gateway.get(path, headers=browser), await gateway.get(f"{path}?preview={secret}")):
            assert answer.status == 404, path
    found_by = await gateway.get("/metastore/search", headers=browser)
    assert hidden not in found_by.body.decode()
    posted = await gateway.post(
        f"/ada/{hidden}/visibility", data={"findability": "published"}, headers={**browser, "Origin": gateway.url}
    )
    assert posted.status == 401


async def test_a_link_that_is_revoked_or_expired_or_made_up_is_no_link(
    gateway: Gateway, ada: Publisher, hidden: str
) -> None:
    made = await make(ada, hidden, days=1.0)  # to JSON it is a whole number
    address, token = path_of(made, gateway), {"Auth-Token": ada.token}
    assert (await gateway.get(address)).status == 303
    revoked = f"{LINKS.format(hidden)}/{made.json()['id']}"
    assert (await gateway.request("DELETE", revoked, headers=token)).status == 204
    assert (await gateway.request("DELETE", revoked, headers=token)).status == 404
    expired = path_of(await make(ada, hidden), gateway)
    await gateway.pool.execute("update preview_link set expires_at = now() - interval '1 second'")
    absent = await gateway.get(f"/ada/absent?preview={'x' * 47}")
    for path in (address, expired, f"/ada/{hidden}?preview=dhl_{'x' * 43}", f"/ada/{hidden}?preview=%00"):
        answer = await gateway.get(path)
        assert answer.status == 404
        assert answer.json()["detail"] == absent.json()["detail"]


async def test_no_secret_is_kept_or_told_again(gateway: Gateway, ada: Publisher, hidden: str) -> None:
    secret = path_of(await make(ada, hidden), gateway).partition("preview=")[2]
    token = {"Auth-Token": ada.token}
    told = [await gateway.get(path, headers=token) for path in (f"/sharing/ada/{hidden}", "/auth/audit/ada")]
    rows = await gateway.pool.fetch("select l::text as kept from preview_link l union all select a::text from audit a")
    assert secret not in json.dumps([row["kept"] for row in rows]) + "".join(str(answer.json()) for answer in told)
    assert "link-made" in str(told[1].json())


@pytest.mark.parametrize(
    "body",
    [{"days": 0}, {"days": 91}, {"days": 1.5}, {"days": "7"}, {"days": True}, {"note": "x" * 101}, {"note": "\n"}],
)
async def test_a_link_is_good_for_a_time_that_is_said(ada: Publisher, hidden: str, body: dict[str, Any]) -> None:
    assert (await make(ada, hidden, **body)).status == 422


async def test_links_are_made_shown_once_and_revoked_by_forms(gateway: Gateway, ada: Publisher, hidden: str) -> None:
    made = await send(ada, f"/ada/{hidden}/links", days="3", note="<b>Eve</b>")
    page = made.body.decode()
    assert "it is not shown again" in page
    secret = page.partition("preview=")[2][:47]
    assert (await gateway.get(f"/ada/{hidden}/r/prices.csv?preview={secret}")).status == 302
    shown = (await gateway.get(f"/ada/{hidden}", headers={"Cookie": f"dh_session={ada.token}"})).body.decode()
    assert "&lt;b&gt;Eve" in shown
    assert secret not in shown
    link = await gateway.pool.fetchval("select id from preview_link where dataset_id = $1", f"{ada.id}/{hidden}")
    assert (await send(ada, f"/ada/{hidden}/links/revoke", link=link)).status == 303
    assert (await gateway.get(f"/ada/{hidden}/r/prices.csv?preview={secret}")).status == 404
    assert (await send(ada, f"/ada/{hidden}/links", days="x")).status == 422
