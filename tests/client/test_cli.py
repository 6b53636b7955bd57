"""Whatever happens, nobody sees a traceback, and the exit code says whose fault it was."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from gateway.client.stream import Event, changed, events_of
from tests import warm
from tests.client.publisher import CSV, write_package
from tests.client.screen import on_a_terminal

DH = (sys.executable, "-m", "gateway.client.cli")
BROKEN = """
import sys, types
module = types.ModuleType("gateway.client.commands.whoami")
def run(options, terminal): raise RuntimeError("something nobody thought of")
module.run = run
sys.modules[module.__name__] = module
from gateway.client.cli import main
sys.exit(main(sys.argv[1:]))
"""
OFFLINE = """
import socket, sys
def refuse(*_): raise AssertionError("the network was used")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from gateway.client.cli import main
sys.exit(main(sys.argv[1:]))
"""


def dh(*words: str, **more: str) -> warm.Finished:
    return warm.dh(words, {**os.environ, **more})


def run(*command: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **more}, check=False)


def test_unexpected_error_names_a_log_file_and_debug_shows_it(tmp_path: Path) -> None:
    done = run(sys.executable, "-c", BROKEN, "whoami", TMPDIR=str(tmp_path))
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    [log] = tmp_path.glob("dh-error-*.log")
    assert str(log) in done.stderr
    assert "something nobody thought of" in log.read_text()

    debug = run(sys.executable, "-c", BROKEN, "whoami", "--debug", TMPDIR=str(tmp_path))
    assert "something nobody thought of" in debug.stderr


def test_validate_uses_no_network(tmp_path: Path) -> None:
    package = write_package(tmp_path / "p", "towns")
    done = run(sys.executable, "-c", OFFLINE, "validate", str(package))
    assert (done.returncode, done.stdout) == (0, "valid  data/towns.csv: 3 rows\n"), done


def test_validate_tells_the_place_of_every_kind_of_error(tmp_path: Path) -> None:
    csv = CSV.replace("2,Zürich,2", "2,Zürich,two") + "x,\x1b[31mred,1\n5,short\n"
    package = write_package(tmp_path / "p", "towns", csv=csv)
    done = dh("validate", str(package))
    assert done.code == 1
    assert "amount  This is not a" in done.stdout
    assert re.search(r'row 3, line 3, byte \d+, cell "two"', done.stdout)
    assert "row 5, line 5, byte" in done.stdout
    assert 'cell "x"' in done.stdout
    assert "→ Add the missing cells" in done.stdout
    assert "\x1b" not in done.stdout
    document = json.loads(dh("validate", str(package), "--json").stdout)
    assert document["valid"] is False
    found = document["resources"][0]
    assert [(one["row"], one["line"], one["field"]) for one in found["findings"]] == [
        (3, 3, "amount"),
        (5, 5, "id"),
        (6, 6, "amount"),
    ]
    assert found["report"]["stats"]["errors"] == found["summary"]["errors"] == 3
    assert found["summary"]["groups"][0]["advice"].startswith("Write ")


def test_validate_counts_all_errors_and_writes_them_as_csv(tmp_path: Path) -> None:
    package = write_package(tmp_path / "p", "towns", csv="id,name,amount\n" + "x,y,1\n" * 1_200)
    done = dh("validate", str(package), "--output", str(tmp_path / "out"))
    assert "INVALID  data/towns.csv: 1,200 errors in 1,200 of 1,200 rows" in done.stdout
    assert "1,200 times" in done.stdout
    names = ["towns.annotated.csv", "towns.errors.csv", "towns.report.json", "towns.summary.json"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    assert len((tmp_path / "out" / "towns.errors.csv").read_text().splitlines()) == 1_201
    assert json.loads((tmp_path / "out" / "towns.report.json").read_text())["stats"]["errors"] == 1_000


def test_validate_says_why_a_column_is_taken_as_text(tmp_path: Path) -> None:
    table = tmp_path / "notes.csv"
    table.write_text("code,amount\na,1\nb,n/a\n")
    done = dh("validate", str(table))
    assert "note: amount is taken as text, not as integer: row 3 has “n/a”." in done.stdout


def test_validate_of_a_lone_table_and_of_a_descriptor_that_makes_no_sense(tmp_path: Path) -> None:
    table = write_package(tmp_path / "p", "towns") / "data" / "towns.csv"
    assert dh("validate", str(table)).code == 0
    (tmp_path / "datapackage.json").write_text(
        '{"name": "Bad Name", "resources": [{"name": "a", "path": "/etc/hosts"}]}'
    )
    done = dh("validate", str(tmp_path))
    assert done.code == 1
    assert "at /name" in done.stdout
    assert "at /resources/0/path" in done.stdout


def test_declared_hash_of_another_file_is_told(tmp_path: Path) -> None:
    package = write_package(tmp_path / "p", "towns")
    descriptor = json.loads((package / "datapackage.json").read_text())
    descriptor["resources"][0] |= {"hash": f"sha256:{'0' * 64}", "bytes": 7}
    (package / "datapackage.json").write_text(json.dumps(descriptor))
    done = dh("validate", str(package))
    assert done.code == 1
    assert "`bytes` says 7, the file has 50" in done.stdout
    assert "`hash`" in done.stdout


def test_validate_shows_how_a_guessed_encoding_reads_and_how_to_declare_it(tmp_path: Path) -> None:
    table = tmp_path / "names.csv"
    table.write_bytes("id,name\n1,Melissa Donà\n".encode("cp850"))
    done = dh("validate", str(table))
    assert done.code == 0
    for part in ("note: The encoding was guessed", "in doubt", "“Melissa Donà” in cp850", '"encoding": "cp1252"'):
        assert part in done.stdout, done.stdout
    assert "in doubt" in json.loads(dh("validate", str(table), "--json").stdout)["resources"][0]["notes"][0]

    table.write_bytes(b"id,name\n1,ab\n2,K\xf6\xfe\n")
    done = dh("validate", str(table))
    assert done.code == 1
    for part in ("“Köş” in cp1254", "“Köž” in cp1257", "line 3", "Declare its encoding"):
        assert part in done.stdout, done.stdout


def test_validate_hears_the_language_of_the_package(tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_bytes(b"id,name\n1,ab\n2,K\xf6\xfe\n")
    descriptor = {"name": "names", "languages": ["tr"], "resources": [{"name": "names", "path": "names.csv"}]}
    (tmp_path / "datapackage.json").write_text(json.dumps(descriptor))
    done = dh("validate", str(tmp_path))
    assert (done.code, "guessed" in done.stdout, "cp1254" in done.stdout) == (0, True, True), done.stdout


async def test_validate_shows_rows_and_colours_on_a_terminal(tmp_path: Path) -> None:
    package = write_package(tmp_path / "p", "towns")
    descriptor = json.loads((package / "datapackage.json").read_text())
    # With an escape character every row is read by the library: slowly enough for its progress to be seen.
    descriptor["resources"][0]["dialect"] = {"escapeChar": "\\"}
    (package / "datapackage.json").write_text(json.dumps(descriptor))
    rows = "".join(f"{number},some name of a town,{number}\n" for number in range(250_000))
    (package / "data" / "towns.csv").write_text(f"id,name,amount\n{rows}x,y,z\n")
    code, shown = await on_a_terminal("validate", str(package), TERM="xterm")
    assert code == 1
    assert re.search(r"check data/towns\.csv.*[0-9,]+ rows", shown)
    assert "━" in shown
    assert "\x1b[31mINVALID\x1b[0m  data/towns.csv: 2 errors in 1 of 250,001 rows" in shown


def test_nothing_to_check_is_the_request_s_fault(tmp_path: Path) -> None:
    assert dh("validate", str(tmp_path / "nothing")).code == 1
    assert dh("validate", str(tmp_path)).code == 1
    answer = dh("validate", str(tmp_path), "--json")
    assert json.loads(answer.stdout)["ok"] is False


def test_wrong_usage_is_two(tmp_path: Path) -> None:
    config = str(tmp_path / "config.json")
    assert dh("push", "--nonsense").code == 2
    assert dh("whoami", "--server", "not an address", DH_CONFIG=config).code == 2
    assert dh("get", "../..", DH_CONFIG=config).code == 2


def test_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    package = write_package(tmp_path / "p", "towns")
    done = run("sh", "-c", f"{' '.join(DH)} validate {package} | true")
    assert done.returncode == 0
    assert done.stderr == ""


def test_output_that_cannot_show_a_character_shows_its_number(tmp_path: Path) -> None:
    package = write_package(tmp_path / "p", "towns", csv=CSV.replace("3,Łódź,", "Łódź,3,"))
    done = run(*DH, "validate", str(package), PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 1
    assert "\\u0141\\xf3d\\u017a" in done.stdout


async def test_events_are_read_whatever_is_between_them() -> None:
    async def lines() -> AsyncIterator[bytes]:
        for line in (b": hello", b"id: 1", b'data: {"a":', b"data: 1}", b"", b"data: nonsense", b"", b"data: [1]", b"",
                     b"event: x", b"", b'data:{"b": 2}\r', b"\r"):  # fmt: skip
            yield line

    assert [event async for event in events_of(lines())] == [
        Event("1", "message", {"a": 1}),
        Event("1", "message", {"b": 2}),
    ]


def test_a_change_has_the_resources_that_are_not_what_they_were() -> None:
    status = {"state": "QUEUED", "resources": [{"index": 0, "stage": "load"}, {"index": 1, "stage": "load"}]}
    change = {"state": "INPROGRESS", "resources": [{"index": 1, "stage": "dump"}]}
    assert changed(status, change) == {
        "state": "INPROGRESS",
        "resources": [{"index": 0, "stage": "load"}, {"index": 1, "stage": "dump"}],
    }
