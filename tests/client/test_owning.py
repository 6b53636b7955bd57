"""`dh org`, `visibility`, `link`, `quota`, `audit` and `push --owner` against a running system."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from tests.client.publisher import Publisher, write_package
from tests.client.screen import on_a_terminal


async def status_of(publisher: Publisher, path: str) -> int:
    """What anybody is answered."""
    async with aiohttp.ClientSession() as session, session.get(publisher.stack.url + path) as answer:
        return answer.status


async def test_an_organisation_is_made_and_published_for(publisher: Publisher, name: str, tmp_path: Path) -> None:
    guild, dave = f"guild-of-{name}", f"dave-of-{name}"
    await publisher.stack.add_user(dave)
    made = await publisher.dh("org", "create", guild, "--title", "The Guild")
    assert (made.code, made.stdout.splitlines()[0]) == (0, f"made {guild}: you are its owner")
    again = await publisher.dh("org", "create", guild)
    assert (again.code, f"The name '{guild}' is taken." in again.stderr) == (1, True), again
    added = await publisher.dh("org", "add", guild, dave, "--role", "reader")
    assert added.stdout == f"{dave} is reader of {guild}\n"
    members = await publisher.answer("org", "members", guild)
    assert {each["username"]: each["role"] for each in members["members"]} == {"carol": "owner", dave: "reader"}
    assert guild in [each["name"] for each in (await publisher.answer("org", "list"))["organisations"]]

    package = str(write_package(tmp_path / "p", name))
    pushed = await publisher.answer("push", package, "--owner", guild, "--private")
    assert (pushed["owner"], pushed["dataset"], pushed["state"]) == (guild, name, "SUCCEEDED")
    reader = Publisher(publisher.stack, tmp_path / "dave" / "config.json")
    await reader.log_in(dave)
    assert (await reader.dh("get", f"{guild}/{name}", "--output", str(tmp_path / "got"))).code == 0
    refused = await reader.dh("push", package, "--owner", guild)
    assert (refused.code, "does not let you upload for this owner" in refused.stderr) == (1, True), refused
    assert (await publisher.dh("push", package, "--owner", "nobody-there")).code == 1

    assert (await publisher.dh("org", "remove", guild, dave)).code == 0
    last = await publisher.dh("org", "remove", guild, "carol")
    assert (last.code, "the last owner" in last.stderr) == (1, True), last
    assert (await reader.dh("get", f"{guild}/{name}", "--output", str(tmp_path / "late"))).code == 1
    told = await publisher.dh("audit", guild)
    acts = [line.split()[2] for line in told.stdout.splitlines()]
    assert acts == ["organisation-made", "member-added", "pushed", "member-removed"]
    assert len((await publisher.answer("audit", guild, "--count", "2"))["entries"]) == 2
    usage = await publisher.answer("quota", guild)
    assert (usage["owner"], usage["used"] > 0, usage["limit"]) == (guild, True, 100_000_000_000)
    assert "of 100.0 GB used" in (await publisher.dh("quota", guild)).stdout


async def test_who_sees_a_dataset_is_switched_and_shown(publisher: Publisher, name: str, tmp_path: Path) -> None:
    package, dataset = write_package(tmp_path / "p", name), f"carol/{name}"
    assert (await publisher.dh("push", str(package))).code == 0
    assert await status_of(publisher, f"/{dataset}") == 200
    hidden = await publisher.dh("visibility", dataset, "private")
    assert f"{dataset} is private: only who may read what its owner has sees it" in hidden.stdout
    assert "everybody could find it from" in hidden.stdout
    assert await status_of(publisher, f"/{dataset}") == 404

    (package / "README.md").write_text("Other words.\n")
    again = await publisher.dh("push", str(package))
    assert (again.code, "it is private, as the dataset was before" in again.stderr) == (0, True), again
    assert await status_of(publisher, f"/{dataset}") == 404
    plan = await publisher.answer("push", str(package), "--dry-run", "--again")
    assert plan["findability"] == "private"
    assert (await publisher.answer("visibility", dataset, "published"))["findability"] == "published"
    assert await status_of(publisher, f"/{dataset}") == 200
    for wrong in (("visibility", "carol"), ("visibility", dataset, "public")):
        assert (await publisher.dh(*wrong)).code == 2
    missing = await publisher.dh("visibility", "carol/no-such-thing")
    assert (missing.code, "there is no carol/no-such-thing" in missing.stderr) == (1, True), missing


async def test_a_preview_link_is_made_on_a_terminal_and_revoked(
    publisher: Publisher, name: str, tmp_path: Path
) -> None:
    dataset = f"carol/{name}"
    assert (await publisher.dh("push", str(write_package(tmp_path / "p", name)), "--private")).code == 0
    made = await publisher.dh("link", "create", dataset, "--days", "2", "--note", "for Eve")
    assert (made.code, "it is not shown again" in made.stderr) == (0, True), made
    path = made.stdout.strip().removeprefix(publisher.stack.url)
    files = path.replace("?", "/r/towns.csv?")
    assert await status_of(publisher, files) == 200
    code, shown = await on_a_terminal(
        "link", "list", dataset, TERM="xterm", DH_SERVER=publisher.stack.url, DH_CONFIG=str(publisher.config)
    )
    assert (code, "for Eve" in shown, "last used" in shown) == (0, True, True), shown
    links = (await publisher.answer("link", "list", dataset))["links"]
    assert (await publisher.dh("link", "revoke", dataset, links[0]["id"])).code == 0
    assert await status_of(publisher, files) == 404
    assert (await publisher.dh("link", "revoke", dataset, links[0]["id"])).code == 1
    assert (await publisher.dh("link", "create", dataset, "--days", "91")).code == 1
