from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tabular.dump import preview, write_canonical
from tests.unit.tabular.conftest import Write


def dumped(path: Path, dialect: dict[str, Any] | None = None, encoding: str = "utf-8", **more: Any) -> bytes:
    out = path.parent / "canonical"
    result = write_canonical(path, encoding, dialect, out, **more)
    assert not result.unchanged
    content = out.read_bytes()
    assert (result.size, result.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    return content


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "a,b\r\n1,2\r\n", "a,b\r1,2", 'a,b\n"x\ny","=1+1"\n\n'])
def test_a_canonical_file_is_published_as_it_is(write: Write, tmp_path: Path, text: str) -> None:
    result = write_canonical(write(text), "utf-8", {"delimiter": ",", "lineTerminator": "\n"}, tmp_path / "out")
    assert (result.unchanged, result.sha256) == (True, hashlib.sha256(text.encode()).hexdigest())
    assert result.rows == sum(1 for _ in csv.reader(io.StringIO(text, newline=""))) - 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "dialect", "canonical"),
    [
        ("a;b\n1,5;2\n", {"delimiter": ";"}, b'a,b\r\n"1,5",2\r\n'),
        ("a\tb\n1\tx y\n", {"delimiter": "\t"}, b"a,b\r\n1,x y\r\n"),
        ("a,b\n'x,y','it''s'\n", {"quoteChar": "'"}, b'a,b\r\n"x,y",it\'s\r\n'),
        ('a,b\n"x\\"y",2\n', {"escapeChar": "\\", "doubleQuote": False}, b'a,b\r\n"x""y",2\r\n'),
        ("sep=;\na;b\n1;2\n", {"delimiter": ";", "headerRows": [2]}, b"a,b\r\n1,2\r\n"),
        ("#x\na,b\n#y\n1,2\n", {"headerRows": [2], "commentChar": "#"}, b"a,b\r\n1,2\r\n"),
        ("a;b\n007; x\n1.50;=1+1\n;\n", {"delimiter": ";"}, b"a,b\r\n007, x\r\n1.50,=1+1\r\n,\r\n"),
        ("a;b\n1\n1;2;3\n", {"delimiter": ";"}, b"a,b\r\n1\r\n1,2,3\r\n"),
        ("a;b\n1;x\u2028y\u0085z\n", {"delimiter": ";"}, "a,b\r\n1,x\u2028y\u0085z\r\n".encode()),
    ],
)
def test_another_dialect_is_rewritten_cell_by_cell(
    write: Write, text: str, dialect: dict[str, Any], canonical: bytes
) -> None:
    assert dumped(write(text), dialect) == canonical


def test_a_byte_order_mark_and_other_encodings_are_gone(write: Write) -> None:
    assert dumped(write(b"\xef\xbb\xbfa,b\n1,2\n"), encoding="utf-8-sig") == b"a,b\r\n1,2\r\n"
    assert dumped(write("a,b\n1,é\n".encode("cp1252")), encoding="cp1252") == "a,b\r\n1,é\r\n".encode()


def test_a_table_without_a_header_gets_the_names_of_its_fields(write: Write) -> None:
    path = write("1,2\n3,4\n")
    assert dumped(path, {"header": False}, field_names=["a", "b"]) == b"a,b\r\n1,2\r\n3,4\r\n"
    assert write_canonical(path, "utf-8", {"header": False}, path.parent / "out", field_names=["a", "b"]).rows == 2
    assert dumped(path, {"header": False}) == b"1,2\r\n3,4\r\n"


def test_nothing_is_left_behind_after_a_failure(write: Write, tmp_path: Path) -> None:
    with pytest.raises(UnicodeDecodeError):
        write_canonical(write(b"a;b\n1;\xff\n"), "utf-8", {"delimiter": ";"}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=6)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(table=st.lists(st.lists(cells, min_size=1, max_size=4), min_size=1, max_size=6))
def test_whatever_the_cells_they_come_out_as_they_went_in(tmp_path: Path, table: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows(table)
    (tmp_path / "in").write_bytes(text.getvalue().encode())
    result = write_canonical(tmp_path / "in", "utf-8", {"delimiter": ";", "header": False}, tmp_path / "out")
    read = list(csv.reader(io.StringIO((tmp_path / "out").read_bytes().decode(), newline="")))
    assert read == table
    assert result.rows == len(table)


def test_the_preview_shows_the_start_and_says_what_it_left_out(write: Write) -> None:
    shown = preview(write("a,b\n" + "1,2\n" * 101))
    assert shown == {
        "header": ["a", "b"],
        "rows": [["1", "2"]] * 100,
        "more_rows": True,
        "more_columns": False,
        "cut_cells": False,
    }
    wide = preview(write("a,b,c\n" + "x" * 600 + ",2,3\n"), columns=2)
    assert (wide["more_rows"], wide["more_columns"], wide["cut_cells"]) == (False, True, True)
    assert len(wide["rows"][0][0]) == 500
    json.dumps(wide)


def test_the_preview_of_a_bare_header_has_no_rows(write: Write) -> None:
    assert preview(write("a;b\n"), dialect={"delimiter": ";"})["rows"] == []
