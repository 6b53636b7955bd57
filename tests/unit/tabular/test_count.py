from __future__ import annotations

import csv
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tabular.count import count_errors
from tabular.finding import Finding
from tabular.limits import Limits
from tabular.lines import LineCounter
from tabular.summary import Summary, summary_of_findings
from tabular.validation import validate_table
from tabular.words import advice_on
from tests.unit.tabular.conftest import Write

AGE = {"name": "age", "type": "integer", "constraints": {"maximum": 150, "required": True}}
PEOPLE = {"primaryKey": "id", "fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}, AGE]}
DIRTY = 'id,name,age\r\n1,"two\nlines",7\r\n1,b,8\r\nx,"c\r\nd",200\r\n,,\r\n2,e\r\n3,f,9,10\r\n' + "".join(
    f"{number},g,old\r\n" for number in range(10, 60)
)
PATHS = pytest.mark.parametrize("fast_from", [0, None], ids=["fast", "slow"])


def count(path: Path, schema: Any = None, **limits: Any) -> Summary:
    bounds = Limits(**limits)
    resource = {"name": "people", "schema": schema or PEOPLE}
    validation = validate_table(path, resource=resource, limits=bounds)
    return count_errors(path, validation, path.parent, resource=resource, limits=bounds)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def counts(summary: Summary) -> dict[tuple[str, str | None, str | None], int]:
    return {(group.rule, group.field, group.kind): group.count for group in summary.groups}


@PATHS
def test_errors_are_counted_in_full_though_the_report_stops(write: Write, fast_from: int | None) -> None:
    summary = count(write(DIRTY), fast_from=fast_from, errors=2)
    assert counts(summary) == {
        ("type-error", "age", "integer"): 50,
        ("type-error", "id", "integer"): 1,
        ("primary-key", "id", None): 3,
        ("constraint-error", "age", "maximum"): 1,
        ("constraint-error", "age", "required"): 1,
        ("blank-row", None, None): 1,
        ("extra-cell", None, None): 1,
        ("missing-cell", "age", None): 1,
    }
    assert (summary.errors, summary.bad_rows, summary.rows, summary.complete) == (59, 55, 56, True)


@PATHS
def test_every_example_has_row_line_byte_offset_and_cell(write: Write, fast_from: int | None) -> None:
    path = write(DIRTY)
    summary = count(path, fast_from=fast_from, errors=2)
    found = next(group for group in summary.groups if group.kind == "maximum").examples
    offset = path.read_bytes().index(b'x,"c')
    assert found == (Finding("constraint-error", "Must be at most 150.", 4, 5, offset, "age", "200"),)
    first, second, third = next(group for group in summary.groups if group.rule == "primary-key").examples
    assert (first.row, first.line, first.message) == (3, 4, "Row 2 has this key already.")
    assert (second.row, second.line, second.message) == (4, 5, "The key is blank.")
    assert (third.row, third.line) == (5, 7)


@PATHS
def test_the_lists_have_every_error_and_every_bad_row_in_order(write: Write, fast_from: int | None) -> None:
    path = write(DIRTY)
    count(path, fast_from=fast_from, errors=2)
    errors, annotated = rows(path.parent / "errors.csv"), rows(path.parent / "annotated.csv")
    assert len(errors) == 59
    assert errors[0]["rule"] == "primary-key"
    assert [int(error["row"]) for error in errors] == sorted(int(error["row"]) for error in errors)
    bytes_at = [path.read_bytes()[int(error["byte_offset"]) :] for error in errors]
    assert bytes_at[-1].startswith(b"59,g,old")
    assert len(annotated) == 55
    assert annotated[1] == {
        "_row": "4",
        "_line": "5",
        "_errors": "id: This is not a whole number.; age: Must be at most 150.; id: The key is blank.",
        "id": "x",
        "name": "c\r\nd",
        "age": "200",
    }


@PATHS
def test_lists_that_are_cut_say_so(write: Write, fast_from: int | None) -> None:
    path = write(DIRTY)
    summary = count(path, fast_from=fast_from, errors=2, listed_errors=3, listed_rows=2)
    assert (summary.errors, summary.listed.errors, summary.listed.rows) == (59, 3, 2)
    assert summary.listed.errors_cut
    assert summary.listed.rows_cut
    last = rows(path.parent / "errors.csv")[-1]
    assert (last["rule"], last["message"]) == ("cut", "The list ends here: 3 of 59 errors are in it.")
    assert rows(path.parent / "annotated.csv")[-1]["_errors"] == "The list ends here: 2 of 55 rows are in it."


@PATHS
def test_a_count_that_takes_too_long_says_how_far_it_came(write: Write, fast_from: int | None) -> None:
    summary = count(write(DIRTY), fast_from=fast_from, errors=2, count_seconds=0.0, piece_bytes=64)
    assert not summary.complete
    assert summary.counted_to is not None
    assert summary.why == "Counting ends after 0 seconds, the limit."
    assert summary.rows < 56


def test_a_value_that_the_library_cannot_compare_ends_the_count_where_it_is(write: Write) -> None:
    field = {"name": "n", "type": "number", "constraints": {"minimum": 1}}
    summary = count(write("n\n" + "x\n" * 5 + "sNaN\n"), {"fields": [field]}, errors=2)
    assert (summary.errors, summary.complete, summary.counted_to) == (5, False, 6)


def test_header_problems_come_first_and_say_both_names(write: Write) -> None:
    summary = count(write("id,nom,age\n1,a,x\n2,b,x\n"))
    assert summary.groups[0].message == "The schema has “name” at this place, the file has “nom”."
    assert (summary.groups[0].examples[0].row, summary.groups[0].examples[0].line) == (1, 1)


def test_equal_keys_are_told_apart_from_keys_with_equal_hashes(write: Write) -> None:
    fields = [{"name": "n", "type": "integer", "bareNumber": False, "constraints": {"unique": True}}]
    summary = count(write("n\n-1\n-2\nx\n-1\n"), {"fields": fields}, fast_from=0, errors=1)
    assert counts(summary) == {("type-error", "n", "integer"): 1, ("unique-error", "n", None): 1}


def test_a_valid_table_has_no_lists(write: Write) -> None:
    path = write("id,name,age\n1,a,2\n")
    summary = count(path)
    assert (summary.errors, summary.rows, summary.to_dict()["valid"]) == (0, 1, True)
    assert not (path.parent / "errors.csv").exists()


@PATHS
def test_summaries_are_as_their_schema_says(write: Write, fast_from: int | None) -> None:
    schema = json.loads((files("tabular") / "profiles" / "summary.json").read_text("utf-8"))
    check = jsonschema.Draft202012Validator(schema)
    for text in (DIRTY, "id,name,age\n1,a,2\n", "id,nom\n1,2\n"):
        check.validate(count(write(text), fast_from=fast_from, errors=2).to_dict())
    check.validate(summary_of_findings([Finding("nul-byte", "A NUL byte.", 3, 4, 5)], 2).to_dict())
    wrong = count(write(DIRTY)).to_dict() | {"errors": "many"}
    assert not check.is_valid(wrong)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_are_counted_whatever_ends_them(tmp_path: Path, end: bytes) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"".join(b"%d" % number + end for number in range(400_000)))
    with LineCounter(path) as lines:
        data = path.read_bytes()
        for number in (0, 1, 99_999, 399_999):
            assert lines.at(data.index(end + b"%d" % number + end) + len(end) if number else 0) == number + 1


def test_every_type_and_constraint_has_advice() -> None:
    for kind in ("integer", "number", "boolean", "date", "datetime", "time", "year", "yearmonth", "geopoint"):
        assert advice_on("type-error", kind)
    for kind in ("required", "minimum", "pattern", "enum", "maxLength"):
        assert advice_on("constraint-error", kind)
