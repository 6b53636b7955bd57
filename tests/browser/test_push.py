"""The whole system, watched in a real browser: a push with the real command, followed to its end."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests import stack as stacks
from tests.browser.conftest import Complaints
from tests.client.screen import Screen
from tests.gateway.gate import Valve
from tests.workbooks import book, saved

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

MOVED = r"(?:\x1b\[[0-9;?]*[A-Za-z]| )"
"""Blanks, colours and movements on a terminal."""
FIELDS = [{"name": "day", "type": "date"}, {"name": "town", "type": "string"}, {"name": "price", "type": "number"}]


@pytest.fixture
def stack(browser: Browser, embedded_stack: stacks.Stack) -> stacks.Stack:
    return embedded_stack


@pytest_asyncio.fixture
async def config(stack: stacks.Stack, username: str, tmp_path: Path) -> Path:
    """The login file of a publisher."""
    return await log_in(stack, username, tmp_path)


async def log_in(stack: stacks.Stack, username: str, tmp_path: Path) -> Path:
    """The login file of a new publisher."""
    await stack.add_user(username)
    config = tmp_path / "config" / "config.json"
    words = ("login", "--username", username, "--password-stdin")
    done = await stack.dh(*words, config=config, stdin=stacks.PASSWORD)
    assert done.code == 0, done
    return config


def write_package(directory: Path, rows: str) -> Path:
    table = {"name": "prices", "path": "prices.csv", "schema": {"fields": FIELDS}}
    descriptor = {"name": "prices", "title": "Prices in towns", "resources": [table]}
    directory.mkdir()
    (directory / "prices.csv").write_text(f"day,town,price\n{rows}", encoding="utf-8")
    (directory / "README.md").write_text("# Prices\n\nCollected by hand.\n")
    (directory / "datapackage.json").write_text(json.dumps(descriptor))
    return directory


async def test_push_is_followed_in_the_browser_until_its_page_shows_the_rows(
    page: Page, stack: stacks.Stack, config: Path, username: str, tmp_path: Path
) -> None:
    package = write_package(tmp_path / "package", "2026-01-01,Łódź,1.5\n2026-01-02,Zürich,2\n")
    # Without workers the run waits, so that the browser sees it move from the start.
    await stack.kill("stages")
    pushed = await stack.dh("push", str(package), "--no-wait", config=config)
    assert pushed.code == 0, pushed
    await page.goto(f"{stack.url}/{username}/prices/v/1")
    await expect(page.get_by_role("heading", name="Waiting for a free worker")).to_be_visible()
    await stack.start("stages", "worker", "stages")
    await expect(page.get_by_role("heading", name="Published", exact=True)).to_be_visible(timeout=60_000)
    await expect(page.get_by_text("2 rows")).to_be_visible()
    await page.get_by_role("link", name="Open the dataset").click()
    await expect(page.get_by_role("heading", level=1, name="Prices in towns")).to_be_visible()
    await expect(page.get_by_role("cell", name="Łódź")).to_be_visible()
    await expect(page.get_by_text("Collected by hand.").last).to_be_visible()
    async with page.expect_download() as started:
        await page.get_by_role("link", name="Download of prices").click()
    assert (await (await started.value).path()).read_text(encoding="utf-8").endswith("Zürich,2\n")


@pytest.fixture(params=["embedded_stack", pytest.param("rabbit_stack", marks=pytest.mark.rabbitmq)])
def each_stack(request: pytest.FixtureRequest, browser: Browser) -> stacks.Stack:
    """The whole system on either transport."""
    stack: stacks.Stack = request.getfixturevalue(request.param)
    return stack


async def test_a_file_that_takes_long_is_followed_on_page_and_terminal_through_the_death_of_a_gateway(
    each_stack: stacks.Stack, page: Page, complaints: Complaints, username: str, tmp_path: Path
) -> None:
    """The stage `load` of a real worker is held halfway, by an object store that stops answering."""
    stack = each_stack
    config = await log_in(stack, username, tmp_path)
    package = write_package(tmp_path / "package", "2026-01-01,Łódź,1.5\n" * 400_000)
    valve = Valve(stack.environment["S3_ENDPOINT_URL"], 3_000_000)
    await valve.open()
    held = replace(stack, environment={**stack.environment, "S3_ENDPOINT_URL": valve.url}, processes={})
    await stack.kill("stages")
    try:
        await held.start("held", "worker", "stages")
        words = {"DH_CONFIG": str(config), "DH_SERVER": stack.url, "TERM": "xterm-256color", "COLUMNS": "80"}
        screen = Screen("push", str(package), "--no-check", **words)
        await appears(page, stack, username)
        line = page.locator("#resource-0 .resource-words")
        halfway = re.compile(r"^[1-9]\.[0-9] MB of 9\.2 MB")
        still = re.compile(r"MB of 9\.2 MB|begun$")  # the store's silence may have ended an attempt meanwhile
        await expect(line).to_have_text(halfway)
        await expect(page.locator("[aria-current=step]")).to_have_text("Load working")
        await expect(page.get_by_role("status")).to_have_text(re.compile("^$|^Being processed$"))
        await screen.until(rf"load{MOVED}+[1-9]\.[0-9] MB of 9\.2 MB")
        await stack.kill("gateway")
        await expect(page.get_by_text("The connection is lost")).to_be_visible()
        await stack.start("gateway", "gateway")
        await stack.ready()
        await expect(page.get_by_text("The connection is lost")).to_be_hidden()
        await expect(line).to_have_text(still)
        await valve.open()
        await expect(page.get_by_role("heading", name="Published", exact=True)).to_be_visible(timeout=60_000)
        code, shown = await screen.code(), screen.shown
    finally:
        await held.stop()
        await valve.shut()
        await stack.start("stages", "worker", "stages")
    assert code == 0, shown
    assert "done, 400,000 rows" in plain(shown)
    complaints.heard.clear()  # a gateway that is away is an error on the console


async def appears(page: Page, stack: stacks.Stack, username: str) -> None:
    """Goes to the run's page as soon as there is one."""
    async with asyncio.timeout(60):
        while True:
            answer = await page.request.get(f"{stack.url}/{username}/prices/v/1")
            if answer.status == 200:
                await page.goto(answer.url)
                return
            await asyncio.sleep(0.1)


def plain(shown: str) -> str:
    """What a terminal shows, without colours and movements."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)


async def test_failed_push_leads_to_a_report_that_names_row_column_and_cell(
    page: Page, stack: stacks.Stack, config: Path, username: str, tmp_path: Path
) -> None:
    package = write_package(tmp_path / "package", "2026-01-01,Łódź,1.5\n2026-01-02,Zürich,two\n2026-01-03\n")
    pushed = await stack.dh("push", str(package), "--no-check", config=config)
    assert pushed.code == 1, pushed
    await page.goto(f"{stack.url}/{username}/prices/v/1")
    await expect(page.get_by_role("heading", name="Not published")).to_be_visible()
    await page.get_by_role("link", name="See the full report").click()
    await expect(page.get_by_role("heading", name="Values of the wrong type")).to_be_visible()
    await expect(page.get_by_role("row", name="3 price two This is not a number.")).to_be_visible()
    await expect(page.get_by_role("heading", name="Rows with too few cells")).to_be_visible()
    await expect(page.get_by_text("3 problems found in 2 of 3 rows.")).to_be_visible()
    glance = page.locator("table.glance tbody", has_text="Values of the wrong type")
    await expect(glance).to_contain_text("row 3 two")
    async with page.expect_download() as started:
        await page.get_by_role("link", name="prices.errors.csv").click()
    assert (await (await started.value).path()).read_text().splitlines()[1].startswith("type-error,3,3,")


async def test_a_workbook_shows_its_sheet_and_is_downloaded_as_csv_and_as_it_was(
    page: Page, stack: stacks.Stack, config: Path, username: str, tmp_path: Path
) -> None:
    rows: list[list[Any]] = [["day", "town", "price"], [date(2026, 1, 1), "Łódź", 1.5], [date(2026, 1, 2), "Zürich", 2]]
    content = saved(book({"Prices": rows, "Notes": [["collected by hand"]]}))
    (tmp_path / "Prices in towns.xlsx").write_bytes(content)
    pushed = await stack.dh("push", str(tmp_path / "Prices in towns.xlsx"), "--name", "prices", config=config)
    assert pushed.code == 0, pushed
    await page.goto(f"{stack.url}/{username}/prices")
    await expect(page.get_by_text("The sheet “Prices” of a workbook. Not shown: “Notes”")).to_be_visible()
    await expect(page.get_by_role("row", name="2026-01-02 Zürich 2", exact=True)).to_be_visible()
    for label, end, expected in (
        ("Download", "prices-in-towns.csv", b"day,town,price\r\n2026-01-01,\xc5\x81\xc3\xb3d\xc5\xba,1.5\r\n"),
        ("Original", "Prices-in-towns.xlsx", content),
    ):
        async with page.expect_download() as started:
            await page.get_by_role("link", name=f"{label} of prices-in-towns").click()
        download = await started.value
        assert download.suggested_filename == end
        assert (await download.path()).read_bytes().startswith(expected)
    await page.get_by_text("How this file was read").click()
    await expect(page.get_by_text("Prices, cells A1:C3")).to_be_visible()
