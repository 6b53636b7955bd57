from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tabular.foreignkeys import Referenced, Unreadable, missing_key
from tabular.limits import Limits
from tabular.reasons import reasons
from tabular.validation import Validation, validate_table
from tests.unit.tabular.conftest import Write

FIELDS = [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}]


def validate(path: Path, *fields: dict[str, Any], limits: Limits | None = None, **schema: Any) -> Validation:
    given = {"fields": list(fields) or FIELDS, **schema}
    resource = {"name": "people", "path": "data/people.csv", "schema": given}
    return validate_table(path, resource=resource, limits=limits)


def errors(validation: Validation) -> list[tuple[str, int | None, str | None]]:
    found = [error for task in validation.report["tasks"] for error in task["errors"]]
    return [(error["type"], error.get("rowNumber"), error.get("fieldName")) for error in found]


def test_a_valid_table_has_a_report_and_its_rows(write: Write) -> None:
    told: list[int] = []
    path = write("id,name\n1,a\n2,b\n")
    result = validate_table(path, resource={"name": "people", "schema": {"fields": FIELDS}}, progress=told.append)
    assert (result.valid, result.rows, result.errors_total, result.inferred) == (True, 2, 0, False)
    assert result.report["valid"] is True
    assert result.report["tasks"][0]["name"] == "people"
    assert result.schema == {"fields": FIELDS}
    assert told[-1] == 2


def test_a_header_alone_is_a_valid_table_without_rows(write: Write) -> None:
    result = validate(write("id,name\n"))
    assert (result.valid, result.rows) == (True, 0)


@pytest.mark.parametrize(
    ("text", "rule", "row"),
    [
        ("id,name\n1,a\nx,b\n", "type-error", 3),
        ("id,name\n1\n", "missing-cell", 2),
        ("id,name\n1,a,extra\n", "extra-cell", 2),
        ("id,name\n\n1,a\n", "blank-row", 2),
        ("id,nom\n1,a\n", "incorrect-label", None),
        ("name,id\n1,a\n", "incorrect-label", None),
        ("id,id\n1,a\n", "duplicate-label", None),
        ("id,\n1,a\n", "blank-label", None),
        ("id,name,more\n1,a,x\n", "extra-label", None),
        ("id\n1\n", "missing-label", None),
    ],
)
def test_each_fault_is_told_with_its_place(write: Write, text: str, rule: str, row: int | None) -> None:
    result = validate(write(text))
    assert not result.valid
    assert errors(result)[0][:2] == (rule, row)
    assert result.findings == ()


def test_the_report_names_row_column_and_cell(write: Write) -> None:
    error = validate(write("id,name\n1,a\nx,b\n")).report["tasks"][0]["errors"][0]
    assert (error["rowNumber"], error["fieldNumber"], error["fieldName"], error["cell"]) == (3, 1, "id", "x")
    assert error["cells"] == ["x", "b"]


def test_errors_stop_at_the_limit_and_it_says_so(write: Write) -> None:
    result = validate(write("id,name\n" + "x,b\n" * 3_000))
    assert (result.errors_total, result.truncated, result.rows) == (1_000, True, 1_000)


def test_long_cells_are_cut_in_the_report(write: Write) -> None:
    result = validate(write("id,name\n" + "x" * 400_000 + "," + "y" * 400_000 + "\n"))
    assert not result.valid
    assert len(str(result.report)) < 5_000


def test_wide_rows_are_cut_in_the_report(write: Write) -> None:
    fields = [{"name": f"c{number}", "type": "integer"} for number in range(500)]
    header = ",".join(field["name"] for field in fields)
    result = validate(write(header + "\n" + ("x" + ",1" * 499 + "\n") * 20), *fields)
    assert result.errors_total == 20
    assert all(len(error["cells"]) == 100 for error in result.report["tasks"][0]["errors"])


@pytest.mark.parametrize("cell", ["1e400x", "9" * 10_000 + "x", "abc", "1,5", "--1", "0x10", "1/2"])
def test_odd_numbers_are_type_errors_and_no_crash(write: Write, cell: str) -> None:
    result = validate(write(f'id\n"{cell}"\n'), {"name": "id", "type": "number"})
    assert errors(result) == [("type-error", 2, "id")]


@pytest.mark.parametrize("cell", ["0000-01-01", "10000-01-01", "2023-02-29", "01/02/2023"])
def test_impossible_dates_are_type_errors(write: Write, cell: str) -> None:
    assert errors(validate(write(f"d\n{cell}\n"), {"name": "d", "type": "date"})) == [("type-error", 2, "d")]


def test_keys_and_constraints_are_checked(write: Write) -> None:
    unique = {"name": "id", "type": "integer", "constraints": {"unique": True}}
    assert errors(validate(write("id\n1\n2\n01\n"), unique)) == [("unique-error", 4, "id")]
    plain = {"name": "id", "type": "integer"}
    assert errors(validate(write("id\n1\n2\n1\n"), plain, primaryKey="id")) == [("primary-key", 4, None)]
    bounded = {"name": "id", "type": "integer", "constraints": {"minimum": 2, "enum": [1, 2, 3]}}
    assert errors(validate(write("id\n1\n3\n4\n"), bounded)) == [
        ("constraint-error", 2, "id"),
        ("constraint-error", 4, "id"),
    ]


@pytest.mark.parametrize("limits", [Limits(fast_from=0), Limits(fast_from=None)], ids=["fast", "slow"])
def test_places_in_well_known_text_are_read(write: Write, limits: Limits) -> None:
    path = write('id,where\n1,POINT (30 10)\n2,nowhere\n3,"LINESTRING (30 10, 10 30)"\n')
    found = validate(path, FIELDS[0], {"name": "where", "type": "string", "format": "wkt"}, limits=limits)
    assert errors(found) == [("type-error", 3, "where")]


def test_missing_values_are_null(write: Write) -> None:
    assert validate(write("id,name\nn/a,x\n1,n/a\n"), missingValues=["", "n/a"]).valid


def test_foreign_keys_of_other_tables_are_noted_and_own_ones_checked(write: Write) -> None:
    other = {"fields": "id", "reference": {"resource": "cities", "fields": "id"}}
    result = validate(write("id,name\n1,a\n"), foreignKeys=[other])
    assert result.valid
    assert "cities" in result.notes[0]
    own = {"fields": ["boss"], "reference": {"resource": "", "fields": ["id"]}}
    fields = ({"name": "id", "type": "integer"}, {"name": "boss", "type": "integer"})
    assert validate(write("id,boss\n1,\n2,1\n"), *fields, foreignKeys=[own]).valid
    assert errors(validate(write("id,boss\n1,\n2,3\n"), *fields, foreignKeys=[own])) == [("foreign-key", 3, None)]


def test_foreign_keys_are_looked_up_in_the_tables_that_are_given(write: Write) -> None:
    key = {"fields": ["name"], "reference": {"resource": "cities", "fields": ["code"]}}
    codes = {"fields": [{"name": "code", "type": "string"}]}
    cities = Referenced(write("code;x\na;1\n", "cities.csv"), {"delimiter": ";"}, codes)

    def check(rows: str, table: Referenced | Unreadable) -> Validation:
        resource = {"name": "t", "schema": {"fields": FIELDS, "foreignKeys": [key]}}
        return validate_table(write("id,name\n" + rows), resource=resource, references={"cities": table})

    good, bad = check("1,a\n2,\n", cities), check("1,a\n2,b\n", cities)
    assert (good.valid, good.notes) == (True, ())
    assert good.evidence["foreign_keys"] == [key]
    assert errors(bad) == [("foreign-key", 3, None)]
    assert missing_key(bad.report["tasks"][0]["errors"][0]) == {
        "field": "name",
        "cell": "b",
        "message": "No row of the resource “cities” has the value “b” in “code”, which “name” refers to.",
    }
    unread = check("2,b\n", Unreadable("It is a picture."))
    assert unread.valid
    assert "foreign_keys" not in unread.evidence
    assert "It is a picture." in unread.notes[0]


def test_a_value_that_has_no_hash_equals_nothing_in_a_referenced_table(write: Write) -> None:
    key = {"fields": "n", "reference": {"resource": "other", "fields": "n"}}
    schema = {"fields": [{"name": "n", "type": "number"}]}
    other = Referenced(write("n\nsNaN\n1.0\n", "other.csv"), {}, schema)
    resource = {"name": "t", "schema": {**schema, "foreignKeys": [key]}}
    for limits in (Limits(fast_from=0), Limits(fast_from=None)):
        found = validate_table(write("n\n1\nNaN\n"), resource=resource, references={"other": other}, limits=limits)
        assert errors(found) == [("foreign-key", 3, None)]


def test_long_values_of_a_key_are_cut(write: Write) -> None:
    key = {"fields": "s", "reference": {"resource": "", "fields": "t"}}
    resource = {"name": "t", "schema": {"fields": [{"name": "s"}, {"name": "t"}], "foreignKeys": [key]}}
    found = validate_table(write("s,t\n" + "x" * 100_000 + ",a\n"), resource=resource)
    assert errors(found) == [("foreign-key", 2, None)]
    assert len(str(found.report)) < 10_000


@pytest.mark.parametrize(
    ("schema", "rule"),
    [
        ("http://127.0.0.1:1/schema.json", "remote-reference"),
        ("//evil/schema.json", "remote-reference"),
        ("schema.json", "reference-not-inlined"),
        ({"fields": "x"}, "schema-error"),
        ({"fields": [{"type": "string"}]}, "schema-error"),
        ({"fields": [{"name": "id", "type": "klingon"}]}, "schema-error"),
        ({"fields": [{"name": "id", "constraints": {"pattern": "("}}]}, "pattern-not-supported"),
        ({"fields": [{"name": "id", "type": "string", "constraints": {"pattern": "a(?i)b"}}]}, "pattern-not-supported"),
        ({"fields": [{"name": "id", "type": "array", "constraints": {"unique": True}}]}, "unsupported-constraint"),
        ({"fields": [{"name": "id", "type": "object"}], "primaryKey": ["id"]}, "unsupported-constraint"),
        ([], "schema-error"),
    ],
)
def test_a_schema_that_cannot_be_used_is_one_finding(write: Write, schema: Any, rule: str) -> None:
    result = validate_table(write("id\n1\n"), resource={"name": "x", "schema": schema})
    assert not result.valid
    assert [finding.rule for finding in result.findings] == [rule]
    assert result.report["errors"][0]["type"] == rule


@pytest.mark.parametrize(
    ("field", "cell"),
    [
        ({"name": "n", "type": "number", "constraints": {"minimum": 1}}, "sNaN"),
        ({"name": "n", "type": "date", "format": "%d/%m/%Y", "constraints": {"minimum": "2020-01-01"}}, "01/02/2021"),
    ],
)
def test_what_the_library_cannot_compare_is_a_finding_and_no_traceback(
    write: Write, field: dict[str, Any], cell: str
) -> None:
    result = validate(write(f"n\n{cell}\n"), field)
    assert not result.valid
    assert result.findings[0].rule in ("uncheckable", "schema-error")
    assert "Traceback" not in str(result.to_dict())


def test_no_address_in_a_descriptor_is_ever_asked(write: Write, refuse_network: Callable[[], list[Any]]) -> None:
    asked = refuse_network()
    address = "http://127.0.0.1:9/x.json"
    resource = {
        "name": "t",
        "path": address,
        "scheme": "http",
        "profile": address,
        "$schema": address,
        "dialect": {"$schema": address},
        "basepath": address,
        "innerpath": "x",
        "extrapaths": [address],
        "schema": {
            "$schema": address,
            "profile": address,
            "fields": [{"name": "id", "type": "integer", "constraints": {"jsonSchema": {"$ref": address}}}],
            "foreignKeys": [{"fields": "id", "reference": {"package": address, "resource": "x", "fields": "id"}}],
        },
    }
    assert validate_table(write("id\n1\n"), resource=resource, dialect={"$schema": address, "sql": {"x": 1}}).valid
    assert asked == []


def test_dialects_reach_the_reader(write: Write) -> None:
    path = write("#c\nid;name\n1;'a;b'\n")
    dialect = {"delimiter": ";", "quoteChar": "'", "headerRows": [2]}
    resource = {"name": "x", "schema": {"fields": FIELDS}}
    result = validate_table(path, resource=resource, dialect=dialect)
    assert (result.valid, result.rows) == (True, 1)
    path = write('id,name\n1,"a\n')
    assert validate_table(path, resource=resource, dialect={"quoteChar": None}).valid
    path = write('id,name\n1,"a\\"b"\n')
    assert validate_table(path, resource=resource, dialect={"escapeChar": "\\", "doubleQuote": False}).valid
    path = write("1,a\n2,b\n")
    result = validate_table(path, resource=resource, dialect={"header": False})
    assert (result.valid, result.rows) == (True, 2)


def test_names_of_files_mean_nothing(write: Write) -> None:
    for name in ("http:x.gz", "a.zip", "b.json", "c.xlsx", "hash"):
        assert validate(write("id,name\n1,a\n", name)).valid, name


def test_a_table_without_a_schema_gets_one_that_fits(write: Write) -> None:
    result = validate_table(write("id,when\n1,2020-01-01\n2,\n"), resource={"name": "x"})
    assert (result.valid, result.inferred, result.rows) == (True, True, 2)
    assert result.schema == {"fields": [{"name": "id", "type": "integer"}, {"name": "when", "type": "date"}]}


def test_columns_may_have_the_names_of_our_own_evidence(write: Write) -> None:
    result = validate_table(write("engine,types,foreign_keys\n007,x,\n8,1,\n"), resource={"name": "x"})
    assert result.valid
    assert result.evidence["engine"] == {"path": "slow", "why": "small"}
    assert set(result.evidence) == {"engine", "types"}
    assert result.evidence["types"].keys() == {"engine", "types", "foreign_keys"}
    assert reasons(result.schema, result.evidence["types"])[:2] == [
        "engine is taken as text, not as integer: row 2 has “007”.",
        "types is taken as text, not as integer: row 2 has “x”.",
    ]


def test_a_bad_header_without_a_schema_is_told(write: Write) -> None:
    assert errors(validate_table(write("a,a\n1,2\n"), resource={"name": "x"}))[0][0] == "duplicate-label"
    assert errors(validate_table(write("a,\n1,2\n"), resource={"name": "x"}))[0][0] == "blank-label"
    assert errors(validate_table(write("a,b\n1,2,3\n1\n"), resource={"name": "x"})) == [
        ("extra-cell", 2, ""),
        ("missing-cell", 3, "b"),
    ]


def test_text_that_would_keep_sniffers_for_hours_is_read(write: Write) -> None:
    path = write("id,name\n" + ("1," + ' "a' * 200_000 + "\n") * 3)
    assert validate(path).valid


def test_many_errors_with_huge_cells_are_held_in_little_memory(write: Write) -> None:
    path = write("id,name\n" + ("x" * 900_000 + ",y\n") * 150)
    tracemalloc.start()
    try:
        result = validate(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert result.errors_total == 150
    assert peak < 60_000_000
