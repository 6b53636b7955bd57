"""Every command of the real `dh` against a running system: what it does, prints, and ends with."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
from pathlib import Path

import aiohttp

from tests.client.publisher import CSV, Publisher, write_package
from tests.warm import Finished, run_dh

BAD = CSV.replace("2,Zürich,2", "2,Zürich,two")


async def test_push_publishes_and_says_where(publisher: Publisher, name: str, tmp_path: Path) -> None:
    done = await publisher.dh("push", str(write_package(tmp_path / "p", name, files={"notes.txt": "made up"})))
    assert done.code == 0, done
    assert f"SUCCEEDED  carol/{name}, revision 1: 2 resources, 3 rows, " in done.stdout
    assert f"{publisher.stack.url}/carol/{name}" in done.stdout
    assert f"accepted as revision 1: {publisher.stack.url}/carol/{name}/v/1" in done.stderr
    for line in ("data/towns.csv: 50 B", "notes.txt: 7 B", "towns: done, 3 rows", "notes: done"):
        assert line in done.stderr
    assert "\x1b" not in done.stdout + done.stderr


async def test_push_returns_only_when_the_search_finds_it(publisher: Publisher, name: str, tmp_path: Path) -> None:
    package = write_package(tmp_path / "p", name)
    (package / "README.md").write_text(f"A word of its own: zyx{name.replace('-', '')}\n")
    assert (await publisher.answer("push", str(package)))["indexed"] is True
    question = {"q": f'"zyx{name.replace("-", "")}"'}
    search = f"{publisher.stack.url}/metastore/search"
    async with aiohttp.ClientSession() as session, session.get(search, params=question) as answer:
        assert [result["name"] for result in (await answer.json())["results"]] == [name]


async def test_second_push_uploads_only_what_is_new(publisher: Publisher, name: str, tmp_path: Path) -> None:
    package = write_package(tmp_path / "p", name, files={"notes.txt": "first"})
    assert (await publisher.dh("push", str(package))).code == 0
    (package / "notes.txt").write_text("second")
    again = await publisher.dh("push", str(package))
    assert again.code == 0, again
    assert "1 file already there" in again.stderr
    assert "data/towns.csv: 50 B" not in again.stderr
    assert "notes.txt: 6 B" in again.stderr
    assert "revision 2" in again.stdout


async def test_an_unchanged_package_makes_no_new_revision(publisher: Publisher, name: str, tmp_path: Path) -> None:
    package = str(write_package(tmp_path / "p", name))
    assert (await publisher.answer("push", package))["unchanged"] is False
    same = await publisher.dh("push", package)
    assert same.code == 0, same
    assert same.stdout.startswith("unchanged: revision 1 is this very package")
    assert f"SUCCEEDED  carol/{name}, revision 1" in same.stdout
    address = f"{publisher.stack.url}/carol/{name}/v"
    same = await publisher.dh("push", package, "--no-wait")
    assert (same.code, same.stdout) == (0, f"{address}/1\n")
    assert "unchanged: revision 1" in same.stderr
    again = await publisher.answer("push", package, "--no-wait", "--again")
    assert (again["unchanged"], again["run"]) == (False, f"{address}/2")
    unlisted = await publisher.answer("push", package, "--no-wait", "--unlisted")
    assert (unlisted["unchanged"], unlisted["run"]) == (False, f"{address}/3")


async def test_json_is_all_there_is_on_standard_output(publisher: Publisher, name: str, tmp_path: Path) -> None:
    done = await publisher.dh("push", str(write_package(tmp_path / "p", name)), "--json")
    document = json.loads(done.stdout)
    assert document["ok"] is True
    assert document["state"] == "SUCCEEDED"
    assert (document["owner"], document["dataset"]) == ("carol", name)
    assert document["run"] == f"{publisher.stack.url}/carol/{name}/v/1"
    progress = [json.loads(line) for line in done.stderr.splitlines()]
    assert {each["progress"] for each in progress} <= {"towns", "search"}
    assert progress[-1]["stage"] == "done"


async def test_push_says_what_is_in_doubt_before_anything_is_sent(publisher: Publisher, tmp_path: Path) -> None:
    table = tmp_path / "names.csv"
    table.write_bytes("id,name\n1,Melissa Donà\n".encode("cp850"))
    planned = await publisher.dh("push", str(table), "--dry-run")
    assert planned.code == 0, planned
    assert "names.csv: note: The encoding was guessed" in planned.stderr
    assert "in doubt" in planned.stderr


async def test_no_wait_prints_the_run_s_address_alone(publisher: Publisher, name: str, tmp_path: Path) -> None:
    done = await publisher.dh("push", str(write_package(tmp_path / "p", name)), "--no-wait")
    assert (done.code, done.stdout) == (0, f"{publisher.stack.url}/carol/{name}/v/1\n")


async def test_private_dataset_is_fetched_by_its_owner_alone(publisher: Publisher, name: str, tmp_path: Path) -> None:
    pushed = await publisher.answer("push", str(write_package(tmp_path / "p", name)), "--private")
    assert pushed["findability"] == "private"
    stranger = dataclasses.replace(publisher, config=tmp_path / "nobody" / "config.json")
    refused = await stranger.dh("get", f"carol/{name}", "--output", str(tmp_path / "stolen"))
    assert refused.code == 1
    assert "or it is private" in refused.stderr
    assert (await stranger.dh("status", f"carol/{name}")).code == 1
    assert not (tmp_path / "stolen").exists()
    assert (await publisher.dh("get", f"carol/{name}", "--output", str(tmp_path / "mine"))).code == 0


async def test_lone_table_is_pushed_with_the_schema_that_was_found(
    publisher: Publisher, name: str, tmp_path: Path
) -> None:
    table = tmp_path / "Some Towns.csv"
    table.write_text("id;name\n1;a\n2;b\n")
    pushed = await publisher.answer("push", str(table), "--name", name)
    assert pushed["dataset"] == name
    assert (await publisher.dh("get", f"carol/{name}", "--output", str(tmp_path / "got"))).code == 0
    [resource] = json.loads((tmp_path / "got" / "datapackage.json").read_text())["resources"]
    assert resource["name"] == "some-towns"
    assert [(field["name"], field["type"]) for field in resource["schema"]["fields"]] == [
        ("id", "integer"),
        ("name", "string"),
    ]


async def test_yaml_descriptor_is_pushed(publisher: Publisher, name: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n")
    text = f"name: {name}\ncreated: 2024-01-01\nresources: [{{name: a, path: a.csv}}]\n"
    (tmp_path / "datapackage.yaml").write_text(text)
    pushed = await publisher.answer("push", str(tmp_path))
    assert pushed["state"] == "SUCCEEDED"


async def test_wrong_data_is_not_sent(publisher: Publisher, name: str, tmp_path: Path) -> None:
    done = await publisher.dh("push", str(write_package(tmp_path / "p", name, csv=BAD)))
    assert done.code == 1
    assert "amount  This is not" in done.stdout
    assert "row 3, line 3, byte" in done.stdout
    assert 'cell "two"' in done.stdout
    assert "nothing was sent" in done.stdout
    assert (await publisher.dh("status", f"carol/{name}")).code == 1


async def test_wrong_data_sent_all_the_same_is_told_with_findings_and_report(
    publisher: Publisher, name: str, tmp_path: Path
) -> None:
    done = await publisher.dh("push", str(write_package(tmp_path / "p", name, csv=BAD)), "--no-check")
    assert done.code == 1, done
    assert f"FAILED  carol/{name}, revision 1" in done.stdout
    assert "towns failed at validate" in done.stdout
    assert "field amount" in done.stdout
    assert f"report: {publisher.stack.url}/carol/{name}/v/1/report/towns" in done.stdout
    status = await publisher.dh("status", f"carol/{name}")
    assert (status.code, status.stdout) == (1, done.stdout)


async def test_what_the_server_refuses_is_told(publisher: Publisher, tmp_path: Path) -> None:
    done = await publisher.dh("push", str(write_package(tmp_path / "p", "Not A Name")), "--no-check")
    assert done.code == 1
    assert "the server refused the package:" in done.stderr
    assert "Not A Name" in done.stderr or "name must have" in done.stderr


async def test_empty_file_is_told_by_both_sides(publisher: Publisher, name: str, tmp_path: Path) -> None:
    package = str(write_package(tmp_path / "p", name, files={"empty.txt": ""}))
    here = await publisher.dh("push", package)
    assert here.code == 1
    assert "INVALID  empty.txt: 1 error" in here.stdout
    there = await publisher.dh("push", package, "--no-check")
    assert there.code == 1
    assert "empty.txt" in there.stderr


async def test_status_takes_dataset_revision_and_flow_id(publisher: Publisher, name: str, tmp_path: Path) -> None:
    flow = (await publisher.answer("push", str(write_package(tmp_path / "p", name))))["id"]
    for named in (f"carol/{name}", f"carol/{name}/1", flow, f"Carol/{name}"):
        assert (await publisher.answer("status", named))["id"] == flow
    missing = await publisher.dh("status", f"carol/{name}/2")
    assert missing.code == 1
    assert f"there is no carol/{name}/2" in missing.stderr
    assert (await publisher.dh("status", "carol")).code == 2


async def test_fetched_package_can_be_pushed_again(publisher: Publisher, name: str, tmp_path: Path) -> None:
    package = write_package(tmp_path / "p", name, files={"notes.txt": "made up"})
    assert (await publisher.dh("push", str(package))).code == 0
    got = await publisher.dh("get", f"carol/{name}", "--output", str(tmp_path / "got"))
    assert got.code == 0, got
    assert "2 files, 57 B, every SHA-256 as published" in got.stdout
    assert sorted(path.relative_to(tmp_path / "got").as_posix() for path in (tmp_path / "got").rglob("*.*")) == [
        "README.md",
        "data/notes.txt",
        "data/towns.csv",
        "datapackage.json",
    ]
    assert (tmp_path / "got" / "data" / "towns.csv").read_text() == CSV
    assert (tmp_path / "got" / "README.md").read_text() == "# Towns\n"

    again = await publisher.dh("push", str(tmp_path / "got"))
    assert again.code == 0, again
    assert "2 files already there" in again.stderr
    first = await publisher.dh("get", f"carol/{name}", "--revision", "1", "--output", str(tmp_path / "first"))
    assert first.code == 0, first


async def test_get_touches_nothing_that_is_there(publisher: Publisher, name: str, tmp_path: Path) -> None:
    assert (await publisher.dh("push", str(write_package(tmp_path / "p", name)))).code == 0
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine.txt").write_text("mine")
    done = await publisher.dh("get", f"carol/{name}", "--output", str(taken))
    assert done.code == 1
    assert "no empty folder" in done.stderr
    absent = await publisher.dh("get", f"carol/{name}", "--revision", "9", "--output", str(tmp_path / "nine"))
    assert absent.code == 1
    assert "has not published revision 9" in absent.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "p", "taken"]


async def test_logout_makes_the_token_good_for_nothing(publisher: Publisher) -> None:
    await publisher.log_in("carol")
    assert (await publisher.answer("whoami"))["profile"]["username"] == "carol"
    token = publisher.token
    assert (await publisher.dh("logout")).code == 0
    anonymous = await publisher.dh("whoami")
    assert anonymous.code == 1
    assert "dh login" in anonymous.stderr
    kept = await run_with(publisher, {"DH_TOKEN": token}, "whoami")
    assert kept.code == 1
    assert "does not accept the log-in" in kept.stderr


async def test_token_of_the_environment_needs_no_file(publisher: Publisher, tmp_path: Path) -> None:
    machine = dataclasses.replace(publisher, config=tmp_path / "none" / "config.json")
    done = await run_with(machine, {"DH_TOKEN": publisher.token}, "whoami")
    assert (done.code, done.stdout) == (0, f"carol at {publisher.stack.url}\n")
    assert not machine.config.exists()


async def test_wrong_password_is_the_request_s_fault(publisher: Publisher) -> None:
    done = await publisher.dh("login", "--username", "carol", "--password-stdin", stdin="wrong")
    assert done.code == 1
    assert "do not fit together" in done.stderr
    assert (await publisher.dh("login", "--username", "carol")).code == 2


async def test_log_in_file_open_to_others_is_refused(publisher: Publisher) -> None:
    publisher.config.chmod(0o644)
    done = await publisher.dh("whoami")
    assert done.code == 1
    assert "chmod 600" in done.stderr


async def test_server_that_is_away_is_its_own_exit_code(publisher: Publisher) -> None:
    done = await run_with(publisher, {"DH_TOKEN": "t"}, "whoami", "--server", "http://127.0.0.1:9", "--json")
    assert done.code == 3
    assert "cannot be reached" in json.loads(done.stdout)["error"]
    assert "cannot be reached" in done.stderr


async def run_with(publisher: Publisher, more: dict[str, str], *words: str) -> Finished:
    """As `publisher.dh`, with more in the environment."""
    environ = {**os.environ, "DH_CONFIG": str(publisher.config), "DH_SERVER": publisher.stack.url, **more}
    return await run_dh(words, environ)


async def test_a_run_is_cancelled_and_run_again_without_uploading(
    publisher: Publisher, name: str, tmp_path: Path
) -> None:
    stages, run = publisher.stack.processes["stages"], f"carol/{name}"
    stages.send_signal(signal.SIGSTOP)  # the run waits for us
    try:
        assert (await publisher.dh("push", str(write_package(tmp_path / "p", name)), "--no-wait")).code == 0
        assert "has not ended" in (await publisher.answer("rerun", run, code=1))["error"]
        done = await publisher.dh("cancel", run)
        assert (done.code, done.stdout) == (0, f"cancelled  {run}, revision 1; `dh rerun` runs it again\n")
        status = await publisher.answer("status", f"{run}/1", code=1)
        assert (status["state"], status["cancelled"]) == ("FAILED", True)
        assert "was cancelled already" in (await publisher.answer("cancel", run, code=1))["error"]
    finally:
        stages.send_signal(signal.SIGCONT)
    again = await publisher.dh("rerun", run)
    assert again.code == 0, again
    assert f"SUCCEEDED  {run}, revision 1" in again.stdout
    assert f"revision 1 runs again: {publisher.stack.url}/{run}/v/1" in again.stderr
    assert "this revision is published" in (await publisher.answer("cancel", run, code=1))["error"]
    assert "there is no carol/absent" in (await publisher.answer("rerun", "carol/absent", code=1))["error"]
