"""Organisations and sharing in a browser: members, who sees a dataset, a preview link for a guest."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Complaints
from tests.gateway.conftest import PASSWORD, Gateway, Publisher
from tests.gateway.seeds import Seeds

SHOTS = os.environ.get("SHOTS")
"""A folder for pictures of the pages, for people to look at."""


async def shoot(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


async def log_in(page: Page, url: str, username: str) -> None:
    await page.goto(f"{url}/auth/login?next=/dashboard")
    await page.get_by_label("User name").fill(username)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in", exact=True).click()
    await expect(page.get_by_role("heading", name="Your datasets")).to_be_visible()


async def test_an_organisation_is_made_and_its_members_are_managed(
    page: Page, gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    await gateway.publisher("bob")
    await log_in(page, gateway.url, "ada")
    await page.get_by_text("New organisation").click()
    await page.get_by_label("Name in addresses").fill("guild")
    await page.get_by_label("Full name").fill("Guild of Towns")
    await shoot(page, "dashboard")
    await page.get_by_role("button", name="Make it").click()
    await expect(page.get_by_role("heading", name="Guild of Towns")).to_be_visible()

    await page.get_by_label("User name").fill("bob")
    await page.get_by_label("Role", exact=True).select_option("publisher")
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.get_by_label("Role of bob", exact=True)).to_have_value("publisher")
    await page.get_by_label("Role of bob", exact=True).select_option("maintainer")
    await page.get_by_role("button", name="Change the role of bob").click()
    await expect(page.get_by_label("Role of bob", exact=True)).to_have_value("maintainer")
    guild = await gateway.pool.fetchval("select id from account where username = 'guild'")
    await seeds.revision(guild, "towns", findability="private", title="Towns of the guild")
    await page.reload()
    await expect(page.get_by_role("link", name="Towns of the guild")).to_be_visible()
    await shoot(page, "organisation")
    await page.set_viewport_size({"width": 390, "height": 800})
    await shoot(page, "organisation-narrow")
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    await page.set_viewport_size({"width": 1280, "height": 800})

    await page.get_by_role("button", name="Remove bob").click()
    await expect(page.get_by_label("Role of bob", exact=True)).to_have_count(0)
    await page.get_by_role("link", name="Audit log").click()
    await expect(page.get_by_role("row").filter(has_text="removed a member")).to_contain_text("bob")
    await shoot(page, "audit")


async def test_a_dataset_is_hidden_and_shown_to_a_guest_by_a_link(
    page: Page, browser: Browser, complaints: Complaints, gateway: Gateway, ada: Publisher, seeds: Seeds
) -> None:
    await seeds.revision(ada.id, "gold", title="Gold Prices")
    await gateway.pool.execute("insert into visibility (dataset_id, findability) select id, findability from dataset")
    await log_in(page, gateway.url, "ada")
    await page.goto(f"{gateway.url}/ada/gold")
    await page.get_by_label("Seen by").select_option("private")
    await page.get_by_role("button", name="Change", exact=True).click()
    await expect(page.get_by_text("This dataset is private now, and was public")).to_be_visible()
    await page.get_by_label("For whom").fill("Eve, reviewer")
    await shoot(page, "sharing")
    await page.get_by_role("button", name="Make a link").click()
    await shoot(page, "link")
    link = await page.locator("pre.secret").inner_text()
    await page.get_by_role("link", name="Back to the dataset").click()

    guests = await browser.new_context()
    guest = await guests.new_page()
    complaints.listen(guest)
    await guest.goto(link)
    assert guest.url == f"{gateway.url}/ada/gold"
    await expect(guest.get_by_text("You see it by a preview link")).to_be_visible()
    await shoot(guest, "preview")
    async with guest.expect_download() as download:
        await guest.get_by_role("link", name="Download of prices").click()
    assert (await download.value).suggested_filename == "prices.csv"

    await page.get_by_role("button", name="Revoke the link Eve, reviewer").click()
    await expect(page.get_by_text("Eve, reviewer")).to_have_count(0)
    answer = await guest.reload()
    assert answer is not None
    assert answer.status == 404
    complaints.heard.clear()  # Chromium says a 404 on the console
    await guests.close()
