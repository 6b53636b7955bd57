"""A dataset published from the browser: files are read there first, and nothing leaves before Publish is pressed."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests import stack as stacks
from tests.browser import line as lines
from tests.browser.conftest import Complaints
from tests.browser.line import Line

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PRICES = "day,town,price,year\n2026-01-01,Łódź,1.5,1999\n2026-01-02,Zürich,2,2000\n"
LARGE = 17 * 1024 * 1024
"""Bytes: three parts."""
DROP = """
(zone, files) => {
  const data = new DataTransfer();
  for (const [name, content] of Object.entries(files)) {
    data.items.add(new File([Uint8Array.from(atob(content), letter => letter.charCodeAt(0))], name));
  }
  zone.dispatchEvent(new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer: data}));
}
"""


@pytest.fixture
def stack(browser: Browser, embedded_stack: stacks.Stack) -> stacks.Stack:
    return embedded_stack


@pytest_asyncio.fixture
async def new(page: Page, stack: stacks.Stack, username: str) -> Page:
    """The page, reached as a new user does."""
    return await reach(page, stack, username)


@pytest_asyncio.fixture
async def line() -> AsyncIterator[Line]:
    """What the browser of `distant` reaches all servers by."""
    async with lines.line() as line:
        yield line


@pytest_asyncio.fixture
async def distant(
    browser: Browser, stack: stacks.Stack, username: str, complaints: Complaints, line: Line
) -> AsyncIterator[Page]:
    """The same page at the far end of a line."""
    context = await browser.new_context(proxy={"server": line.url})
    page = await context.new_page()
    complaints.listen(page)
    yield await reach(page, stack, username)
    await context.close()


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file of three parts."""
    path = tmp_path / "large.bin"
    path.write_bytes(bytes(LARGE))
    return path


async def reach(page: Page, stack: stacks.Stack, username: str) -> Page:
    await stack.add_user(username)
    await page.goto(f"{stack.url}/new")
    await page.get_by_label("User name").fill(username)
    await page.get_by_label("Password").fill(stacks.PASSWORD)
    await page.get_by_role("main").get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", level=1, name="New dataset")).to_be_visible()
    await expect(page.locator("#new[data-ready]")).to_be_visible()
    return page


async def drop(page: Page, files: Mapping[str, bytes]) -> None:
    encoded = {name: base64.b64encode(content).decode() for name, content in files.items()}
    await page.locator("#drop").evaluate(DROP, encoded)


async def published(stack: stacks.Stack, path: str) -> Any:
    async with aiohttp.ClientSession() as session, session.get(f"{stack.url}/{path}") as answer:
        assert answer.status == 200
        return await answer.json(content_type=None)


async def test_files_are_dropped_described_published_and_seen(new: Page, stack: stacks.Stack, username: str) -> None:
    await drop(new, {"Prices in towns.csv": PRICES.encode(), "README.md": b"# Prices\n\nCollected by hand.\n"})
    table = new.get_by_role("region", name="Columns of Prices in towns.csv")
    for column, kind in (("day", "date"), ("town", "string"), ("price", "number"), ("year", "year")):
        await expect(table.get_by_label(f"Type of {column}")).to_have_value(kind)
    await expect(new.get_by_text("Nothing wrong was found.")).to_be_visible()
    await expect(new.get_by_label("Title")).to_have_value("Prices in towns")
    await expect(new.get_by_text(f"{stack.url}/{username}/prices-in-towns")).to_be_visible()
    await new.get_by_label("Title").fill("Prices")
    await table.get_by_label("Description of price").fill("In euros")
    await table.get_by_label("Type of year").select_option("integer")
    await new.get_by_label("Licence").select_option("CC-BY-4.0")
    await new.get_by_label("Whoever has the address").check()
    await new.keyboard.press("Tab")
    await new.get_by_role("button", name="Publish").focus()
    await new.keyboard.press("Enter")
    await expect(new.get_by_role("heading", name="Published", exact=True)).to_be_visible(timeout=60_000)
    assert new.url == f"{stack.url}/{username}/prices/v/1"
    await new.get_by_role("link", name="Open the dataset").click()
    await expect(new.get_by_role("cell", name="Łódź")).to_be_visible()
    await expect(new.get_by_role("row", name="price number In euros")).to_be_visible()
    await expect(new.get_by_text("Collected by hand.").last).to_be_visible()
    package = await published(stack, f"{username}/prices/datapackage.json")
    assert package["licenses"][0]["name"] == "CC-BY-4.0"
    assert package["datahub"]["findability"] == "unlisted"
    [resource] = package["resources"]
    assert resource["schema"]["fields"][2:] == [
        {"name": "price", "type": "number", "description": "In euros"},
        {"name": "year", "type": "integer"},
    ]


async def drop_folder(page: Page, folder: Path) -> None:
    """Drops a folder of the disk, as the desktop does: with entries, not with files."""
    session = await page.context.new_cdp_session(page)
    box = await page.locator("#drop").bounding_box()
    assert box is not None
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + 8}
    data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        await session.send("Input.dispatchDragEvent", {"type": kind, **at, "data": data})


def folder_of(parent: Path, files: Mapping[str, str]) -> Path:
    for path, text in files.items():
        file = parent / "towns" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return parent / "towns"


async def test_a_folder_is_dropped_and_published_for_an_organisation(
    new: Page, stack: stacks.Stack, username: str, tmp_path: Path
) -> None:
    group = f"{username}-group"
    await new.goto(f"{stack.url}/dashboard")
    await new.get_by_text("New organisation").click()
    await new.get_by_label("Name in addresses").fill(group)
    await new.get_by_role("button", name="Make it").click()
    await expect(new.get_by_role("heading", level=1, name=group)).to_be_visible()
    await new.goto(f"{stack.url}/new")
    await expect(new.locator("#new[data-ready]")).to_be_visible()
    descriptor = {"name": "towns", "title": "Towns", "resources": [{"name": "prices", "path": "data/prices.csv"}]}
    files = {"datapackage.json": json.dumps(descriptor), "data/prices.csv": PRICES, "README.md": "# Of a folder\n"}
    await drop_folder(new, folder_of(tmp_path, files | {"prices.csv": "mine", ".git/config": "[core]"}))
    await expect(new.get_by_role("region", name="Columns of data/prices.csv")).to_be_visible()
    await expect(new.get_by_role("alert")).to_have_text("Not taken:prices.csv is in no resource of datapackage.json.")
    await expect(new.get_by_label("Files", exact=True).get_by_role("heading")).to_have_text(["data/prices.csv"])
    await new.get_by_label("Published by").select_option(group)
    await new.get_by_role("button", name="Publish").click()
    await expect(new.get_by_role("heading", name="Published", exact=True)).to_be_visible(timeout=60_000)
    assert new.url == f"{stack.url}/{group}/towns/v/1"
    package = await published(stack, f"{group}/towns/datapackage.json")
    assert [resource["name"] for resource in package["resources"]] == ["prices"]
    await new.goto(f"{stack.url}/{group}/towns")
    await expect(new.get_by_role("heading", name="Of a folder")).to_be_visible()


async def test_a_folder_without_a_descriptor_is_taken_whole(new: Page, tmp_path: Path) -> None:
    files = {"2025/prices.csv": PRICES, "2026/prices.csv": PRICES, "notes.txt": "ours", ".git/config": "[core]"}
    await new.get_by_label("Choose a folder").set_input_files(folder_of(tmp_path, files))
    taken = new.get_by_label("Files", exact=True).get_by_role("heading")
    await expect(taken).to_have_text(["2025/prices.csv", "2026/prices.csv", "notes.txt"])
    await expect(new.get_by_role("alert")).to_be_hidden()


async def test_a_broken_file_shows_what_is_wrong_before_anything_is_sent(new: Page, stack: stacks.Stack) -> None:
    left: list[str] = []
    new.on("request", lambda request: left.append(f"{request.method} {request.url}"))
    await drop(
        new, {"broken.csv": b"a,b,b,\n1,2\n2,3,4,5,6\n3,x,5,6\n", "latin.csv": "x,y\n1,Müller\n".encode("latin-1")}
    )
    found = new.get_by_role("region", name="Problems found in broken.csv")
    for row in (
        "Rows with too few cells Add the missing cells",
        "Rows with too many cells Put cells that have the delimiter",
        "Columns with the same name Give every column a name of its own. 1 b: Another column is called “b” already.",
        "Columns without a name Name every column",
    ):
        await expect(found.get_by_role("row", name=row)).to_be_visible()
    await expect(found.get_by_role("cell", name="The row has 2 cells, the header 4.")).to_be_visible()
    latin = new.get_by_role("region", name="Problems found in latin.csv")
    await expect(
        latin.get_by_role("row", name="2 The file is not UTF-8: byte 8 is no part of a text. Published all the same")
    ).to_be_visible()
    await new.get_by_label("Type of a", exact=True).select_option("date")
    await expect(found.get_by_role("cell", name="a: This is not a date: “1”.")).to_be_visible()
    await new.get_by_role("button", name="Publish").click()
    await expect(new.get_by_role("alert")).to_contain_text("Mend the problems in your files")
    assert [each for each in left if "/static/" not in each and not each.startswith("GET blob:")] == []


async def test_without_scripts_it_says_what_to_do(new: Page, browser: Browser, stack: stacks.Stack) -> None:
    context = await browser.new_context(java_script_enabled=False, storage_state=await new.context.storage_state())
    page = await context.new_page()
    await page.goto(f"{stack.url}/new")
    await expect(page.get_by_text("JavaScript, which is switched off")).to_be_visible()
    await expect(page.get_by_text("dh push my-data/")).to_be_visible()
    await expect(page.get_by_label("Choose files")).to_be_hidden()
    await context.close()


async def test_a_large_file_goes_in_parts_and_a_part_that_is_cut_goes_again(
    distant: Page, line: Line, large: Path, stack: stacks.Stack, username: str, complaints: Complaints
) -> None:
    line.is_cut = lambda _: len(line.parts) == 2
    await choose_and_publish(distant, large)
    await expect(distant.get_by_role("heading", name="Published", exact=True)).to_be_visible(timeout=150_000)
    numbers = [url.partition("partNumber=")[2].partition("&")[0] for url in line.parts]
    assert (len(numbers), sorted(set(numbers))) == (4, ["1", "2", "3"])
    [resource] = (await published(stack, f"{username}/large/datapackage.json"))["resources"]
    assert resource["bytes"] == LARGE
    forgive_cuts(complaints)


async def test_what_has_arrived_is_not_sent_again_when_the_browser_was_closed(
    distant: Page, line: Line, large: Path, stack: stacks.Stack, username: str, complaints: Complaints
) -> None:
    arrived: asyncio.Queue[str] = asyncio.Queue()
    distant.on("requestfinished", lambda request: arrived.put_nowait(request.url) if is_part(request.url) else None)
    line.is_cut = is_last
    await choose_and_publish(distant, large)
    async with asyncio.timeout(60):
        assert len({await arrived.get() for _ in range(2)}) == 2
    context = distant.context
    await distant.close()
    forgive_cuts(complaints)

    line.is_cut = lambda _: False
    line.parts.clear()
    another = await context.new_page()
    complaints.listen(another)
    await another.goto(f"{stack.url}/new")
    await choose_and_publish(another, large)
    await expect(another.get_by_role("heading", name="Published", exact=True)).to_be_visible(timeout=150_000)
    assert list(map(is_last, line.parts)) == [True]
    [resource] = (await published(stack, f"{username}/large/datapackage.json"))["resources"]
    assert resource["bytes"] == LARGE


def is_part(url: str) -> bool:
    return "partNumber=" in url


def is_last(url: str) -> bool:
    return "partNumber=3" in url


def forgive_cuts(complaints: Complaints) -> None:
    """What the browser says of a request that was cut is no complaint."""
    assert all("ERR_CONNECTION_RESET" in each for each in complaints.heard), complaints.heard
    complaints.heard.clear()


async def choose_and_publish(page: Page, file: Path) -> None:
    await page.get_by_label("Choose files").set_input_files(file)
    await expect(page.get_by_text("published as it is")).to_be_visible()
    await page.get_by_role("button", name="Publish").click()
