"""The whole system, watched in a real browser: a push with the real command, followed to its end."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests import stack as stacks
from tests.workbooks import book, saved

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

FIELDS = [{"name": "day", "type": "date"}, {"name": "town", "type": "string"}, {"name": "price", "type": "number"}]


@pytest.fixture
def stack(browser: Browser, embedded_stack: stacks.Stack) -> stacks.Stack:
    return embedded_stack


@pytest_asyncio.fixture
async def config(stack: stacks.Stack, username: str, tmp_path: Path) -> Path:
    """The login file of a publisher."""
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
