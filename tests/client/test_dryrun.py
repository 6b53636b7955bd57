"""`dh push --dry-run` says what a push would do; the push then does exactly that."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from messages.blobs import Blobs
from messages.settings import StoreSettings
from tests.client.publisher import CSV, Publisher, write_package
from tests.warm import Finished


@dataclass(frozen=True, slots=True)
class Seen:
    """What a dry run must not change and a push may: sizes of uploads by key, the last revision, anybody's page."""

    uploads: dict[str, int]
    revision: int | None
    page: int


@dataclass(frozen=True, slots=True)
class World:
    """A publisher, and what is really there."""

    publisher: Publisher
    store: StoreSettings

    async def seen(self, name: str) -> Seen:
        profile = (await self.publisher.answer("whoami"))["profile"]
        async with Blobs(self.store) as blobs:
            listed = [found async for found in blobs.objects(self.store.raw_bucket)]
        uploads = {found.key: found.size for found in listed if found.key.startswith(f"{profile['id']}/")}
        status = await self.publisher.dh("status", f"carol/{name}", "--json")
        revision = json.loads(status.stdout).get("revision")
        address = f"{self.publisher.stack.url}/carol/{name}"
        async with aiohttp.ClientSession() as session, session.get(address) as answer:
            return Seen(uploads, revision, answer.status)

    async def holds(self, name: str, package: Path, *words: str) -> tuple[dict[str, Any], Finished]:
        """Plans a push, then does it: the plan, and how the push ended. Fails where they differ."""
        before = await self.seen(name)
        planned = await self.publisher.dh("push", str(package), *words, "--dry-run", "--json")
        plan: dict[str, Any] = json.loads(planned.stdout)
        assert await self.seen(name) == before, "a dry run does nothing"
        done = await self.publisher.dh("push", str(package), *words, "--json")
        assert planned.code == done.code, (planned, done)
        after = await self.seen(name)
        sent = {key: size for key, size in after.uploads.items() if key not in before.uploads}
        to_send = {file["sha256"]: file["bytes"] for file in plan["files"] if plan["ok"] and not file["exists"]}
        assert {key.rpartition("/")[2].partition(".")[0]: size for key, size in sent.items()} == to_send
        assert sum(sent.values()) == plan["bytes_to_send"]
        if plan["ok"]:
            pushed = json.loads(done.stdout)
            for word in ("id", "owner", "dataset", "revision", "findability", "unchanged", "page", "run"):
                assert plan[word] == pushed[word], word
            assert after.revision == (before.revision if plan["unchanged"] else plan["revision"])
            assert after.page == (404 if plan["findability"] == "private" else 200)
        else:
            assert json.loads(done.stdout)["errors"] == plan["errors"]
            assert after.revision == before.revision
        return plan, done


@pytest.fixture
def world(publisher: Publisher, object_store: StoreSettings) -> World:
    return World(publisher, object_store)


async def test_the_push_does_what_the_plan_says(world: World, name: str, tmp_path: Path) -> None:
    package = write_package(tmp_path / "p", name, f"{CSV}4,{name},\n", {"notes.txt": f"of {name}"})
    told = await world.publisher.dh("push", str(package), "--dry-run", "--private")
    size = sum(path.stat().st_size for path in (package / "data" / "towns.csv", package / "notes.txt"))
    assert told.stdout.splitlines()[2:] == [
        f"would upload 2 files, {size} B",
        f"would publish carol/{name} as revision 1, for you alone to see:",
        f"  {world.publisher.stack.url}/carol/{name}",
        "nothing was done (--dry-run)",
    ]
    plan, _ = await world.holds(name, package, "--private")
    assert (plan["revision"], plan["unchanged"], [file["exists"] for file in plan["files"]]) == (1, False, [False] * 2)

    plan, _ = await world.holds(name, package, "--private")
    assert (plan["revision"], plan["unchanged"], plan["bytes_to_send"]) == (1, True, 0)
    told = await world.publisher.dh("push", str(package), "--dry-run", "--private")
    assert "unchanged: revision 1 is this very package, no new one would be made\n" in told.stdout

    (package / "notes.txt").write_text(f"changed in {name}")
    plan, _ = await world.holds(name, package)
    assert (plan["revision"], [file["exists"] for file in plan["files"]]) == (2, [True, False])
    plan, _ = await world.holds(name, package, "--again", "--unlisted")
    assert (plan["revision"], plan["bytes_to_send"]) == (3, 0)


async def test_what_would_be_refused_is_told_before_in_the_same_words(world: World, tmp_path: Path) -> None:
    package = write_package(tmp_path / "p", "Not A Name", f"{CSV}5,{tmp_path},\n")
    plan, _ = await world.holds("not-a-name", package, "--no-check")
    assert plan["errors"]
    told = await world.publisher.dh("push", str(package), "--no-check", "--dry-run")
    assert told.code == 1
    assert "the server would refuse the package, and nothing would be uploaded:\n  - " in told.stdout
