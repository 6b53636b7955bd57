from __future__ import annotations

from pathlib import Path

import pytest

from gateway.pages.evidence import of_doubt, of_sheet, of_table
from tabular.check import check_table
from tabular.encoding import detect_encoding
from tabular.encodingfound import EncodingFound
from tests.workbooks import book, saved

AS_IT_WAS = "else byte for byte as it was uploaded; the original file is kept beside it"


def shown(path: Path, declared: str | None = None) -> list[tuple[str, str]]:
    found = detect_encoding(path, declared)
    assert isinstance(found, EncodingFound)
    return of_table({"encoding": found.to_dict()})


def test_a_guess_in_doubt_shows_every_reading_with_its_judges(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_bytes("id,name\n1,Melissa Donà\n".encode("cp850"))
    lines = dict(shown(path))
    assert lines["Encoding"].startswith("cp1252: guessed from the bytes, 9")
    assert lines["Encoding"].endswith("% sure, in doubt")
    assert lines["A cell in cp850"] == "Melissa Donà"
    assert "the letters of its language, chardet" in lines["A cell in cp1252"]
    assert 'declare "encoding": "cp1252"' in lines["Note"]


def test_a_declaration_that_the_letters_doubt_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "towns.csv"
    path.write_bytes("id,miasto\n1,Łódź\n2,Świętokrzyskie\n3,Żywiec\n4,Gdańsk\n".encode("cp1250"))
    lines = dict(shown(path, "cp1252"))
    assert lines["Encoding"] == "cp1252: as declared, and every byte agrees"
    assert "in cp1250 it would read “Łódź”" in lines["Note"]


def test_a_declaration_that_gave_way_is_told(tmp_path: Path) -> None:
    path = tmp_path / "towns.csv"
    path.write_text("id,town\n1,Łódź\n", encoding="utf-8")
    lines = dict(shown(path, "cp1250"))
    assert lines["Encoding"] == "utf-8: every byte is well-formed UTF-8"
    assert lines["Declared encoding"].startswith("cp1250: not used, ")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"source": "guess", "evidence": {"sure": False}}, "guessed and is in doubt"),
        ({"source": "guess", "evidence": {"sure": True}}, ""),
        ({"source": "declared", "evidence": {"doubt": "read as declared"}}, "as declared, though"),
        ({"source": "utf-8", "evidence": {}}, ""),
    ],
)
def test_only_what_is_in_doubt_is_told_before_the_rows(facts: dict[str, object], words: str) -> None:
    told = of_doubt({"encoding": facts})
    assert words in told
    assert bool(words) == bool(told)


def test_a_workbooks_sheets_are_told_all_by_name_and_the_first_of_many_in_the_sentence(tmp_path: Path) -> None:
    path = tmp_path / "towns.xlsx"
    path.write_bytes(saved(book({"Towns": [["a"], [1]], **{f"Old {number}": [["x"]] for number in range(10)}})))
    opened = check_table(path, {"name": "towns", "path": "towns.xlsx"}, tmp_path).opened
    assert opened is not None
    facts = {"load": opened.to_dict()}
    lines = dict(of_table(facts))
    assert lines["Sheet"] == "Towns, cells A1:A2"
    assert lines["Other sheets"] == ", ".join(f"Old {number}" for number in range(10))
    assert of_sheet(facts).startswith("The sheet “Towns” of a workbook. Not shown: “Old 0”, ")
    assert "“Old 7” and 2 more; download the original" in of_sheet(facts)
    assert of_sheet({"load": {}}) == ""


def test_how_far_rows_were_checked_and_what_was_looked_up() -> None:
    key = {"fields": ["home"], "reference": {"resource": "", "fields": ["id"]}}
    evidence = {"foreign_keys": [key], "unique_keys": [["year", "code"]]}
    facts = {"rows": 1_234_567, "truncated": False, "inferred": False, "evidence": evidence, "notes": ["Not all."]}
    assert of_table({"validate": facts}) == [
        ("Rows checked", "1,234,567, all of them"),
        ("Schema", "the publisher's"),
        ("Foreign key", "home → this table: id, looked up for every row"),
        ("Unique key", "year, code, compared over all rows"),
        ("Note", "Not all."),
    ]
    cut = dict(of_table({"validate": {**facts, "truncated": True, "inferred": True, "reasons": ["x is text."]}}))
    assert (cut["Rows checked"], cut["Schema"]) == ("1,234,567", "inferred from all rows")
    assert cut["Taken as text"] == "x is text."


def test_the_kind_of_csv_and_the_form_that_was_published() -> None:
    candidates = [{"delimiter": ";"}, {"delimiter": ","}]
    evidence = {"candidates": candidates, "header": {"why": "it says so"}, "notes": ["2 lines left out."]}
    lines = of_table({"csvkind": {"evidence": evidence, "header_rows": [1, 2]}, "dump": {"unchanged": False}})
    assert lines == [
        ("Cells apart by", "semicolon, fits better than comma"),
        ("Header", "row 1 and 2: it says so"),
        ("Reading", "2 lines left out."),
        ("Published", "as UTF-8 with commas; the original file is kept beside it"),
    ]
    assert of_table({"load": None, "encoding": [], "validate": {"evidence": "?"}}) == []


@pytest.mark.parametrize(
    ("encoding", "load", "form"),
    [
        ("utf-8", {}, "byte for byte as it was uploaded"),
        ("cp1252", {}, f"turned into UTF-8, {AS_IT_WAS}"),
        ("utf-8-sig", {}, f"without its byte order mark, {AS_IT_WAS}"),
        ("utf-8", {"compression": "gzip"}, f"unpacked, {AS_IT_WAS}"),
        ("utf-16", {"compression": "zip"}, f"unpacked and turned into UTF-8, {AS_IT_WAS}"),
    ],
)
def test_what_was_done_to_the_bytes_that_are_published(encoding: str, load: dict[str, str], form: str) -> None:
    lines = of_table({"load": load, "encoding": {"encoding": encoding}, "dump": {"unchanged": True}})
    assert lines[-1] == ("Published", form)
