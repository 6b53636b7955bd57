"""P: files that are wrong. Most of the catalogue is with the code that reads tables; here is what crosses its parts."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from tabular.check import check_table
from tabular.csvkind import CsvKind

SPECTRUM: dict[str, tuple[str, list[list[str]]]] = {
    "comma_in_quotes": ('first,last\nJohn,"Doe, J."\n', [["first", "last"], ["John", "Doe, J."]]),
    "empty": ('a,b,c\n1,"",""\n2,3,4\n', [["a", "b", "c"], ["1", "", ""], ["2", "3", "4"]]),
    "empty_crlf": ('a,b,c\r\n1,"",""\r\n2,3,4\r\n', [["a", "b", "c"], ["1", "", ""], ["2", "3", "4"]]),
    "escaped_quotes": ('a,b\n1,"ha ""ha"" ha"\n3,4\n', [["a", "b"], ["1", 'ha "ha" ha'], ["3", "4"]]),
    "json": (
        'key,val\n1,"{""type"": ""Point"", ""coordinates"": [102.0, 0.5]}"\n',
        [["key", "val"], ["1", '{"type": "Point", "coordinates": [102.0, 0.5]}']],
    ),
    "newlines": (
        'a,b,c\n1,2,3\n"Once upon \na time",5,6\n',
        [["a", "b", "c"], ["1", "2", "3"], ["Once upon \na time", "5", "6"]],
    ),
    "newlines_crlf": (
        'a,b\r\n1,2\r\n"Once upon \r\na time",5\r\n',
        [["a", "b"], ["1", "2"], ["Once upon \r\na time", "5"]],
    ),
    "quotes_and_newlines": ('a,b\n1,"ha \n""ha"" \nha"\n3,4\n', [["a", "b"], ["1", 'ha \n"ha" \nha'], ["3", "4"]]),
    "simple": ("a,b,c\n1,2,3\n", [["a", "b", "c"], ["1", "2", "3"]]),
    "simple_crlf": ("a,b,c\r\n1,2,3\r\n", [["a", "b", "c"], ["1", "2", "3"]]),
    "utf8": ("a,b,c\n1,2,3\n4,5,ʤ\n", [["a", "b", "c"], ["1", "2", "3"], ["4", "5", "ʤ"]]),
}


@pytest.mark.parametrize("name", SPECTRUM)
def test_the_forms_of_csv_spectrum_are_read_as_they_are_meant(name: str, tmp_path: Path) -> None:
    """P18."""
    text, rows = SPECTRUM[name]
    path = tmp_path / f"{name}.csv"
    path.write_bytes(text.encode())
    result = check_table(path, {"name": "t", "path": path.name}, tmp_path / "work")
    assert result.valid, result.to_dict()
    assert isinstance(result.kind, CsvKind)
    dialect: Any = result.kind.dialect
    with path.open(encoding="utf-8", newline="") as file:
        read = list(csv.reader(file, delimiter=dialect.get("delimiter", ","), quotechar=dialect.get("quoteChar", '"')))
    assert read == rows


FORMULAS = ("=cmd|'/c calc'!A0", "@SUM(1)", "+x", "-x", "\tx", "=1+1", "-1.5.x", "+1-1")


def test_what_a_spreadsheet_would_compute_is_published_as_it_is_and_listed_as_text(tmp_path: Path) -> None:
    """P19."""
    path = tmp_path / "table.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([["a", "b"], *([formula, "1"] for formula in FORMULAS)])
    resource = {"name": "t", "path": path.name, "schema": {"fields": [{"name": "a", "type": "string"}, {"name": "b"}]}}
    result = check_table(path, resource, tmp_path / "work")
    assert result.valid, result.to_dict()
    strict = {**resource, "schema": {"fields": [{"name": "a", "type": "integer"}, {"name": "b"}]}}
    (tmp_path / "listed").mkdir()
    refused = check_table(path, strict, tmp_path / "listed")
    assert not refused.valid
    with (tmp_path / "listed" / "errors.csv").open(encoding="utf-8", newline="") as file:
        listed = list(csv.DictReader(file))
    assert [each["cell"] for each in listed] == [f"'{formula}" for formula in FORMULAS]
