"""Webhooks in a real browser: made, its secret shown once, what was sent seen and sent again, removed."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Complaints
from tests.browser.test_tokens import look
from tests.gateway.conftest import PASSWORD, Gateway, Publisher
from tests.gateway.seeds import join, organisation

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PARKED = """
    insert into webhook_delivery (id, webhook_id, event_id, kind, flow_id, body, state, attempts, status, error,
                                  ended_at)
    select 'd' || n, w.id, 'e' || n, 'event.package.published', 'id/prices/' || n, '{}', 'parked', 10, 500,
           'The receiver answered 500.', now() from webhook w, generate_series(1, 2) n
"""


async def test_a_webhook_is_made_seen_sent_again_and_removed(
    page: Page, gateway: Gateway, ada: Publisher, complaints: Complaints
) -> None:
    await join(gateway.pool, await organisation(gateway.pool, "guild"), ada.id, "maintainer")
    await join(gateway.pool, await organisation(gateway.pool, "others"), ada.id, "publisher")
    await page.goto(f"{gateway.url}/settings/webhooks")
    await page.get_by_label("User name").fill("ada")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Of", exact=True).locator("option")).to_have_text(["ada", "guild"])

    await page.get_by_label("Address").fill("https://10.0.0.1/<b>")
    await page.get_by_role("button", name="Make the webhook").click()
    await expect(page.get_by_role("alert")).to_contain_text("plain characters")
    await page.get_by_label("Address").fill("https://10.0.0.1/hook")
    await page.get_by_role("button", name="Make the webhook").click()
    await expect(page.get_by_role("alert")).to_contain_text("10.0.0.1 leads to no public address")
    await expect(page.get_by_label("Address")).to_have_value("https://10.0.0.1/hook")
    assert all("422" in text for text in complaints.heard)
    complaints.heard.clear()
    await look(page, "webhook-refused")

    await page.get_by_label("Address").fill("https://1.1.1.1/hook")
    await page.get_by_label("Of", exact=True).select_option("guild")
    await page.get_by_role("button", name="Make the webhook").click()
    secret = await page.locator("#secret").inner_text()
    assert secret.startswith("whsec_")
    await look(page, "webhook-made")
    await page.get_by_role("button", name="New secret: https://1.1.1.1/hook").click()
    await expect(page.locator("#secret")).not_to_have_text(secret)

    await gateway.pool.execute(PARKED)
    await page.goto(f"{gateway.url}/settings/webhooks")
    assert "whsec_" not in await page.content()
    await expect(page.get_by_role("row", name="https://1.1.1.1/hook")).to_contain_text("2 parked")
    await page.get_by_role("link", name="https://1.1.1.1/hook").click()
    rows = page.get_by_role("row", name="event.package.published")
    await expect(rows.first).to_contain_text("The receiver answered 500.")
    await look(page, "webhook-parked")
    await page.get_by_role("button", name="Send again: event.package.published").first.click()
    await expect(page.get_by_text("waiting, next")).to_have_count(1)
    await page.get_by_role("button", name="Send a test event").click()
    await expect(page.get_by_role("row", name="event.webhook.pinged")).to_contain_text("waiting")
    await gateway.pool.execute("update webhook set disabled_at = now()")
    await page.reload()
    await look(page, "webhook-disabled")
    await page.get_by_role("button", name="Enable it again").click()
    await expect(page.get_by_role("button", name="Send a test event")).to_be_visible()

    await page.get_by_role("link", name="All webhooks").click()
    await page.get_by_role("button", name="Remove: https://1.1.1.1/hook").click()
    await expect(page.get_by_text("You have none.")).to_be_visible()
    assert await gateway.pool.fetchval("select count(*) from webhook_delivery") == 0
    assert complaints.heard == []


async def test_forms_of_another_site_change_nothing(gateway: Gateway, ada: Publisher) -> None:
    for path in ("", "/act"):
        answer = await gateway.post(
            f"/settings/webhooks{path}",
            data={"owner": "ada", "url": "https://1.1.1.1/", "webhook": "x", "act": "remove"},
            headers={"Origin": "https://evil.example", "Cookie": f"dh_session={ada.token}"},
        )
        assert answer.status == 403
    assert await gateway.pool.fetchval("select count(*) from webhook") == 0
