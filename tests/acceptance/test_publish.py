"""From a package on disk to a published, searchable, viewable dataset: every process real, both transports."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path

import aiohttp

from tests import stack as stacks
from tests.publisher import Publisher, small_package

CSV = "id,name,amount\n1,Ærø,1.5\n2,Zürich,2\n3,Łódź,\n"


def write_package(directory: Path, csv: str = CSV) -> Path:
    fields = [
        {"name": "id", "type": "integer"},
        {"name": "name", "type": "string"},
        {"name": "amount", "type": "number"},
    ]
    descriptor = {
        "name": "towns",
        "title": "Towns of somewhere",
        "keywords": ["municipality"],
        "resources": [
            {"name": "towns", "path": "data/towns.csv", "schema": {"fields": fields}},
            {"name": "notes", "path": "notes.txt"},
        ],
    }
    (directory / "data").mkdir(parents=True)
    (directory / "data" / "towns.csv").write_text(csv, encoding="utf-8")
    (directory / "notes.txt").write_text("made up\n")
    (directory / "README.md").write_text("# Towns\n\nA readme about hedgehogs.\n")
    (directory / "datapackage.json").write_text(json.dumps(descriptor))
    return directory


async def login(stack: stacks.Stack, username: str, config: Path) -> None:
    await stack.add_user(username)
    done = await stack.dh("login", "--username", username, "--password-stdin", config=config, stdin=stacks.PASSWORD)
    assert done.code == 0, done


async def test_push_command_publishes_a_dataset_that_is_found_shown_and_fetched(
    stack: stacks.Stack, username: str, tmp_path: Path
) -> None:
    package, config = write_package(tmp_path / "package"), tmp_path / "config" / "config.json"
    await login(stack, username, config)

    pushed = await stack.dh("push", str(package), "--json", config=config)
    assert pushed.code == 0, pushed
    async with aiohttp.ClientSession() as session:
        async with session.get(
            f"{stack.url}/metastore/search", params={"q": '"hedgehogs"', "datahub.owner": f'"{username}"'}
        ) as answer:
            found = await answer.json()
        async with session.get(f"{stack.url}/{username}/towns") as answer:
            page = await answer.text()
        async with session.get(f"{stack.url}/{username}/towns/r/towns.csv") as answer:
            data = await answer.read()
        async with session.get(f"{stack.url}/{username}/towns/datapackage.json") as answer:
            published = await answer.json(content_type=None)

    assert [result["name"] for result in found["results"]] == ["towns"]
    assert "Towns of somewhere" in page
    assert "Łódź" in page
    assert data.decode() == CSV
    towns = next(resource for resource in published["resources"] if resource["name"] == "towns")
    assert towns["bytes"] == len(CSV.encode())
    assert towns["hash"] == f"sha256:{hashlib.sha256(CSV.encode()).hexdigest()}"
    assert towns["rowcount"] == 3

    fetched = await stack.dh("get", f"{username}/towns", "--output", str(tmp_path / "fetched"), config=config)
    assert fetched.code == 0, fetched
    assert [path.read_text() for path in (tmp_path / "fetched").rglob("towns.csv")] == [CSV]

    unchanged = await stack.dh("push", str(package), config=config)
    assert unchanged.code == 0, unchanged
    assert "unchanged: revision 1 is this very package" in unchanged.stdout
    again = await stack.dh("push", str(package), "--again", config=config)
    assert again.code == 0, again
    status = json.loads((await stack.dh("status", f"{username}/towns", "--json", config=config)).stdout)
    assert status["id"].endswith("/towns/2")


async def test_push_of_a_wrong_cell_fails_with_row_and_field_and_readers_keep_the_last_good_revision(
    stack: stacks.Stack, username: str, tmp_path: Path
) -> None:
    config = tmp_path / "config" / "config.json"
    await login(stack, username, config)
    good = await stack.dh("push", str(write_package(tmp_path / "good")), config=config)
    assert good.code == 0, good

    bad = write_package(tmp_path / "bad", CSV.replace("2,Zürich,2", "2,Zürich,two"))
    failed = await stack.dh("push", str(bad), "--no-check", config=config)

    assert failed.code == 1, failed
    told = failed.stdout + failed.stderr
    assert "amount" in told
    assert "two" in told
    assert "/v/2/report/towns" in told
    async with aiohttp.ClientSession() as session, session.get(f"{stack.url}/{username}/towns/r/towns.csv") as answer:
        assert (await answer.read()).decode() == CSV


async def test_private_dataset_is_there_for_its_owner_alone(stack: stacks.Stack, username: str, tmp_path: Path) -> None:
    config = tmp_path / "config" / "config.json"
    await login(stack, username, config)
    pushed = await stack.dh("push", str(write_package(tmp_path / "package")), "--private", config=config)
    assert pushed.code == 0, pushed

    paths = (
        f"/{username}/towns",
        f"/{username}/towns/datapackage.json",
        f"/{username}/towns/r/towns.csv",
        f"/{username}/towns/v/1",
    )
    absent = (
        f"/{username}/nothing",
        f"/{username}/nothing/datapackage.json",
        f"/{username}/nothing/r/towns.csv",
        f"/{username}/nothing/v/1",
    )
    async with aiohttp.ClientSession() as session:
        for path, nothing in zip(paths, absent, strict=True):
            async with session.get(stack.url + path) as answer, session.get(stack.url + nothing) as other:
                assert (answer.status, other.status) == (404, 404), path
        async with session.get(
            f"{stack.url}/metastore/search", params={"q": '"hedgehogs"', "datahub.owner": f'"{username}"'}
        ) as answer:
            assert (await answer.json())["summary"]["total"] == 0

    fetched = await stack.dh("get", f"{username}/towns", "--output", str(tmp_path / "fetched"), config=config)
    assert fetched.code == 0, fetched


async def test_concurrent_pushes_to_one_dataset_get_contiguous_revisions_and_the_highest_is_shown(
    publisher: Publisher,
) -> None:
    pushes = [publisher.push(*small_package("busy", number)) for number in range(30)]
    flows = await asyncio.gather(*pushes)
    ended = await asyncio.gather(*(publisher.ended(flow, indexed=True) for flow in flows))

    assert sorted(int(flow.rsplit("/", 1)[1]) for flow in flows) == list(range(1, 31))
    assert {status["state"] for status in ended} == {"SUCCEEDED"}
    latest = await publisher.status(f"{publisher.ownerid}/busy/successful")
    assert latest["id"].endswith("/busy/30")
