"""Letting `dh` act for somebody, in a real browser: on this machine, and on one that only shows a code."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.async_api import Page, expect

from gateway.client.loopback import listening
from tests.gateway.conftest import PASSWORD, Gateway, Publisher

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def log_in(page: Page) -> None:
    await page.get_by_label("User name").fill("ada")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("main").get_by_role("button", name="Log in").click()


async def test_a_click_brings_a_code_to_the_program_that_waits(page: Page, gateway: Gateway, ada: Publisher) -> None:
    async with listening() as loopback:
        wish = {
            "response_type": "code",
            "client_id": "dh",
            "redirect_uri": loopback.address,
            "state": loopback.state,
            "code_challenge": "x" * 43,
            "code_challenge_method": "S256",
            "device": "Ada's laptop",
        }
        await page.goto(f"{gateway.url}/auth/oauth/authorize?{urlencode(wish)}")
        await log_in(page)
        await expect(page.get_by_text("Ada's laptop")).to_be_visible()
        await page.get_by_role("button", name="Log in as ada").click()
        await expect(page.get_by_role("heading", name="You are logged in")).to_be_visible()
        assert urlsplit(page.url).netloc == loopback.host
        assert len(await asyncio.wait_for(loopback.code(), 10)) == 43


async def test_a_code_is_typed_compared_and_agreed_to_by_keyboard(page: Page, gateway: Gateway, ada: Publisher) -> None:
    form = {"client_id": "dh", "device": "<b>server</b> in the cellar"}
    codes = (await gateway.post("/auth/oauth/device", data=form)).json()
    await page.goto(codes["verification_uri"])
    await log_in(page)
    await page.get_by_label("Code").fill(codes["user_code"].lower().replace("-", ""))
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("<b>server</b> in the cellar")).to_be_visible()
    await expect(page.get_by_text(codes["user_code"])).to_be_visible()
    await page.get_by_role("button", name="Log in as ada").press("Enter")
    await expect(page.get_by_role("heading", name="The machine is logged in")).to_be_visible()
