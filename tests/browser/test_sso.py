"""Log in by OpenID Connect and link an account, in a real browser, at certified providers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from gateway.auth.oidc.documents import ProviderDown
from gateway.auth.oidc.issuer import Issuer
from messages.settings import StoreSettings
from tests.browser.conftest import Complaints
from tests.gateway.conftest import PASSWORD, Gateway, serving, settings_for
from tests.oidc.certified import with_providers

pytestmark = [pytest.mark.browser, pytest.mark.node, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture
async def gateway(
    browser: Browser, issuers: Sequence[str], database_url: str, object_store: StoreSettings
) -> AsyncIterator[Gateway]:
    """A gateway with two providers."""
    async with serving(await with_providers(settings_for(database_url, object_store), issuers)) as gateway:
        yield gateway


async def sign_in_there(page: Page, login: str) -> None:
    """The provider's own page."""
    await page.get_by_label("Login").fill(login)
    await page.get_by_role("button", name="Sign in").click()


async def test_somebody_new_logs_in_with_a_provider_and_chooses_a_name(
    page: Page, gateway: Gateway, complaints: Complaints
) -> None:
    await gateway.parts.accounts.add("taken", PASSWORD)
    await page.goto(f"{gateway.url}/dashboard")
    await page.get_by_role("link", name="Log in with First").click()
    await sign_in_there(page, "grace@example.com")
    name = page.get_by_role("textbox", name="User name")
    await expect(name).to_have_value("grace")
    await name.fill("Taken")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("The name 'taken' is taken.")
    assert all("422" in text for text in complaints.heard)
    complaints.heard.clear()
    await name.fill("grace")
    await page.get_by_role("button", name="Make my account").click()
    await expect(page.get_by_role("heading", name="Your datasets")).to_be_visible()
    await page.get_by_role("button", name="Log out").click()
    await page.get_by_role("link", name="Log in").click()
    # The provider still knows this browser: one click, and no form.
    await page.get_by_role("link", name="Log in with First").click()
    await expect(page.get_by_role("link", name="grace")).to_be_visible()


async def test_an_account_is_linked_used_and_unlinked(page: Page, gateway: Gateway) -> None:
    await gateway.parts.accounts.add("linda", PASSWORD)
    await page.goto(f"{gateway.url}/settings")
    await page.get_by_label("User name").fill("linda")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("main").get_by_role("button", name="Log in").click()
    await page.get_by_role("link", name="Link Second").click()
    await sign_in_there(page, "linda@example.com")
    await expect(page.get_by_role("row", name="Second linda@example.com")).to_be_visible()
    await page.get_by_role("button", name="Log out").click()
    await page.goto(f"{gateway.url}/auth/login?next=/settings")
    await page.get_by_role("link", name="Log in with Second").click()
    await page.get_by_role("button", name="Unlink Second").click()
    await expect(page.get_by_role("link", name="Link Second")).to_be_visible()
    await expect(page.get_by_role("row", name="Second")).to_have_count(0)


async def test_a_provider_that_is_down_is_said_and_hinders_nobody(
    page: Page, gateway: Gateway, complaints: Complaints
) -> None:
    (first, _) = gateway.parts.providers
    nowhere = Issuer("http://127.0.0.1:9", first._documents)  # RFC 863: discard
    with pytest.raises(ProviderDown):
        await nowhere.metadata()
    first.issuer = nowhere
    await page.goto(f"{gateway.url}/auth/login")
    await expect(page.get_by_text("does not answer right now")).to_be_visible()
    await page.get_by_role("link", name="Log in with First").click()
    await expect(page.get_by_role("alert")).to_contain_text("First does not answer right now. Log in another way")
    await page.get_by_role("link", name="Log in with Second").click()
    await sign_in_there(page, "patient")
    await expect(page.get_by_role("heading", name="Choose a user name")).to_be_visible()
    assert all("503" in text for text in complaints.heard)
    complaints.heard.clear()
