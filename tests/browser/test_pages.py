"""The pages in a real browser: logging in, following, reading, by keyboard, on a phone, under attack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from gateway.events import LIVE
from messages.datapackage import FlowRef, Resource
from messages.stageevents import StageProgressed
from messages.turns import line_up
from tests.browser.conftest import Complaints
from tests.gateway.conftest import PASSWORD, Gateway, Publisher
from tests.gateway.seeds import Seeds, Table

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PAYLOADS = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(2)>",
    "</title></script><svg onload=alert(3)>",
    "<a href='javascript:alert(4)' autofocus onfocus=alert(4)>x</a>",
    "<iframe srcdoc='<script>alert(5)</script>'></iframe>",
    "<details open ontoggle=alert(6)>x</details><style>@import 'https://evil.example/x.css'</style>",
    "{{7*7}}${7*7}<math><mtext><img src=x onerror=alert(7)></math>",
)
BAD_ROW = {"rule": "type-error", "message": 'type is "number/default"', "row": 3, "field": "price", "cell": "two"}
CONTRAST = Path(__file__).with_name("contrast.js")


async def seed_all(seeds: Seeds, ownerid: str) -> list[str]:
    """A dataset in every state; the addresses of all kinds of pages."""
    await seeds.revision(ownerid, "gold", title="Gold prices", readme="# About\n\nA *text*.", keywords=["metal"])
    failed = Table(state="FAILED", stage="validate", reason="bad", rule="type-error", findings=[BAD_ROW])
    await seeds.revision(ownerid, "gold", state="FAILED", tables=[failed, Table(name="other")], title="Gold prices")
    moving = [Table(state="INPROGRESS", stage="encoding"), Table(name="second", state="QUEUED", stage="load")]
    await seeds.revision(ownerid, "tea", state="INPROGRESS", tables=moving)
    paths = ["/", "/search?q=gold", "/search?q=nothing", "/ada", "/ada/gold", "/ada/gold/v/1", "/ada/gold/v/2"]
    return [*paths, "/ada/gold/v/2/report/prices", "/ada/tea/v/1", "/dashboard", "/new"]


async def log_in(page: Page, gateway: Gateway) -> None:
    await page.goto(f"{gateway.url}/dashboard")
    await page.get_by_label("User name").fill("ada")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("main").get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", name="Your datasets")).to_be_visible()


async def test_publisher_logs_in_by_form_sees_their_datasets_and_logs_out(
    page: Page, gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    await seeds.revision(ada.id, "plans", findability="private", title="Secret plans")
    await log_in(page, gateway)
    await page.get_by_role("link", name="Secret plans").click()
    await expect(page.get_by_role("heading", level=1, name="Secret plans")).to_be_visible()
    await page.get_by_role("link", name="ada", exact=True).first.click()
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_role("link", name="Log in")).to_be_visible()


async def test_wrong_password_is_said_and_the_name_is_kept(
    page: Page, gateway: Gateway, ada: Publisher, complaints: Complaints
) -> None:
    await page.goto(f"{gateway.url}/auth/login")
    await page.get_by_label("User name").fill("ada")
    await page.get_by_label("Password").fill("not this one")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("do not fit together")
    await expect(page.get_by_label("User name")).to_have_value("ada")
    assert all("401" in text for text in complaints.heard)
    complaints.heard.clear()


async def test_run_is_followed_live_until_it_is_published_and_found(
    page: Page, gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    await seeds.revision(ada.id, "gold", state="QUEUED", tables=[Table(state="QUEUED", stage="load")])
    flow = f"{ada.id}/gold/1"

    async def change(statement: str) -> None:
        async with gateway.pool.acquire() as connection, connection.transaction():
            await connection.execute(statement, flow)
            await connection.execute("select pg_notify('flow', $1)", flow)

    await page.goto(f"{gateway.url}/ada/gold/v/1")
    await expect(page.get_by_role("heading", name="Waiting for a free worker")).to_be_visible()
    await expect(page.get_by_role("link", name="Refresh")).to_be_hidden()
    await change("update flow set state = 'INPROGRESS' where id = $1")
    await change("update flow_resource set state = 'INPROGRESS', stage = 'validate' where flow_id = $1")
    await expect(page.get_by_role("heading", name="Being processed")).to_be_visible()
    await expect(page.locator("[aria-current=step]")).to_have_text("Validate working")
    await expect(page.get_by_role("status")).to_have_text("Being processed")
    await change("update flow_resource set state = 'SUCCEEDED', stage = 'dump', rows = 1234 where flow_id = $1")
    await expect(page.get_by_text("1,234 rows")).to_be_visible()
    await change(
        "with seen as (update dataset set published_revision = 1) "
        "update flow set state = 'SUCCEEDED', finished_at = now(), package = descriptor where id = $1"
    )
    await expect(page.get_by_role("heading", name="Published, being made findable")).to_be_visible()
    package = {"title": "Gold", "datahub": {"owner": "ada", "findability": "published"}}
    await seeds.index(ada.id, "gold", 1, package, 2, 39)
    await change("select $1::text")
    await expect(page.get_by_role("heading", name="Published", exact=True)).to_be_visible()
    await page.get_by_role("link", name="Open the dataset").click()
    await expect(page).to_have_url(f"{gateway.url}/ada/gold")


async def test_progress_and_place_in_line_are_seen_and_a_gateway_that_restarts_is_waited_for(
    page: Page, gateway: Gateway, ada: Publisher, seeds: Seeds, complaints: Complaints
) -> None:
    tables = [Table(state="QUEUED", stage="load"), Table(name="second", state="QUEUED", stage="load")]
    await seeds.revision(ada.id, "gold", state="QUEUED", tables=tables)
    flow = FlowRef(ownerid=ada.id, owner="ada", dataset="gold", revision=1, findability="published")
    second = Resource.from_dict(await gateway.pool.fetchval("select resource from flow_resource where index = 1"))
    async with gateway.pool.acquire() as connection, connection.transaction():
        await line_up(connection, flow, [second])
    await log_in(page, gateway)
    await page.goto(f"{gateway.url}/ada/gold/v/1")
    await expect(page.locator("#resource-1 .resource-words")).to_have_text("waits for its turn: 1st of 1 of this owner")

    def tell(done: int) -> None:
        told = StageProgressed(
            flow=flow, index=0, name="prices", stage="load", done=done, total=10**9, unit="bytes", rate=5 * 10**6
        )
        gateway.app[LIVE]._progressed(told.to_message())

    tell(4 * 10**8)
    bar = page.get_by_role("progressbar", name="Progress of prices")
    await expect(bar).to_have_js_property("value", 4 * 10**8)
    words = page.locator("#resource-0 .resource-words")
    await expect(words).to_have_text("400 MB of 1.0 GB, 5.0 MB/s, about 2 min left")
    await expect(page.locator("#resource-0 [aria-current=step]")).to_have_text("Load working")
    # Said to a screen reader: that it moves, and no number.
    await expect(page.get_by_role("status")).to_have_text("Being processed")

    # Without a script the page says the same.
    status = await (await page.request.get(page.url)).text()
    assert "400 MB of 1.0 GB, 5.0 MB/s, about 2 min left" in status
    assert 'max="1000000000" value="400000000"' in status

    gateway.app[LIVE].release()
    tell(5 * 10**8)
    await expect(words).to_have_text("500 MB of 1.0 GB, 5.0 MB/s, about 2 min left")
    await expect(page.locator("#resource-1 [data-stage=load] .stage-state")).to_have_text("waiting")
    await expect(page.get_by_text("The connection is lost")).to_be_hidden()
    complaints.heard.clear()  # a stream that is cut is an error on the console


async def test_run_that_fails_while_watched_shows_its_reasons(
    page: Page, gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    table = Table(state="INPROGRESS", stage="validate", reason="bad", rule="type-error", findings=[BAD_ROW])
    await seeds.revision(ada.id, "gold", state="INPROGRESS", tables=[table])
    await page.goto(f"{gateway.url}/ada/gold/v/1")
    await expect(page.get_by_role("heading", name="Being processed")).to_be_visible()
    async with gateway.pool.acquire() as connection, connection.transaction():
        await connection.execute("update flow_resource set state = 'FAILED'")
        await connection.execute("update flow set state = 'FAILED', reason = 'bad', finished_at = now()")
        await connection.execute("select pg_notify('flow', $1)", f"{ada.id}/gold/1")
    await expect(page.get_by_role("heading", name="Not published")).to_be_visible()
    await expect(page.get_by_role("cell", name="This is not a number.")).to_be_visible()
    await page.get_by_role("link", name="See the full report").click()
    await expect(page.get_by_role("heading", level=1, name="Report on prices")).to_be_visible()


async def test_no_page_complains_overflows_a_phone_or_writes_too_pale(
    browser: Browser, gateway: Gateway, ada: Publisher, seeds: Seeds, complaints: Complaints
) -> None:
    paths, contrast = await seed_all(seeds, ada.id), CONTRAST.read_text()
    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 360)):
        context = await browser.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
        )
        await context.add_cookies([{"name": "dh_session", "value": ada.token, "url": gateway.url}])
        for path in paths:
            page = await context.new_page()
            complaints.listen(page)
            await page.goto(gateway.url + path)
            wider = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wider <= 0, (path, width)
            assert await page.evaluate(contrast) == [], (path, scheme, width)
            await page.close()
        await context.close()


async def test_everything_is_reached_and_seen_by_keyboard(
    page: Page, gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    await seed_all(seeds, ada.id)
    await page.goto(f"{gateway.url}/ada/gold")
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("main")).to_be_focused()
    reached = []
    for _ in range(40):
        await page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if not await focused.count():
            break
        outline = await focused.evaluate("element => getComputedStyle(element).outlineStyle")
        assert outline != "none", await focused.inner_text()
        reached.append((await focused.inner_text()).strip() or await focused.get_attribute("aria-label") or "")
    for name in ("ada", "Download", "How this file was read", "Download all (ZIP)", "datapackage.json", "Revision 1"):
        assert name in reached, (name, reached)
    regions = await page.get_by_role("region", name="Rows of prices").or_(page.get_by_label("First rows")).count()
    assert regions, "a table that scrolls can be scrolled by keyboard"


async def test_search_finds_by_typing_and_enter(page: Page, gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    await seeds.revision(ada.id, "gold", title="Gold prices")
    await page.goto(gateway.url)
    await page.get_by_role("search").get_by_label("Search datasets").fill("gol")
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="Gold prices").click()
    await expect(page.get_by_role("cell", name="2018-01-01")).to_be_visible()
    async with page.expect_download() as started:
        await page.get_by_role("link", name="Download of prices").click()
    download = await started.value
    assert download.suggested_filename == "prices.csv"
    assert (await download.path()).read_bytes() == Table().csv


async def test_nothing_a_publisher_writes_runs(page: Page, gateway: Gateway, ada: Publisher, seeds: Seeds) -> None:
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    for number, payload in enumerate(PAYLOADS):
        name = f"evil-{number}"
        await seed_payload(seeds, ada.id, name, payload)
        for path in ("/", "/ada", f"/ada/{name}", f"/ada/{name}/v/2", f"/ada/{name}/v/2/report/prices"):
            await page.goto(gateway.url + path)
            for details in await page.locator("details").all():
                await details.evaluate("element => { element.open = true; }")
            theirs = "main :is(script, iframe, style, img, svg, math, form:not([role=search]), [onfocus], [srcdoc])"
            assert await page.locator(theirs).count() == 0, (path, payload)
    assert all(url.startswith(gateway.url) for url in requested)


async def seed_payload(seeds: Seeds, ownerid: str, name: str, payload: str) -> None:
    """A published and a failed revision with the payload wherever a publisher can write."""
    fields = [{"name": payload, "type": payload, "description": payload, "constraints": {"pattern": payload}}]
    table = Table(header=(payload,), rows=[(payload,)], fields=fields, descriptor={"title": payload})
    texts: dict[str, Any] = dict.fromkeys(("title", "description", "readme", "version", "homepage"), payload)
    await seeds.revision(ownerid, name, tables=[table], keywords=[payload], **texts)
    finding = {"rule": payload, "message": payload, "row": 1, "field": payload, "cell": payload}
    failed = Table(state="FAILED", stage="validate", reason=payload, rule=payload, findings=[finding])
    await seeds.revision(ownerid, name, state="FAILED", tables=[failed], reason=payload, **texts)


async def test_publisher_cancels_a_run_and_has_it_run_again(page: Page, gateway: Gateway, ada: Publisher) -> None:
    await ada.push("tea")
    await log_in(page, gateway)
    await page.goto(f"{gateway.url}/ada/tea/v/1")
    await page.get_by_role("button", name="Cancel this run").click()
    await expect(page.get_by_role("heading", name="Cancelled")).to_be_visible()
    await expect(page.get_by_text("It can run again from what was uploaded.")).to_be_visible()
    await expect(page.get_by_text("stopped", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Run again").click()
    await expect(page.get_by_role("heading", name="Waiting for a free worker")).to_be_visible()
    await expect(page.get_by_role("button", name="Cancel this run")).to_be_visible()
    assert await gateway.pool.fetchval("select run from flow") == 1
    assert page.url == f"{gateway.url}/ada/tea/v/1"
