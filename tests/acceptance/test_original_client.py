"""The original service's client, unmodified from npm, publishes to this one and finds what it published."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from tests import stack as stacks
from tests.conftest import missing

SESSION = Path(__file__).parent / "original_client"
PACKAGES = ("datahub-client@0.5.8", "data.js@0.11.5")
PROFILE = Path(__file__).parents[2] / "tabular" / "profiles" / "datapackage.json"

pytestmark = [pytest.mark.node, pytest.mark.timeout(240)]


@dataclass(frozen=True, slots=True)
class Client:
    """The client's installation, and whom it speaks for."""

    directory: Path
    api: str
    token: str
    hosts: dict[str, str]

    async def run(self, command: str, *words: str) -> dict[str, Any]:
        """What a command of session.js answers."""
        process = await asyncio.create_subprocess_exec(
            *("node", "-r", str(self.directory / "map-hosts.js"), str(self.directory / "session.js"), command, *words),
            env={
                **stacks.plain_environment(),
                "HOME": str(self.directory),
                "API": self.api,
                "TOKEN": self.token,
                "HOSTS": json.dumps(self.hosts),
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        stdout, stderr = await process.communicate()
        assert stdout, stderr.decode()
        answer: dict[str, Any] = json.loads(stdout.splitlines()[-1])
        return answer


@pytest_asyncio.fixture(scope="module")
async def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The original client, from npm."""
    if not (shutil.which("node") and shutil.which("npm")):
        missing("Node.js")
    directory = tmp_path_factory.mktemp("original-client")
    (directory / "package.json").write_text('{"private": true}')
    process = await asyncio.create_subprocess_exec(
        *("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *PACKAGES), cwd=directory
    )
    assert await process.wait() == 0
    for script in ("map-hosts.js", "session.js"):
        shutil.copy(SESSION / script, directory)
    return directory


@pytest_asyncio.fixture
async def registry() -> AsyncIterator[str]:
    """The registry of profiles that the client fetches before every push, on loopback."""

    async def listing(request: web.Request) -> web.Response:
        url = "https://frictionlessdata.io/schemas/data-package.json"
        return web.json_response([{"id": "data-package", "title": "Data Package", "schema": url}])

    async def profile(request: web.Request) -> web.Response:
        return web.json_response(json.loads(PROFILE.read_text()))

    app = web.Application()
    app.add_routes([web.get("/schemas/registry.json", listing), web.get("/schemas/data-package.json", profile)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
def stack(embedded_stack: stacks.Stack) -> stacks.Stack:
    return embedded_stack


@pytest_asyncio.fixture
async def client(installation: Path, registry: str, stack: stacks.Stack, username: str) -> Client:
    await stack.add_user(username)
    async with aiohttp.ClientSession() as session:
        login = {"username": username, "password": stacks.PASSWORD}
        async with session.post(f"{stack.url}/auth/login", json=login) as answer:
            token = (await answer.json())["token"]
    hosts = {
        "frictionlessdata.io": registry,
        "api.datahub.io": stack.url,
        "pkgstore.datahub.io": stack.url,
        "datahub.io": stack.url,
    }
    return Client(installation, stack.url, token, hosts)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    directory = tmp_path / "tiny-package"
    (directory / "data").mkdir(parents=True)
    (directory / "data" / "prices.csv").write_text("date,price\n2018-01-01,1.5\n2018-01-02,2\n")
    (directory / "notes.txt").write_text("Prices are made up\n")
    (directory / "README.md").write_text("# Tiny package\n\nReadme body of a few words.\n")
    fields = [{"name": "date", "type": "date"}, {"name": "price", "type": "number"}]
    descriptor = {
        "name": "tiny-package",
        "title": "Tiny package",
        "licenses": [{"name": "ODC-PDDL-1.0", "path": "http://opendatacommons.org/licenses/pddl/"}],
        "resources": [
            {"name": "prices", "path": "data/prices.csv", "schema": {"fields": fields}},
            {"name": "notes", "path": "notes.txt"},
        ],
    }
    (directory / "datapackage.json").write_text(json.dumps(descriptor))
    return directory


async def published(stack: stacks.Stack, flow_id: str) -> dict[str, Any]:
    """The status of a flow when it has ended and is indexed, as the original page polled it."""
    async with asyncio.timeout(60), aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{stack.url}/source/{flow_id}") as answer:
                status: dict[str, Any] = await answer.json()
            if status["state"] == "FAILED" or status.get("indexed"):
                return status
            await asyncio.sleep(0.1)


async def test_original_client_publishes_finds_and_gets_a_package(
    client: Client, stack: stacks.Stack, package: Path, username: str
) -> None:
    profile = (await client.run("login"))["profile"]
    assert profile["username"] == username

    first = await client.run("push", str(package), "published")
    assert first["success"] is True, first
    assert first["flow_id"] == f"{profile['id']}/tiny-package/1"
    assert sorted(first["uploaded"]) == ["data/prices.csv", "datapackage.json", "notes.txt"]
    status = await published(stack, first["flow_id"])
    assert status["state"] == "SUCCEEDED", status

    same = await client.run("push", str(package), "published")
    assert (same["success"], same["flow_id"]) == (True, first["flow_id"]), "an unchanged package is no new revision"
    (package / "README.md").write_text("# Tiny package\n\nAnother body.\n")
    second = await client.run("push", str(package), "published")
    assert second["flow_id"] == f"{profile['id']}/tiny-package/2"
    assert second["uploaded"] == ["datapackage.json"], "files that are already there are not uploaded again"
    assert (await published(stack, second["flow_id"]))["state"] == "SUCCEEDED"

    info = await client.run("info", f"https://datahub.io/{username}/tiny-package")
    assert info["version"] == 2
    assert "# Tiny package" in info["text"]
    assert "prices" in info["text"]

    files = await client.run("get", f"https://datahub.io/{username}/tiny-package")
    assert files["prices"].splitlines() == ["date,price", "2018-01-01,1.5", "2018-01-02,2"]
    assert files["notes"] == "Prices are made up\n"
    assert files["README.md"].startswith("# Tiny package")


async def test_original_client_shows_the_reason_when_a_push_is_refused(client: Client, package: Path) -> None:
    descriptor = json.loads((package / "datapackage.json").read_text())
    descriptor["resources"][1]["name"] = "PRICES"
    (package / "datapackage.json").write_text(json.dumps(descriptor))

    refused = await client.run("push", str(package), "published")

    assert "PRICES" in refused["error"]
