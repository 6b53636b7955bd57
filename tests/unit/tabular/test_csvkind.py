from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tabular.csvkind import CsvKind, NotCsv, detect_kind
from tabular.dialect import Dialect
from tabular.limits import Limits
from tabular.rows import read_data
from tests.unit.tabular.conftest import Write
from tests.workbooks import zipped


def kind(path: Path, declared: dict[str, Any] | None = None, names: tuple[str, ...] = ()) -> CsvKind:
    result = detect_kind(path, declared, field_names=names)
    assert isinstance(result, CsvKind), result
    return result


def refused(path: Path, limits: Limits | None = None) -> NotCsv:
    result = detect_kind(path, limits=limits)
    assert isinstance(result, NotCsv), result
    return result


@pytest.mark.parametrize(
    ("text", "delimiter", "columns"),
    [
        ("a,b\n1,2\n3,4\n", ",", 2),
        ("a;b;c\n1;2;3\n", ";", 3),
        ("preis;menge\n1,50;3\n2,75;4\n10,00;5\n", ";", 2),
        ("a\tb\n1\t2\n", "\t", 2),
        ("a|b\n1|2\n", "|", 2),
        ("a:b\n1:2\n3:4\n", ":", 2),
        ("time,value\n10:15:00,1\n10:16:00,2\n", ",", 2),
        ("url,n\nhttp://a.b/c:1,1\nhttp://a.b/c:2,2\n", ",", 2),
        ("name;text\nx;a, b, c\ny;d, e\n", ";", 2),
        ('name,text\nx,"a; b; c; d"\ny,"e; f"\n', ",", 2),
        ('name,text\nx,"a\nb; c"\ny,"e"\n', ",", 2),
        ("text\nhello\nworld\n", ",", 1),
        ("text\nhello, world\nwell, yes, no\nnothing\n", ";", 1),
        ("a,b,c\n1,2\n1,2,3,4\n1,2,3\n", ",", 3),
        ("a,b", ",", 2),
        ("a,b\r1,2\r3,4\r", ",", 2),
        ("a,b\n1,2\r\n3,4\r5,6", ",", 2),
        ("id;name\n1;Müller, Anna\n2;Weiß, Bob\n", ";", 2),
    ],
)
def test_the_delimiter_is_told(write: Write, text: str, delimiter: str, columns: int) -> None:
    result = kind(write(text))
    assert (result.dialect["delimiter"], result.columns) == (delimiter, columns)
    assert result.header_rows == (1,)
    assert result.evidence["candidates"], "the evidence is recorded"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n'x,y',2\n'z,w',3\n", {"quoteChar": "'"}),
        ('a,b\n"x\\"y,z",2\n"q\\"r,s",3\n', {"escapeChar": "\\", "doubleQuote": False}),
        ('a, b\n1, "x,y"\n2, "z"\n', {"skipInitialSpace": True}),
        ("a,b\r\n1,2\r\n", {"lineTerminator": "\r\n"}),
        ("a,b\n1,2\n", {"lineTerminator": "\n", "quoteChar": '"', "doubleQuote": True}),
        ("a,b\r1,2\r", {"lineTerminator": "\r"}),
    ],
)
def test_quotes_and_line_ends_are_told(write: Write, text: str, expected: dict[str, Any]) -> None:
    dialect = kind(write(text)).dialect
    assert {key: dialect[key] for key in expected} == expected


def test_what_was_declared_is_kept(write: Write) -> None:
    result = kind(write("a;b,c\n1;2,3\n"), {"delimiter": ";", "header": True})
    assert (result.dialect["delimiter"], result.columns) == (";", 2)
    assert kind(write("1,2\n"), {"header": False}).header_rows == ()
    assert kind(write("# note\na,b\n1,2\n"), {"headerRows": [2]}).header_rows == (2,)


def test_a_declared_delimiter_that_makes_one_column_is_kept_and_doubted(write: Write) -> None:
    result = kind(write("a;b\n1;2\n"), {"delimiter": ","})
    assert (result.dialect["delimiter"], result.columns) == (",", 1)
    assert "';'" in result.evidence["doubt"]


@pytest.mark.parametrize("declared", [{"delimiter": ""}, {"delimiter": ";;"}, {"headerRows": "x"}, {"quoteChar": "\n"}])
def test_an_unusable_dialect_is_a_finding(write: Write, declared: dict[str, Any]) -> None:
    result = detect_kind(write("a,b\n"), declared)
    assert isinstance(result, NotCsv)
    assert result.finding.rule == "bad-dialect"


def test_a_separator_line_is_a_hint_and_no_data(write: Write) -> None:
    result = kind(write("sep=|\r\na|b\r\n1|2\r\n"))
    assert (result.dialect["delimiter"], result.header_rows, result.columns) == ("|", (2,), 2)


@pytest.mark.parametrize(
    ("text", "has_header"),
    [
        ("id,when,price\n1,2020-01-01,1.5\n2,2020-01-02,2.5\n", True),
        ("1,2020-01-01,1.5\n2,2020-01-02,2.5\n3,2020-01-03,3.5\n", False),
        ("country,1990,1991\nFR,1.5,2.5\nDE,3.5,4.5\n", True),
        ("a,b\nx,y\nz,w\n", True),
        ("1,2,3\n4,5,6\n7,8,9\n", True),
        ("id,name\n", True),
    ],
)
def test_the_header_is_a_header_unless_it_clearly_is_data(write: Write, text: str, has_header: bool) -> None:
    assert kind(write(text)).header_rows == ((1,) if has_header else ())


def test_a_name_of_the_schema_in_the_first_row_makes_it_the_header(write: Write) -> None:
    assert kind(write("1.5,2.5\n2.5,3.5\n"), names=("1.5", "x")).header_rows == (1,)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG image"),
        (b"%PDF-1.7\n", "a PDF document"),
        (zipped({"[Content_Types].xml": "", "xl/workbook.xml": ""}), "an Excel workbook (XLSX)"),
        (b"\x7fELF\x02\x01", "a program (ELF)"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"PAR1\x15\x04\x15", "a Parquet file"),
        (b"\x1f\x8b\x08\0", "a gzip archive"),
        (bytes(range(1, 256)) * 20, "binary data"),
        (b"<!DOCTYPE html>\n<html><body>404, not found</body></html>", "an HTML page"),
        (b"  <HTML><head><title>a,b</title>", "an HTML page"),
        (b'<?xml version="1.0"?>\n<rows><row a="1"/></rows>\n', "an XML document"),
        (b'{"name": "x",\n"rows": [1,2]}', "a JSON document"),
        (b'[{"a": 1, "b": 2},\n {"a": 3, "b": 4}]', "a JSON document"),
        (b'{"a": 1, "b": 2}\n{"a": 3, "b": 4}\n', "a JSON document"),
    ],
)
def test_something_else_named_csv_is_called_by_its_name(write: Write, content: bytes, what: str) -> None:
    result = refused(write(content))
    assert result.finding.rule == "not-csv"
    assert what in result.finding.message


@pytest.mark.parametrize(
    "text",
    ["MZ,PAR1\nMaputo,x\n", "[id],[name]\n1,a\n", "<5,>5\n1,2\n", '{"a":1},b\n2,3\n', "ORC,x\n1,2\n", "BZh,a\n1,2\n"],
)
def test_a_csv_that_starts_oddly_is_a_csv(write: Write, text: str) -> None:
    assert kind(write(text)).columns == 2


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"  \n\n \t\r\n"])
def test_an_empty_file_is_named(write: Write, content: bytes) -> None:
    assert refused(write(content)).finding.rule == "empty-file"


@pytest.mark.parametrize(
    ("text", "header_rows", "skipped"),
    [
        ("Sales, 2024\n\na;b\n1;2.5\n3;4.5\n", (3,), ["Sales, 2024"]),
        ("Report;;\n;;\nname;n;m\nx;1;2\ny;3;4\nz;5;6\n", (3,), ["Report;;"]),
        ("# made by x\n# on Monday\na,b\n1,2\n3,4\n", (3,), ["# made by x", "# on Monday"]),
        (
            "Notes:\nsee below\n\n1.5;2020-01-01\n2.5;2020-01-02\n3.5;2020-01-03\n4.5;2020-01-04\n0.5;2020-01-05\n",
            (),
            ["Notes:", "see below"],
        ),
    ],
)
def test_what_stands_above_the_table_is_left_out_and_told(
    write: Write, text: str, header_rows: tuple[int, ...], skipped: list[str]
) -> None:
    path = write(text)
    result = kind(path)
    assert result.header_rows == header_rows
    assert result.evidence["skipped"]["first"] == skipped
    assert skipped[0] in result.evidence["notes"][0]
    cells = next(iter(read_data(path, Dialect.from_descriptor(result.dialect))))[1]
    assert result.dialect["delimiter"].join(cells) == text.splitlines()[header_rows[-1] if header_rows else 3]


@pytest.mark.parametrize(
    "text", ["a,b\n\n1,2\n3,4\n", "a\n1,2\n3,4\n", "x\ny,z\nu,v\n", "a,b,c\n1,2\n1,2,3,4\n1,2,3\n"]
)
def test_data_is_never_taken_for_a_preamble(write: Write, text: str) -> None:
    path = write(text)
    result = kind(path)
    rows = [cells for _, cells in read_data(path, Dialect.from_descriptor(result.dialect)) if cells]
    assert len(rows) == len(text.split()) - 1


def test_comments_among_the_rows_are_left_out(write: Write) -> None:
    path = write("a,b\n1,2\n# second part\n3,4\n# end\n5,6\n")
    result = kind(path)
    assert result.dialect["commentChar"] == "#"
    assert [cells[0] for _, cells in read_data(path, Dialect.from_descriptor(result.dialect))] == ["1", "3", "5"]


def test_values_that_begin_with_a_hash_are_no_comments(write: Write) -> None:
    result = kind(write("colour,name\n#ff0000,red\n#00ff00,green\n#0000ff,blue\n"))
    assert "commentChar" not in result.dialect
    assert result.header_rows == (1,)


def test_what_is_not_sure_is_said(write: Write) -> None:
    result = kind(write("a^b~c\n1^2~3\n4^5~6\n"))
    assert any("Not sure" in note for note in result.evidence["notes"])


def test_a_declared_delimiter_makes_a_table_of_what_looks_like_something_else(write: Write) -> None:
    path = write("BEGIN TRANSACTION;x\nCOMMIT;y\n")
    assert isinstance(detect_kind(path), NotCsv)
    assert kind(path, {"delimiter": ";"}).columns == 2


@pytest.mark.parametrize(
    ("content", "row", "field", "offset"),
    [
        (b"a\0,b\n1,2\n", 1, "1", 1),
        (b"a,b\n1,\x002\n3,4\n", 2, "2", 6),
        (b'a,b\n"x\ny",2\n3,\0\n', 3, "2", 14),
        (b'a,b\n1,2\n"x\n\0",2\n', 3, "1", 11),
        (b"a,b\n" + b"1,2\n" * 400_000 + b"1,\0\n", 400_002, "2", 1_600_006),
        (b'a,b\n"' + b"x\n" * 450_000 + b'",2\n3,\0\n', 3, "2", 900_011),
    ],
)
def test_a_nul_byte_is_found_where_it_is(write: Write, content: bytes, row: int, field: str, offset: int) -> None:
    finding = refused(write(content)).finding
    assert (finding.rule, finding.row, finding.field, finding.byte_offset) == ("nul-byte", row, field, offset)
    assert finding.line == content[:offset].count(b"\n") + 1


@pytest.mark.parametrize(
    ("content", "row", "line"),
    [
        (b'"a,b\n1,2\n3,4\n', 1, 1),
        (b'a,b\n1,2\n"3,4\n5,6\n', 3, 3),
        (b'a,b\n1,"2\n', 2, 2),
        (b'a,b\n"x\ny",1\n2,"3', 3, 4),
        (b'a,b\n1,"x\n2,"y"\n3,z\n', 2, 2),
        (b'a,b\n1,"x\n' + b"2,y\n" * 1_000_000, 2, 2),
        (b'a,b\n1,"x\n' + b"2,y\n" * 5_000_000, 2, 2),
        (b'a,b\n1,"x\n' + b"2,y\n" * 5_000_000 + b'3,"z"\n', 2, 2),
    ],
)
def test_a_quote_never_closed_is_found_where_it_opens(write: Write, content: bytes, row: int, line: int) -> None:
    finding = refused(write(content)).finding
    assert (finding.rule, finding.row, finding.line) == ("unterminated-quote", row, line)


@pytest.mark.parametrize("quoted", [True, False])
@pytest.mark.parametrize("newlines", [True, False])
def test_a_50_mb_cell_is_named_and_never_held(write: Write, quoted: bool, newlines: bool) -> None:
    cell = (b"line\n" if newlines and quoted else b"line ") * 10_000_000
    if quoted:
        cell = b'"' + cell + b'"'
    path = write(b"a,b\n1,2\n3," + cell + b"\n5,6\n")
    code = (
        "import sys, tabular.csvkind, pathlib\n"
        "finding = tabular.csvkind.detect_kind(pathlib.Path(sys.argv[1])).finding\n"
        "print(finding.rule, finding.row, finding.line, finding.field)\n"
        "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    told, peak_kb = done.stdout.splitlines()
    assert told == "cell-too-large 3 3 2"
    assert int(peak_kb) < 250_000  # 60 MB are libraries; `csv` takes four bytes a character, up to the limit of a row


def test_a_cell_just_above_the_limit_is_found(write: Write) -> None:
    limits = Limits(cell_bytes=1_000)
    path = write("a,b\n1,2\n1," + "x" * 1_001 + "\n")
    finding = refused(path, limits).finding
    assert (finding.rule, finding.row, finding.line, finding.field) == ("cell-too-large", 3, 3, "2")
    finding = refused(write('a,b\n1,2\n1,"' + "x" * 1_001 + '"\n'), limits).finding
    assert (finding.rule, finding.row, finding.field) == ("cell-too-large", 3, "2")
    assert isinstance(detect_kind(write("a,b\n1," + "x" * 1_000 + "\n"), limits=limits), CsvKind)


def test_a_row_of_many_ordinary_cells_may_be_too_large(write: Write) -> None:
    limits = Limits(row_bytes=2_000_000)
    path = write("a,b\n" + ",".join(["x" * 500_000] * 8) + "\n")
    finding = refused(path, limits).finding
    assert (finding.rule, finding.row) == ("row-too-large", 2)


@pytest.mark.parametrize("columns", [10_001, 100_000, 1_000_000])
@pytest.mark.parametrize("cell", ["1234567", '"x"'])
def test_too_many_columns_are_refused(write: Write, columns: int, cell: str) -> None:
    path = write(",".join([cell] * columns) + "\n")
    finding = refused(path).finding
    assert (finding.rule, finding.row) == ("too-many-columns", 1)


def test_five_thousand_columns_are_fine(write: Write) -> None:
    row = ",".join(map(str, range(5_000)))
    result = kind(write(",".join(f"c{number}" for number in range(5_000)) + "\n" + f"{row}\n" * 50))
    assert (result.columns, result.records) == (5_000, 51)


def test_text_after_a_closing_quote_is_read_and_noted(write: Write) -> None:
    result = kind(write('a,b\n"x"y,1\n"z",2\n"q"r,"s\nt"\n'))
    assert result.records == 4
    assert result.evidence["stray_quotes"]["rows"] == 2
    assert result.evidence["stray_quotes"]["first_row"] == 2


def test_quotes_inside_of_plain_cells_are_text(write: Write) -> None:
    assert kind(write('a,b\n5" pipe,1\nx"y"z,2\n')).records == 3


@pytest.mark.parametrize(
    ("text", "records"),
    [
        ("a,b\n1,2", 2),
        ("a,b\n\n1,2\n\n", 4),
        ('a,b\n"1\n2",3\n', 2),
        ('a,b\r"1\r2",3\r4,5', 3),
        ("a,b\n" + "1,2\n" * 600_000, 600_001),
        ("a,b\n" + '"1\r\n1",2\r\n' * 200_000, 200_001),
        ("a,b\r" + "1,2\r" * 600_000, 600_001),
    ],
)
def test_records_are_counted_as_a_csv_reader_counts_them(write: Write, text: str, records: int) -> None:
    assert kind(write(text)).records == records


@pytest.mark.parametrize("header", ["a," + "x" * 64_000, "\ufeff\ufeffa,b", "a,\ufeffb"])
def test_a_name_no_column_can_have_is_refused(write: Write, header: str) -> None:
    finding = refused(write(header + "\n1,2\n")).finding
    assert (finding.rule, finding.row) == ("column-name", 1)
    assert len(finding.to_dict()["cell"]) <= 80


def test_a_big_file_is_scanned_in_the_memory_of_a_small_one(tmp_path: Path) -> None:
    # Beside one of a tenth of its size: what the compiled pass and its libraries take differs between machines.
    (small, few), (big, many) = (scanned(tmp_path / f"{parts}.csv", parts) for parts in (30, 300))
    assert (few, many) == (300_001, 3_000_001)
    assert big - small < 20_000


def scanned(path: Path, parts: int) -> tuple[int, int]:
    """Kilobytes that a process took at most to find the kind of a file, and the records that it counted."""
    with path.open("w") as out:
        out.write("a,b,c\n")
        for number in range(parts):
            out.write(f'{number},"te,xt",3\n' * 10_000)
    code = (
        "import sys; from pathlib import Path; from tabular.csvkind import detect_kind;"
        "r = detect_kind(Path(sys.argv[1])); print(r.records);"
        "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1])"
    )
    limit = 1_500_000_000
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    records, peak_kb = map(int, done.stdout.split())
    return peak_kb, records
