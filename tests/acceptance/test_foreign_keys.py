"""A package whose tables refer to each other, from disk to its page: every process real."""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp

from tests import stack as stacks
from tests.acceptance.test_publish import login

CITIES = "id,city\n1,Łódź\n2,Zürich\n"
PEOPLE = "name,home\nAda,1\nBob,\nEve,2\n"


def write_package(directory: Path, people: str) -> Path:
    key = {"fields": "home", "reference": {"resource": "cities", "fields": "id"}}
    integer = {"type": "integer"}
    descriptor = {
        "name": "people",
        "resources": [
            {
                "name": "people",
                "path": "people.csv",
                "schema": {"fields": [{"name": "name"}, {"name": "home", **integer}], "foreignKeys": [key]},
            },
            {
                "name": "cities",
                "path": "cities.csv",
                "schema": {"fields": [{"name": "id", **integer}, {"name": "city"}]},
            },
        ],
    }
    directory.mkdir()
    (directory / "people.csv").write_text(people, encoding="utf-8")
    (directory / "cities.csv").write_text(CITIES, encoding="utf-8")
    (directory / "datapackage.json").write_text(json.dumps(descriptor))
    return directory


async def test_a_key_that_is_nowhere_fails_the_push_and_the_same_check_finds_it_before(
    stack: stacks.Stack, username: str, tmp_path: Path
) -> None:
    config = tmp_path / "config" / "config.json"
    await login(stack, username, config)
    bad = str(write_package(tmp_path / "bad", PEOPLE + "Tom,7\n"))
    sentence = "No row of the resource “cities” has the value “7” in “id”, which “home” refers to."

    checked = await stack.dh("validate", bad, config=config)
    assert checked.code == 1, checked
    assert sentence in checked.stdout + checked.stderr
    assert "row 5" in checked.stdout + checked.stderr
    pushed = await stack.dh("push", bad, "--no-check", config=config)
    assert pushed.code == 1, pushed
    assert sentence in pushed.stdout + pushed.stderr

    good = await stack.dh("push", str(write_package(tmp_path / "good", PEOPLE)), config=config)
    assert good.code == 0, good
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{stack.url}/{username}/people") as answer:
            page = await answer.text()
        for revision in (1, 2):  # the package has no title: the run's page does without
            async with session.get(f"{stack.url}/{username}/people/v/{revision}") as answer:
                run = await answer.text()
            assert answer.status == 200, run
            assert (sentence in run) == (revision == 1)
    assert "home → cities: id, looked up for every row" in page
