"""Workbooks at the command line: what `dh validate` says of them, and what a push of a lone one publishes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.client.publisher import Publisher
from tests.client.test_cli import dh
from tests.workbooks import book, saved, xlsx_of

TOWNS: list[list[Any]] = [["id", "name"], [1, "Ærø"], [2, "007"]]


def write_book(folder: Path) -> Path:
    path = folder / "Some Towns.xlsx"
    path.write_bytes(saved(book({"Read me": [["words"], ["more words"]], "2024": TOWNS, "2025": [*TOWNS, [3, "x"]]})))
    return path


def test_validate_says_which_sheet_it_read_and_names_the_others(tmp_path: Path) -> None:
    done = dh("validate", str(write_book(tmp_path)))
    assert (done.code, done.stderr) == (0, ""), done
    assert "valid  Some Towns.xlsx: 1 row" in done.stdout
    assert "sheet Read me, cells A1:A2; not read: 2024, 2025" in done.stdout


def test_the_sheet_is_chosen_by_name_and_else_by_number(tmp_path: Path) -> None:
    path = str(write_book(tmp_path))
    for word, sheet, rows in (("2024", "2024", 2), ("3", "2025", 3), ("Read me", "Read me", 1)):
        document = json.loads(dh("validate", path, "--sheet", word, "--json").stdout)
        [resource] = document["resources"]
        assert (resource["sheet"]["sheet"], resource["rows"], resource["valid"]) == (sheet, rows, True)
    assert resource["sheet"]["others"] == ["2024", "2025"]


def test_a_sheet_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = str(write_book(tmp_path))
    for word in ("Nope", "7"):
        done = dh("validate", path, "--sheet", word)
        assert done.code == 1
        assert "sheet-not-found" in done.stdout
        assert "1 'Read me', 2 '2024', 3 '2025'" in done.stdout


def test_sheet_is_for_a_package_with_one_workbook(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n")
    done = dh("validate", str(tmp_path / "a.csv"), "--sheet", "1")
    assert done.code == 1
    assert "no workbook" in done.stderr
    write_book(tmp_path)
    resources = [{"name": "a", "path": "a.csv"}, {"name": "towns", "path": "Some Towns.xlsx"}]
    (tmp_path / "datapackage.json").write_text(json.dumps({"name": "p", "resources": resources}))
    done = dh("validate", str(tmp_path), "--sheet", "2024")
    assert done.code == 0, done
    assert "sheet 2024, cells A1:B3" in done.stdout


def test_errors_are_told_with_the_address(tmp_path: Path) -> None:
    made = book({"Data": []})
    for cell, value in {"C5": "id", "C6": 1, "C7": "two"}.items():
        made["Data"][cell] = value
    (tmp_path / "book.xlsx").write_bytes(saved(made))
    schema = {"fields": [{"name": "id", "type": "integer"}]}
    resources = [{"name": "book", "path": "book.xlsx", "schema": schema}]
    (tmp_path / "datapackage.json").write_text(json.dumps({"name": "p", "resources": resources}))
    done = dh("validate", str(tmp_path))
    assert done.code == 1
    assert '    C7, cell "two"\n' in done.stdout


def test_foreign_keys_lead_into_a_sheet(tmp_path: Path) -> None:
    write_book(tmp_path)
    (tmp_path / "prices.csv").write_text("town,price\n1,2.5\n9,3.5\n")
    key = {"fields": "town", "reference": {"resource": "towns", "fields": "id"}}
    schema = {
        "fields": [{"name": "town", "type": "integer"}, {"name": "price", "type": "number"}],
        "foreignKeys": [key],
    }
    towns = {"name": "towns", "path": "Some Towns.xlsx", "dialect": {"sheetName": "2024"}}
    resources = [towns, {"name": "prices", "path": "prices.csv", "schema": schema}]
    (tmp_path / "datapackage.json").write_text(json.dumps({"name": "p", "resources": resources}))
    done = dh("validate", str(tmp_path))
    assert done.code == 1
    assert "foreign-key" in done.stdout
    assert "row 3" in done.stdout
    assert "row 2" not in done.stdout


def test_no_workbook_and_no_sense_are_told_without_a_traceback(tmp_path: Path) -> None:
    cases = ((b"a,b\n", "not-a-workbook"), (xlsx_of()[:900], "corrupt-archive"), (xlsx_of(), "sheet-empty"))
    for content, words in cases:
        (tmp_path / "book.xlsx").write_bytes(content)
        for more in ((), ("--sheet", "1")):
            done = dh("validate", str(tmp_path / "book.xlsx"), *more)
            assert (done.code, done.stderr) == (1, "")
            assert words in done.stdout


async def test_a_lone_workbook_is_pushed_and_fetched_as_csv(publisher: Publisher, name: str, tmp_path: Path) -> None:
    path = write_book(tmp_path)
    pushed = await publisher.answer("push", str(path), "--sheet", "2024", "--name", name)
    assert pushed["state"] == "SUCCEEDED"
    assert (await publisher.dh("get", f"carol/{name}", "--output", str(tmp_path / "got"))).code == 0
    [resource] = json.loads((tmp_path / "got" / "datapackage.json").read_text())["resources"]
    assert (resource["name"], resource["format"], resource["rowcount"]) == ("some-towns", "csv", 2)
    assert resource["datahub"]["sheet"] == {"sheet": "2024", "number": 2, "others": ["Read me", "2025"]}
    assert [field["type"] for field in resource["schema"]["fields"]] == ["integer", "string"]
    [table] = (tmp_path / "got" / "data").iterdir()
    assert table.read_bytes() == "id,name\r\n1,Ærø\r\n2,007\r\n".encode()
