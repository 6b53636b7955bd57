"""A real Chromium, driven by Playwright, against gateways on real servers."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Dialog, Page, async_playwright, expect

from messages.settings import StoreSettings
from tests.conftest import missing
from tests.gateway.conftest import Gateway, Publisher, serving, settings_for
from tests.gateway.seeds import Seeds

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first draws the same pages without a window's machinery, in two thirds of the time."""
SWITCHES = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)

PATIENCE = 30_000
"""Milliseconds until what does not appear counts as missing: a busy machine is no fault of a page."""


@dataclass
class Complaints:  # no slots: Playwright keeps its wrappers of bound methods on their object
    """What the browser said against a page: errors on the console (broken policy included), of scripts, dialogs."""

    heard: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        """Hears everything of this page from now on."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.heard.append(f"script: {error}"))
        page.on("dialog", self._dialog)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.heard.append(f"console: {message.text}")

    async def _dialog(self, dialog: Dialog) -> None:
        self.heard.append(f"dialog: {dialog.message}")
        await dialog.dismiss()


@pytest_asyncio.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        missing("Chromium")
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture
async def complaints() -> AsyncIterator[Complaints]:
    """Every test in a browser ends without one, unless it takes them away itself."""
    complaints = Complaints()
    yield complaints
    assert complaints.heard == []


@pytest_asyncio.fixture
async def page(browser: Browser, complaints: Complaints) -> AsyncIterator[Page]:
    """A page of a browser that nobody used before."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    complaints.listen(page)
    yield page
    await context.close()


@pytest_asyncio.fixture
async def gateway(browser: Browser, database_url: str, object_store: StoreSettings) -> AsyncIterator[Gateway]:
    """A gateway without workers. (It asks for the browser first: without one nothing else need start.)"""
    async with serving(settings_for(database_url, object_store)) as gateway:
        yield gateway


@pytest_asyncio.fixture
async def ada(gateway: Gateway) -> Publisher:
    return await gateway.publisher("ada")


@pytest_asyncio.fixture
async def seeds(gateway: Gateway) -> Seeds:
    return Seeds(gateway.pool, gateway.parts.blobs)
