from __future__ import annotations

import csv
import hashlib
import io
import random
import zipfile
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from tabular.finding import Finding
from tabular.limits import Limits
from tabular.sheets.rows import Rows
from tabular.workbook import Sheet, open_workbook, sheet_names
from tests.unit.tabular.conftest import Write
from tests.workbooks import book, ods_cell, ods_parts, ods_row, saved, xlsx_of, xlsx_parts, zipped

Dialect = Mapping[str, Any]


def opened(path: Path, dialect: Dialect | None = None, limits: Limits | None = None) -> tuple[Sheet, str]:
    out = path.with_name("out.csv")
    result = open_workbook(path, dialect, out, limits or Limits())
    assert isinstance(result, tuple), result
    sheet, digest = result
    content = out.read_bytes()
    assert (digest.size, digest.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert sorted(item.name for item in path.parent.iterdir()) == sorted({path.name, "out.csv"})
    return sheet, content.decode("utf-8")


def records(path: Path, dialect: Dialect | None = None) -> list[list[str]]:
    return list(csv.reader(io.StringIO(opened(path, dialect)[1], newline="")))


def refused(path: Path, dialect: Dialect | None = None, limits: Limits | None = None) -> Finding:
    finding = open_workbook(path, dialect, path.with_name("out.csv"), limits or Limits())
    assert isinstance(finding, Finding)
    assert [item.name for item in path.parent.iterdir()] == [path.name]
    return finding


VALUES: list[tuple[Any, str]] = [
    ("text", "text"),
    (" spaces \t kept ", " spaces \t kept "),
    ("two\nlines", "two\nlines"),
    ('say "x", y', 'say "x", y'),
    ("007", "007"),
    ("12", "12"),
    ("=not a formula"[1:], "not a formula"),
    ("naïve 日本 🙂", "naïve 日本 🙂"),
    (1, "1"),
    (1.0, "1"),
    (0, "0"),
    (-17, "-17"),
    (0.1, "0.1"),
    (1 / 3, "0.3333333333333333"),
    (123456789012345, "123456789012345"),
    (1e15, "1000000000000000"),
    (1e16, "10000000000000000"),
    (1.5e20, "150000000000000000000"),
    (1e-7, "0.0000001"),
    (1e300, "1E+300"),
    (True, "true"),
    (False, "false"),
    (date(2024, 2, 29), "2024-02-29"),
    (datetime(2024, 2, 29, 13, 5), "2024-02-29T13:05:00"),  # noqa: DTZ001 a workbook knows no time zone
    (datetime(2024, 2, 29, 13, 5, 59), "2024-02-29T13:05:59"),  # noqa: DTZ001
    (time(13, 5), "13:05:00"),
    (time(0, 0), "00:00:00"),
    (timedelta(hours=36, minutes=5), "PT36H5M"),
    (timedelta(seconds=1), "PT1S"),
]


@pytest.mark.parametrize(("value", "text"), VALUES, ids=[f"{type(v).__name__}-{t[:12]}" for v, t in VALUES])
def test_every_type_of_value_has_its_text(write: Write, value: Any, text: str) -> None:
    path = write(xlsx_of(["name", "x"], [value, "end"]), "book.xlsx")
    assert records(path) == [["name", "x"], [text, "end"]]


def test_the_form_is_canonical(write: Write) -> None:
    path = write(xlsx_of(["id", "name"], [1, "a,b"], [2, None]), "book.xlsx")
    sheet, text = opened(path)
    assert text == 'id,name\r\n1,"a,b"\r\n2,\r\n'
    assert (sheet.name, sheet.number, sheet.others, sheet.area) == ("Sheet1", 1, (), "A1:B3")


def test_a_percentage_and_a_price_are_their_numbers(write: Write) -> None:
    rows = '<row r="1"><c r="A1" s="1"><v>0.125</v></c><c r="B1" s="2"><v>1234.5</v></c></row>'
    path = write(zipped(xlsx_parts(rows, formats=["0.00%", "[$€-2] #,##0.00"])), "book.xlsx")
    assert records(path) == [["0.125", "1234.5"]]


@pytest.mark.parametrize(
    ("serial", "date1904", "expected"),
    [
        ("45351", False, "2024-02-29"),
        ("43889", True, "2024-02-29"),
        ("61", False, "1900-03-01"),
        ("59", False, "1900-02-28"),  # before the day that never was, 29 February 1900, serials count one less
        ("1", False, "1900-01-01"),
        ("2", True, "1904-01-03"),
        ("45351.5", False, "2024-02-29T12:00:00"),
        ("43889.75", True, "2024-02-29T18:00:00"),
        ("0.75", False, "18:00:00"),
        ("2958465", False, "9999-12-31"),
    ],
)
def test_dates_are_right_in_both_date_systems(write: Write, serial: str, date1904: bool, expected: str) -> None:
    rows = f'<row r="1"><c r="A1" s="1"><v>{serial}</v></c></row>'
    path = write(zipped(xlsx_parts(rows, formats=["yyyy\\-mm\\-dd hh:mm"], date1904=date1904)), "book.xlsx")
    assert records(path) == [[expected]]


def test_midnights_among_times_are_times(write: Write) -> None:
    moments = [datetime(2024, 1, 1, 0, 0), datetime(2024, 1, 1, 6, 30)]  # noqa: DTZ001
    path = write(xlsx_of(["at", "day"], *([moment, date(2024, 1, 1)] for moment in moments)), "book.xlsx")
    assert records(path) == [
        ["at", "day"],
        ["2024-01-01T00:00:00", "2024-01-01"],
        ["2024-01-01T06:30:00", "2024-01-01"],
    ]


def test_an_iso_date_and_every_kind_of_text(write: Write) -> None:
    rows = (
        '<row r="1"><c r="A1" t="d"><v>2024-02-29T10:00:00</v></c><c r="B1" t="d"><v>2024-02-29</v></c>'
        '<c r="C1" t="inlineStr"><is><r><t xml:space="preserve">rich </t></r><r><t>text</t></r></is></c>'
        '<c r="D1" t="s"><v>0</v></c>'
        '<c r="E1" t="str"><f>A1&amp;"x"</f><v>a &lt; b</v></c><c r="F1" t="b"><v>1</v></c></row>'
    )
    strings = ["<r><t>sha</t></r><r><t>red</t></r><rPh><t>reading aid</t></rPh>"]
    path = write(zipped(xlsx_parts(rows, strings=strings)), "book.xlsx")
    assert records(path) == [["2024-02-29T10:00:00", "2024-02-29", "rich text", "shared", "a < b", "true"]]


def test_a_formula_is_its_stored_value(write: Write) -> None:
    rows = (
        '<row r="1"><c r="A1"><f>1+1</f><v>2</v></c><c r="B1" t="str"><f>""</f><v></v></c><c r="C1"><v>3</v></c></row>'
    )
    assert records(write(zipped(xlsx_parts(rows)), "book.xlsx")) == [["2", "", "3"]]


def test_formulas_that_were_never_computed_are_refused_with_their_places(write: Write) -> None:
    made = book({"Sheet1": [["a", "sum"], [1, "=A2*2"], [2, "=A3*2"]]})
    finding = refused(write(saved(made), "book.xlsx"))
    assert (finding.rule, finding.cell) == ("formula-without-value", "B2")
    assert "B2, B3" in finding.message


def test_errors_are_texts_and_told_with_their_places(write: Write) -> None:
    rows = (
        '<row r="1"><c r="A1" t="e"><f>1/0</f><v>#DIV/0!</v></c><c r="B1" t="e" s="1"><v>#N/A</v></c>'
        '<c r="C1" s="1" t=\'e\'><v>#SPILL!</v></c></row>'
    )
    sheet, text = opened(write(zipped(xlsx_parts(rows, formats=["0"])), "book.xlsx"))
    assert text == "#DIV/0!,#N/A,#SPILL!\r\n"
    assert "A1 (#DIV/0!), B1 (#N/A), C1 (#SPILL!)" in sheet.notes[0]


def test_leading_and_trailing_blanks_are_left_out_and_addresses_are_right(write: Write) -> None:
    made = book({"Sheet1": []})
    sheet = made["Sheet1"]
    sheet["C4"], sheet["D4"], sheet["C5"], sheet["D6"] = "id", "name", 1, "x"
    sheet["F9"].number_format = "0.00"  # a format alone is no value
    path = write(saved(made), "book.xlsx")
    found, text = opened(path)
    assert text == "id,name\r\n1,\r\n,x\r\n"
    assert (found.area, found.address(1, 1), found.address(3, 2)) == ("C4:D6", "C4", "D6")


def test_blank_rows_between_rows_stay(write: Write) -> None:
    path = write(xlsx_of(["a", "b"], [1, 2], [None, None], [3, 4]), "book.xlsx")
    assert records(path) == [["a", "b"], ["1", "2"], ["", ""], ["3", "4"]]


def test_the_sheet_is_chosen_by_name_and_by_number(write: Write) -> None:
    path = write(saved(book({"First": [["a"]], "2024": [["b"]], "Third one": [["c"]]})), "book.xlsx")
    assert opened(path)[0].others == ("2024", "Third one")
    for dialect, expected in (
        (None, "a"),
        ({"sheetName": "2024"}, "b"),
        ({"sheetNumber": 3}, "c"),
        ({"sheetNumber": 2, "sheetName": "2024"}, "b"),
    ):
        assert records(path, dialect) == [[expected]]
    assert sheet_names(path) == ["First", "2024", "Third one"]


@pytest.mark.parametrize(
    ("dialect", "where"),
    [
        ({"sheetName": "Nope"}, "/dialect/sheetName"),
        ({"sheetName": 1}, "/dialect/sheetName"),
        ({"sheetNumber": 0}, "/dialect/sheetNumber"),
        ({"sheetNumber": 3}, "/dialect/sheetNumber"),
        ({"sheetNumber": True}, "/dialect/sheetNumber"),
        ({"sheetNumber": "1"}, "/dialect/sheetNumber"),
        ({"sheetName": "One", "sheetNumber": 2}, "/dialect/sheetNumber"),
    ],
)
def test_a_sheet_that_is_not_there_is_told_with_those_that_are(write: Write, dialect: Dialect, where: str) -> None:
    finding = refused(write(saved(book({"One": [["a"]], "Two": [["b"]]})), "book.xlsx"), dialect)
    assert (finding.rule, finding.where) == ("sheet-not-found", where)
    assert "1 'One', 2 'Two'" in finding.message


def test_what_is_hidden_is_read_and_told_but_no_hidden_sheet_is_taken_unasked(write: Write) -> None:
    made = book({"Secret": [["x"]], "Data": [["a", "b", "c"], [1, 2, 3], [4, 5, 6]]})
    made["Secret"].sheet_state = "hidden"
    made["Data"].row_dimensions[2].hidden = True
    made["Data"].column_dimensions["B"].hidden = True
    made["Data"].merge_cells("A1:B1")
    made["Data"]["A1"] = "a"
    path = write(saved(made), "book.xlsx")
    sheet, text = opened(path)
    assert text == "a,,c\r\n1,2,3\r\n4,5,6\r\n"
    assert (sheet.name, sheet.number, sheet.others) == ("Data", 2, ("Secret",))
    assert sheet.notes == (
        "The sheet has 1 hidden row and 1 hidden column, read like the others.",
        "Of merged cells only the first has the value: A1:B1.",
    )
    assert "hidden in the workbook" in opened(path, {"sheetName": "Secret"})[0].notes[0]


def test_kinds_of_columns_are_told_from_where_they_hold(write: Write) -> None:
    rows: list[list[Any]] = [
        ["Title", None, None, None],
        ["code", "n", "mixed", "took"],
        ["01", 1, "1", timedelta(hours=30)],
    ]
    path = write(xlsx_of(*rows, ["12", 2.5, 2, timedelta(hours=1)], ["x", None, "y", None]), "book.xlsx")
    assert opened(path)[0].kinds == (("text", 0), ("number", 2), ("text", 4), ("duration", 2))


def test_cells_without_addresses_stand_one_behind_the_other(write: Write) -> None:
    rows = (
        "<row><c><v>1</v></c><c><v>2</v></c></row><row/><row r='4'><c><v>3</v></c><c r='C4'><v>4</v></c>"
        "<c><v>5</v></c></row><row><c t='e'><v>#N/A</v></c></row>"
    )
    sheet, text = opened(write(zipped(xlsx_parts(rows)), "book.xlsx"))
    assert text == "1,2,,\r\n,,,\r\n,,,\r\n3,,4,5\r\n#N/A,,,\r\n"
    assert "A5 (#N/A)" in sheet.notes[0]


def test_prefixes_and_odd_places_of_parts(write: Write) -> None:
    parts = xlsx_parts("")
    sheet = '<x:worksheet xmlns:x="m"><x:sheetData><x:row r="2"><x:c r="B2"><x:v>7</x:v></x:c></x:row><x:row r="3">'
    parts["XL/Worksheets/Sheet1.xml"] = (
        f'{sheet}<x:c r="B3" t="e"><x:v>#N/A</x:v></x:c></x:row></x:sheetData></x:worksheet>'
    )
    del parts["xl/worksheets/sheet1.xml"]
    parts["xl/_rels/workbook.xml.rels"] = str(parts["xl/_rels/workbook.xml.rels"]).replace(
        "worksheets/sheet1.xml", "/xl/worksheets/sheet1.xml"
    )
    found, text = opened(write(zipped(parts), "book.xlsx"))
    assert (text, found.area) == ("7\r\n#N/A\r\n", "B2:B3")


def test_a_sheet_of_many_runs_is_whole(write: Write) -> None:
    cell = '<c r="{}{}" t="inlineStr"><is><t>{}</t></is></c>'
    rows = "".join(
        f'<row r="{n}">{cell.format("A", n, f"name {n}")}<c r="C{n}" s="1"/><c r="B{n}"><v>{n / 4}</v></c></row>'
        for n in range(1, 12_001)
    )
    path = write(zipped(xlsx_parts(rows, formats=["0.00"])), "book.xlsx")
    assert len(rows) > 4 * 262_144
    assert records(path) == [[f"name {n}", f"{n / 4:g}"] for n in range(1, 12_001)]


def test_far_apart_rows_need_no_array_between_them(write: Write) -> None:
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="Z{n}"><v>1</v></c></row>' for n in (1, 900_000))
    sheet, text = opened(write(zipped(xlsx_parts(rows)), "book.xlsx"))
    assert (sheet.area, text.count("\r\n"), text[-10:]) == ("A1:Z900000", 900_000, ",,,,,,,1\r\n")


def test_one_long_text_among_many_short_ones(write: Write) -> None:
    """What a run may hold is bounded by the longest text: the runs get shorter, and nothing is lost."""
    rows = "".join(
        f'<row r="{n}"><c r="A{n}" t="s"><v>{n % 7}</v></c><c r="B{n}" t="s"><v>1</v></c></row>'
        for n in range(1, 2_001)
    )
    strings = ["<t>" + "long " * 20_000 + "end</t>", *(f"<t>short {n}</t>" for n in range(1, 7))]
    found = records(write(zipped(xlsx_parts(rows, strings=strings)), "book.xlsx"))
    assert [len(first) if first.endswith("end") else first for first, _ in found] == [
        f"short {n % 7}" if n % 7 else 100_003 for n in range(1, 2_001)
    ]


def test_runs_stay_small_in_cells_and_texts() -> None:
    far = b"".join(b'<row r="%d"><c r="A%d"><v>1</v></c><c r="Z%d"/></row>' % (n, n, n) for n in (1, 2, 900_000))
    long = b"".join(b'<row r="%d"><c r="A%d" t="s"><v>0</v></c></row>' % (n, n) for n in range(1, 1_001))
    for rows, longest, expected in ((far, 0, [1, 1, 1]), (long, 1_000, [1_000]), (long, 1_000_000, None)):
        runs = Rows(iter([b"<worksheet><sheetData>" + rows, b"</sheetData></worksheet>"]), longest).runs()
        counts = [run.count(b"<row ") for run in runs]
        assert counts == expected or (expected is None and sum(counts) == 1_000 and max(counts) <= 32)


CORNERS = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'


def test_a_stray_cell_at_the_far_corner_is_named(write: Write) -> None:
    finding = refused(write(zipped(xlsx_parts(CORNERS)), "book.xlsx"))
    assert (finding.rule, finding.cell) == ("sheet-too-large", "XFD1048576")
    assert "A1 to XFD1048576" in finding.message


def columns(count: int) -> str:
    return f'table:number-columns-repeated="{count}"'


def refusals() -> dict[str, tuple[bytes, str, Limits | None]]:
    """Files that are no readable workbook, each with the rule."""
    good = xlsx_of(["a"], [1])
    parts = xlsx_parts('<row r="1"><c r="A1"><v>1</v></c></row>')
    blank = '<row r="1">' + '<c r="A1"><is><t>%s</t></is></c>' % (" " * 3_000_000) + "</row>"
    small = Limits(ratio_floor=100_000, ratio=20)
    shared = xlsx_parts('<row r="1"><c r="A1" t="s"><v>0</v></c></row>', strings=["<t>" + "x" * 2_000_000 + "</t>"])
    empty = xlsx_parts("")
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000)
    locked = old + "EncryptedPackage".encode("utf-16-le") + bytes(500)
    manifest = "<manifest><file-entry><encryption-data/></file-entry></manifest>"
    ods = ods_parts({"One": ods_row("a")})
    chart = parts | {
        "xl/_rels/workbook.xml.rels": str(parts["xl/_rels/workbook.xml.rels"]).replace('worksheet"', 'chartsheet"')
    }
    doctype = '<!DOCTYPE x [<!ENTITY a "b">]>' + str(parts["xl/workbook.xml"])
    swapped = xlsx_parts(
        '<row r="2"><c r="A2"><v>1</v></c></row>' + " " * 300_000 + '<row r="1"><c r="A1"><v>1</v></c></row>'
    )
    return {
        "truncated": (good[: len(good) // 2], "corrupt-archive", None),
        "text": (b"id,name\n1,one\n", "not-a-workbook", None),
        "html": (b"<!DOCTYPE html><html><table></table></html>", "not-a-workbook", None),
        "pdf": (b"%PDF-1.7\n", "not-a-workbook", None),
        "empty file": (b"", "not-a-workbook", None),
        "zip of a csv": (zipped({"table.csv": "a\n1\n"}), "not-a-workbook", None),
        "odt": (zipped({"mimetype": "application/vnd.oasis.opendocument.text"}), "not-a-workbook", None),
        "old": (old, "workbook-format", None),
        "xlsb": (zipped({"_rels/.rels": str(parts["_rels/.rels"]).replace(".xml", ".bin")}), "workbook-format", None),
        "encrypted": (locked, "workbook-encrypted", None),
        "encrypted ods": (zipped(ods | {"META-INF/manifest.xml": manifest}), "workbook-encrypted", None),
        "no sheets": (zipped(chart), "no-sheets", None),
        "empty sheet": (zipped(empty), "sheet-empty", None),
        "only formats": (zipped(xlsx_parts('<row r="1"><c r="A1" s="0"/></row>')), "sheet-empty", None),
        "empty texts": (zipped(xlsx_parts('<row r="1"><c r="A1" t="str"><v></v></c></row>')), "sheet-empty", None),
        "empty ods": (zipped(ods_parts({"One": ods_row(None, None)})), "sheet-empty", None),
        "no main part": (zipped({"_rels/.rels": "<Relationships/>"}), "workbook-damaged", None),
        "missing sheet": (zipped({n: c for n, c in parts.items() if "sheet1" not in n}), "workbook-damaged", None),
        "bad xml": (zipped(parts | {"xl/workbook.xml": "<workbook><sheets>"}), "workbook-damaged", None),
        "doctype": (zipped(parts | {"xl/workbook.xml": doctype}), "workbook-damaged", None),
        "no rows": (zipped(parts | {"xl/worksheets/sheet1.xml": "<worksheet/>"}), "workbook-damaged", None),
        "cut xml": (
            zipped(parts | {"xl/worksheets/sheet1.xml": "<worksheet><sheetData><row"}),
            "workbook-damaged",
            None,
        ),
        "wrong order": (zipped(swapped), "workbook-damaged", None),
        "far cell": (zipped(xlsx_parts('<row r="1"><c r="ZZZ1"><v>1</v></c></row>')), "workbook-damaged", None),
        "unknown text": (zipped(xlsx_parts('<row r="1"><c r="A1" t="s"><v>7</v></c></row>')), "workbook-damaged", None),
        "unknown type": (zipped(xlsx_parts('<row r="1"><c r="A1" t="q"><v>7</v></c></row>')), "workbook-damaged", None),
        "bomb": (zipped(xlsx_parts(blank)), "too-large-decompressed", small),
        "big": (zipped(xlsx_parts(blank)), "too-large-decompressed", Limits(decompressed_bytes=1_000_000)),
        "long text": (zipped(shared), "cell-too-large", None),
        "many texts": (
            zipped(xlsx_parts("", strings=["<t>x</t>"] * 100)),
            "too-large-decompressed",
            Limits(shared_strings=5_000),
        ),
        "many parts": (zipped({f"{n}": "" for n in range(60)}), "archive-refused", Limits(workbook_parts=50)),
        "spaces": (zipped(ods_parts({"One": ods_row('<text:s text:c="400000000"/>')})), "row-too-large", None),
        "repeated": (
            zipped(ods_parts({"One": ods_row(1, more='table:number-rows-repeated="1048577"')})),
            "workbook-damaged",
            None,
        ),
        "wide ods": (
            zipped(ods_parts({"One": f"<table:table-row>{ods_cell(1, columns(99_999))}</table:table-row>"})),
            "workbook-damaged",
            None,
        ),
    }


@pytest.mark.parametrize("name", refusals())
def test_what_cannot_be_read_is_a_named_finding(write: Write, name: str) -> None:
    content, rule, limits = refusals()[name]
    finding = refused(write(content, "book.xlsx"), limits=limits)
    assert finding.rule == rule, finding
    assert finding.message.endswith(".")


def test_claimed_counts_reserve_no_memory(write: Write) -> None:
    parts = xlsx_parts('<row r="1"><c r="A1" t="s"><v>0</v></c></row>', strings=['<t>a uniqueCount="5" count="6"</t>'])
    claimed = str(parts["xl/sharedStrings.xml"]).replace('uniqueCount="1"', 'uniqueCount="99999999999999999"', 1)
    assert claimed != parts["xl/sharedStrings.xml"]
    path = write(zipped(parts | {"xl/sharedStrings.xml": claimed}), "book.xlsx")
    assert records(path) == [['a uniqueCount="5" count="6"']]


def test_a_list_of_texts_may_be_an_empty_element(write: Write) -> None:
    parts = xlsx_parts('<row r="1"><c r="A1"><v>1</v></c></row>')
    parts["xl/sharedStrings.xml"] = '<sst xmlns="m" count="0" uniqueCount="0"/>'
    assert records(write(zipped(parts), "book.xlsx")) == [["1"]]


def test_damage_anywhere_is_a_finding_or_no_harm(write: Write) -> None:
    """Every byte of the XML that calamine reads is turned into another: a result or a finding, and no exception."""
    rows = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" s="1"><v>45351.5</v></c><c r="C1" t="b"><v>1</v></c></row>'
    parts = xlsx_parts(rows, strings=["<t>x</t>"], formats=["yyyy"])
    for part in ("xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"):
        whole = str(parts[part]).encode()
        for at in range(0, len(whole), 3):
            for byte in (b"<", b"9", b"\x00", b'"'):
                path = write(
                    zipped(parts | {part: whole[:at] + byte + whole[at + 1 :]}, zipfile.ZIP_STORED), "book.xlsx"
                )
                result = open_workbook(path, None, path.with_name("out.csv"), Limits())
                assert isinstance(result, tuple | Finding)


def test_ods_values(write: Write) -> None:
    kinds = (
        '<table:table-cell office:value-type="percentage" office:value="0.125"><text:p>0</text:p></table:table-cell>'
        '<table:table-cell office:value-type="date" office:date-value="2024-02-29"/>'
        '<table:table-cell office:value-type="date" office:date-value="2024-02-29T13:05:00"/>'
        '<table:table-cell office:value-type="time" office:time-value="PT13H05M00S"/>'
        '<table:table-cell office:value-type="time" office:time-value="PT36H05M00S"/>'
        '<table:table-cell office:value-type="string"><text:p>a <text:span>b</text:span><text:tab/>c'
        "<text:line-break/>d</text:p>"
        '<text:p>second<text:s text:c="2"/>x</text:p></table:table-cell>'
        '<table:table-cell table:formula="of:=1/0" office:value-type="string" office:string-value=""'
        ' calcext:value-type="error"><text:p>#DIV/0!</text:p></table:table-cell>'
        '<table:table-cell table:number-columns-repeated="1000"/>'
    )
    rows = f"<table:table-row>{kinds}</table:table-row>" + ods_row(1, 0.1, True, "007", "a &lt; b", 1e20, False)
    sheet, text = opened(write(zipped(ods_parts({"One": rows, "Two": ods_row("x")})), "book.ods"))
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["0.125", "2024-02-29", "2024-02-29T13:05:00", "13:05:00", "PT36H05M00S", "a b\tc\nd\nsecond  x", "#DIV/0!"],
        ["1", "0.1", "true", "007", "a < b", "100000000000000000000", "false"],
    ]
    assert (sheet.name, sheet.others) == ("One", ("Two",))
    assert "G1 (#DIV/0!)" in sheet.notes[0]


def test_ods_repeated_rows_and_columns(write: Write) -> None:
    many = 'table:number-rows-repeated="3"'
    twice = f"<table:table-row>{ods_cell(None, columns(2))}{ods_cell(5, columns(2))}</table:table-row>"
    rows = (
        '<table:table-column table:visibility="collapse"/><table:table-column table:number-columns-repeated="9"/>'
        + ods_row(None, more='table:number-rows-repeated="4"')
        + ods_row(None, "a", "b", more=f'{many} table:visibility="filter"')
        + ods_row(None, None, None, more='table:number-rows-repeated="2"')
        + f"<table:table-row-group>{twice}</table:table-row-group>"
        + ods_row(None, more='table:number-rows-repeated="1048560"')
    )
    sheet, text = opened(write(zipped(ods_parts({"One": rows})), "book.ods"))
    assert text == "a,b,\r\n" * 3 + ",,\r\n" * 2 + ",5,5\r\n"
    assert (sheet.area, sheet.address(6, 2)) == ("B5:D10", "C10")
    assert sheet.notes == ("The sheet has 3 hidden rows, read like the others.",)


def test_ods_of_many_chunks_and_pretty_printed(write: Write) -> None:
    rows = "\n".join(ods_row(f"n{n}", n).replace("><", ">\n  <") for n in range(6_000))
    path = write(zipped(ods_parts({"One": rows, "Two": ods_row("x")})), "book.ods")
    assert records(path) == [[f"n{n}", str(n)] for n in range(6_000)]
    assert records(path, {"sheetNumber": 2}) == [["x"]]


def test_ods_hidden_sheet_and_formula_without_value(write: Write) -> None:
    properties = '<style:table-properties table:display="false"/>'
    styles = f'<style:style style:name="ta2" style:family="table">{properties}</style:style>'
    tables = {'Secret" table:style-name="ta2': ods_row("x"), "Data": ods_row(1)}
    path = write(zipped(ods_parts(tables, styles)), "book.ods")
    sheet, _ = opened(path)
    assert (sheet.name, sheet.others) == ("Data", ("Secret",))
    formula = '<table:table-row><table:table-cell table:formula="of:=1+1"/></table:table-row>'
    path.unlink()
    finding = refused(write(zipped(ods_parts({"One": ods_row(1) + formula})), "book2.ods").rename(path))
    assert (finding.rule, finding.cell) == ("formula-without-value", "A2")


def random_text(source: random.Random) -> str:
    text = "".join(source.choice("ab 07,;\"'\n\t=é日🙂<&>") for _ in range(source.randrange(9)))
    return text if text.strip() else ""  # openpyxl writes a text of blanks as one that reads as nothing


def random_value(source: random.Random) -> Any:
    """A cell's value of any type; a tenth are blank."""
    day = datetime(1900, 3, 1) + timedelta(days=source.randrange(2_900_000))  # noqa: DTZ001
    return source.choice(
        (
            None,
            random_text(source),
            str(source.randrange(100)),
            source.randrange(-(10**15), 10**15),
            source.randrange(100),
            source.uniform(-1e6, 1e6),
            round(source.uniform(0, 100), 2),
            source.uniform(0, 1) * 10.0 ** source.randrange(-12, 25),
            source.random() < 0.5,
            day.date(),
            day + timedelta(seconds=source.randrange(86_400)),
            time(source.randrange(24), source.randrange(60), source.randrange(60)),
            timedelta(seconds=source.randrange(10**6)),
        )
    )


def random_sheet(source: random.Random) -> bytes:
    made = book({"Other": [["x"]], "Data": []})
    down, right = source.choice((0, 0, 3)), source.choice((0, 0, 2))
    for row in range(source.randrange(1, 12)):
        for column in range(source.randrange(1, 7)):
            if source.random() < 0.8:
                made["Data"].cell(down + row + 1, right + column + 1).value = random_value(source)
    for row in made["Data"].iter_rows():
        for cell in row:
            cell.data_type = "s" if cell.data_type == "f" else cell.data_type  # a text that starts with =
    return saved(made)


def as_openpyxl_reads(content: bytes) -> list[list[str]]:
    """The same sheet, read by openpyxl and told in the words of docs/workbooks.md."""
    values = [list(row) for row in load_workbook(io.BytesIO(content), data_only=True)["Data"].values]
    held = [(y, x) for y, row in enumerate(values) for x, value in enumerate(row) if value not in (None, "")]
    if not held:
        return []
    (top, left), (bottom, right) = ((f(y for y, _ in held), f(x for _, x in held)) for f in (min, max))
    timed = {x for y, x in held if isinstance(values[y][x], datetime) and values[y][x].time() != time()}
    return [[spelt(values[y][x], x in timed) for x in range(left, right + 1)] for y in range(top, bottom + 1)]


def spelt(value: Any, timed: bool) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) or (isinstance(value, int) and abs(value) > 2**53):
        digits = f"{Decimal(repr(float(value))):f}"
        return digits.rstrip("0").rstrip(".") if "." in digits else digits
    if isinstance(value, datetime):
        return value.isoformat() if timed or value.time() != time() else value.date().isoformat()
    if isinstance(value, timedelta):
        hours, seconds = divmod(round(value.total_seconds()), 3600)
        parts = [(hours, "H"), (seconds // 60, "M"), (seconds % 60, "S")]
        return "PT" + ("".join(f"{count}{unit}" for count, unit in parts if count) or "0S")
    return "" if value is None else str(value)


@pytest.mark.parametrize("seed", range(10))
def test_openpyxl_reads_random_workbooks_alike(write: Write, seed: int) -> None:
    source = random.Random(seed)
    for _ in range(25):
        content = random_sheet(source)
        expected = as_openpyxl_reads(content)
        path = write(content, "book.xlsx")
        if expected:
            assert records(path, {"sheetName": "Data"}) == expected
            path.with_name("out.csv").unlink()
        else:
            assert refused(path, {"sheetName": "Data"}).rule == "sheet-empty"
