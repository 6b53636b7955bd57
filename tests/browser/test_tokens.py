"""API tokens in a real browser: made for one dataset, shown once, seen in use, revoked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from gateway.auth.tokensecret import is_secret
from tests.browser.conftest import Complaints
from tests.gateway.conftest import PASSWORD, Gateway, Publisher
from tests.gateway.seeds import Seeds, join, organisation

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def look(page: Page, name: str) -> None:
    """Keeps a picture where somebody wants to look (`PICTURES`)."""
    if folder := os.environ.get("PICTURES"):
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


async def test_a_token_is_made_shown_once_used_and_revoked(
    page: Page, gateway: Gateway, ada: Publisher, complaints: Complaints
) -> None:
    await join(gateway.pool, await organisation(gateway.pool, "guild"), ada.id, "reader")
    await page.goto(f"{gateway.url}/settings/tokens")
    await page.get_by_label("User name").fill("ada")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await look(page, "none")

    await page.get_by_label("Name", exact=True).fill("nightly <b>")
    await page.get_by_label("Of", exact=True).select_option("guild")
    await page.get_by_role("button", name="Make the token").click()
    await expect(page.get_by_role("alert")).to_contain_text("You may not publish there yourself")
    assert all("403" in text for text in complaints.heard)
    complaints.heard.clear()
    await look(page, "refused")

    await expect(page.get_by_label("Name", exact=True)).to_have_value("nightly <b>")
    await page.get_by_label("Of", exact=True).select_option("ada")
    await page.get_by_label("Only the dataset").fill("prices")
    await page.get_by_role("button", name="Make the token").click()
    await expect(page.get_by_role("heading", name="nightly <b> is made")).to_be_visible()
    secret = (await page.locator("#secret").inner_text()).strip()
    assert is_secret(secret)
    row = page.get_by_role("row", name="nightly <b> publish ada/prices")
    await expect(row).to_contain_text("never")
    await look(page, "made")

    shown = {"Auth-Token": secret}
    assert (await gateway.get("/auth/check", headers=shown)).json()["authenticated"]
    await page.goto(f"{gateway.url}/settings")
    await page.get_by_role("link", name="tokens of their own").click()
    await expect(row).to_contain_text("from 127.0.0.1")
    assert secret not in await page.content()
    await page.get_by_role("button", name="Revoke nightly <b>").click()
    await expect(row).to_contain_text("revoked")
    await expect(page.get_by_role("button", name="Revoke nightly <b>")).to_have_count(0)
    assert not (await gateway.get("/auth/check", headers=shown)).json()["authenticated"]
    await look(page, "revoked")


async def test_another_site_makes_no_token(page: Page, gateway: Gateway, ada: Publisher) -> None:
    headers = {"Cookie": f"dh_session={ada.token}", "Origin": "https://evil.example"}
    for address in ("/settings/tokens", "/settings/tokens/revoke"):
        answer = await gateway.post(address, data={"name": "x", "days": "1", "token": "x"}, headers=headers)
        assert answer.status == 403
    assert await gateway.pool.fetchval("select count(*) from api_token") == 0


async def test_a_dataset_trusts_a_repository_and_stops(
    page: Page, gateway: Gateway, ada: Publisher, seeds: Seeds, complaints: Complaints
) -> None:
    await seeds.revision(ada.id, "prices")
    await page.goto(f"{gateway.url}/auth/login?next=/ada/prices")
    await page.get_by_label("User name").fill("ada")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="CI jobs").click()
    await page.get_by_role("textbox", name="Repository").fill("data")
    await page.get_by_label("Only the branch").fill("main")
    await page.get_by_role("button", name="Trust it").click()
    await expect(page.get_by_role("alert")).to_contain_text("OWNER/REPOSITORY")
    assert all("422" in text for text in complaints.heard)
    complaints.heard.clear()
    await page.get_by_role("textbox", name="Repository").fill("acme/data")
    await page.get_by_role("button", name="Trust it").click()
    row = page.get_by_role("row", name="acme/data GitHub any refs/heads/main any never")
    await expect(row).to_be_visible()
    await look(page, "trust")
    await page.get_by_role("button", name="Remove acme/data").click()
    await expect(row).to_have_count(0)
    assert await gateway.pool.fetchval("select count(*) from trust") == 0
