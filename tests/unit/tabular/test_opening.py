from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tabular.archive import Opened
from tabular.check import TableCheck, check_table
from tabular.csvkind import CsvKind
from tabular.finding import Finding
from tabular.opening import as_csv, open_resource
from tabular.workbook import Sheet
from tests.unit.tabular.conftest import Write
from tests.workbooks import book, ods_parts, ods_row, saved, xlsx_of, xlsx_parts, zipped

SHEET = Sheet(name="Data", number=1, others=(), row=3, column=2, area="B3:C9")


def checked(path: Path, tmp_path: Path, **resource: Any) -> TableCheck:
    work = tmp_path / "work"
    work.mkdir()
    return check_table(path, {"name": "table", "path": path.name, **resource}, work)


def types(check: TableCheck) -> Mapping[str, str]:
    assert check.validation is not None
    return {field["name"]: field["type"] for field in check.validation.schema["fields"]}


def test_a_workbook_is_opened_as_csv_and_a_csv_as_before(write: Write) -> None:
    out = write(b"", "out")
    opened = open_resource(write(xlsx_of(["a"], [1]), "book.xlsx"), {"path": "book.xlsx"}, out)
    assert isinstance(opened, Opened)
    assert opened.sheet is not None
    assert (opened.path, opened.size, out.read_bytes()) == (out, 6, b"a\r\n1\r\n")
    assert opened.to_dict()["sheet"]["area"] == "A1:A2"
    plain = open_resource(write(b"a\n1\n"), {"path": "table.csv"}, out)
    assert isinstance(plain, Opened)
    assert "sheet" not in plain.to_dict()


def test_a_file_that_lies_about_its_name_is_named(write: Write, tmp_path: Path) -> None:
    finding = open_resource(write(b"a,b\n", "book.xlsx"), {"path": "book.xlsx"}, tmp_path / "out")
    assert isinstance(finding, Finding)
    assert finding.rule == "not-a-workbook"
    check = checked(write(xlsx_of(["a"], [1]), "table.csv"), tmp_path)
    assert [(each.rule, each.message) for each in check.findings] == [
        ("not-csv", "The file is an Excel workbook (XLSX), not a CSV.")
    ]


def test_the_descriptor_of_the_csv_keeps_what_is_said_of_rows() -> None:
    given = {"headerRows": [4], "commentRows": [1, 5], "delimiter": ";", "sheetName": "Data", "headerJoin": "/"}
    made = as_csv({"path": "book.xlsx", "encoding": "latin-1", "dialect": given}, SHEET)
    assert made["encoding"] == "utf-8"
    assert made["dialect"] == {
        "headerRows": [2],
        "commentRows": [3],
        "headerJoin": "/",
        "commentChar": "",
        "delimiter": ",",
        "quoteChar": '"',
        "doubleQuote": True,
        "skipInitialSpace": False,
        "lineTerminator": "\r\n",
    }


def test_types_are_inferred_from_the_cells(write: Write, tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["code", "zip", "size", "big", "day", "took", "ok", "mixed", "iso"],
        ["1", "01234", 1, 1e20, date(2024, 1, 1), timedelta(hours=30), True, 1, "2024-01-01"],
        ["2", "10115", 2.5, 3, date(2024, 1, 2), timedelta(seconds=90), False, "2", "2024-01-02"],
        [None, "99999", None, None, None, None, None, None, None],
    ]
    check = checked(write(xlsx_of(*rows), "book.xlsx"), tmp_path)
    assert check.valid, check.findings
    assert types(check) == {
        "code": "string",
        "zip": "string",
        "size": "number",
        "big": "number",
        "day": "date",
        "took": "duration",
        "ok": "boolean",
        "mixed": "integer",
        "iso": "date",
    }


def test_the_same_sheet_as_ods_has_the_same_types(write: Write, tmp_path: Path) -> None:
    rows = ods_row("code", "size", "ok") + ods_row("1", 1, True) + ods_row("2", 2.5, False)
    check = checked(write(zipped(ods_parts({"One": rows})), "book.ods"), tmp_path)
    assert check.valid
    assert types(check) == {"code": "string", "size": "number", "ok": "boolean"}


def test_errors_are_found_at_the_addresses_of_the_sheet(write: Write, tmp_path: Path) -> None:
    made = book({"Notes": [["x"]], "Data": []})
    for cell, value in {"C5": "id", "D5": "size", "C6": 1, "D6": 2, "C7": 2, "D7": "two"}.items():
        made["Data"][cell] = value
    schema = {"fields": [{"name": "id", "type": "integer"}, {"name": "size", "type": "integer"}]}
    path = write(saved(made), "book.xlsx")
    check = checked(path, tmp_path, schema=schema, dialect={"sheetName": "Data"})
    assert check.validation is not None
    assert check.opened is not None
    assert check.opened.sheet is not None
    (error,) = check.validation.report["tasks"][0]["errors"]
    assert (error["type"], error["rowNumber"], error["cell"]) == ("type-error", 3, "two")
    assert check.opened.sheet.address_of(error) == "D7"


def test_a_declared_header_row_is_the_sheets(write: Write, tmp_path: Path) -> None:
    rows: list[list[Any]] = [["Report of 2024", None], ["id", "size"], [1, 2], [3, 4]]
    check = checked(write(xlsx_of(*rows), "book.xlsx"), tmp_path, dialect={"headerRows": [2]})
    assert check.valid
    assert isinstance(check.kind, CsvKind)
    assert check.kind.header_rows == (2,)
    assert types(check) == {"id": "integer", "size": "integer"}


def test_titles_above_the_header_are_left_out(write: Write, tmp_path: Path) -> None:
    rows: list[list[Any]] = [["Report of 2024"], [], ["id", "name", "size"], [1, "a", 2.5], [2, "b", 3], [3, "c", 4]]
    check = checked(write(xlsx_of(*rows), "book.xlsx"), tmp_path)
    assert check.valid, check.findings
    assert isinstance(check.kind, CsvKind)
    assert check.kind.header_rows == (3,)
    assert types(check) == {"id": "integer", "name": "string", "size": "number"}


def test_rows_that_begin_with_an_error_are_no_comments(write: Write, tmp_path: Path) -> None:
    cells = "".join(
        f'<row r="{n}"><c r="A{n}" t="e"><v>#N/A</v></c><c r="B{n}"><v>{n}</v></c></row>' for n in range(2, 9)
    )
    head = '<row r="1"><c r="A1" t="str"><v>a</v></c><c r="B1" t="str"><v>b</v></c></row>'
    check = checked(write(zipped(xlsx_parts(head + cells)), "book.xlsx"), tmp_path)
    assert check.validation is not None
    assert check.validation.rows == 7
