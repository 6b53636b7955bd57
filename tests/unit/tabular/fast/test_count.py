"""Every error is counted: by the pass, and by the library where the pass cannot, as the library alone would."""

from __future__ import annotations

import csv
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tabular.count import count_errors
from tabular.limits import Limits
from tabular.summary import Summary
from tabular.validation import Validation, validate_table
from tests.unit.tabular.fast.cases import Case, case

TABLES, BATCHES = 200, 2
ALL = 10**9
Places = Counter[tuple[str, str | None, int | None]]


def check(path: Path, given: Case, limits: Limits) -> Validation:
    path.write_bytes(given.data)
    schema, dialect = given.descriptor["schema"], given.descriptor["dialect"]
    return validate_table(path, resource={"name": "table", "schema": schema}, dialect=dialect, limits=limits)


def count(path: Path, given: Case, limits: Limits) -> Summary:
    validation = check(path, given, limits)
    schema, dialect = given.descriptor["schema"], given.descriptor["dialect"]
    return count_errors(
        path, validation, path.parent, resource={"name": "table", "schema": schema}, dialect=dialect, limits=limits
    )


def reported(report: dict[str, Any]) -> Places:
    """Errors of a report by rule, field and row; fields only where both sides have the library's names for them."""
    errors = [error for task in report["tasks"] for error in task["errors"]]
    return Counter(_place(error["type"], error.get("fieldName"), error.get("rowNumber")) for error in errors)


def listed(path: Path) -> Places:
    with path.open(encoding="utf-8", newline="") as file:
        return Counter(_place(row["rule"], row["field"], row["row"]) for row in csv.DictReader(file))


def _place(rule: str, field: str | None, row: Any) -> tuple[str, str | None, int | None]:
    has_no_field = rule in ("primary-key", "foreign-key", "extra-cell")
    is_of_header = rule.endswith(("-label", "-header")) or rule == "source-error"
    return rule, None if has_no_field or is_of_header else field or None, None if is_of_header or not row else int(row)


def without_rows(places: Places) -> Counter[tuple[str, str | None]]:
    found: Counter[tuple[str, str | None]] = Counter()
    for (rule, field, _), times in places.items():
        found[rule, field] += times
    return found


def grouped(summary: Summary) -> Counter[tuple[str, str | None]]:
    found: Counter[tuple[str, str | None]] = Counter()
    for group in summary.groups:
        rule, field, _ = _place(group.rule, group.field, None)
        found[rule, field] += group.count
    return found


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_tables_have_the_errors_that_the_library_finds_without_a_limit(tmp_path: Path, batch: int) -> None:
    paths: Counter[str] = Counter()
    for seed in range(batch, TABLES, BATCHES):
        given = case(seed)
        path = tmp_path / "table.csv"
        if not given.is_told:
            continue
        whole = check(path, given, Limits(errors=ALL, fast_from=None))
        if whole.valid or whole.findings or not whole.report["tasks"]:
            continue
        expected = reported(whole.report)
        for errors, lists in ((given.errors, 3), (1, ALL)):
            limits = Limits(errors=errors, fast_from=0, piece_bytes=given.piece, listed_errors=lists, listed_rows=lists)
            summary = count(path, given, limits)
            assert summary.errors == whole.errors_total, f"table {seed}"
            if summary.engine:  # else it cannot be opened, and has the report's errors only
                assert grouped(summary) == without_rows(expected), f"table {seed}"
                assert (summary.rows, summary.complete) == (whole.rows, True), f"table {seed}"
                if lists == ALL:
                    assert listed(tmp_path / "errors.csv") == expected, f"table {seed}"
                paths[summary.engine["path"]] += 1
    assert paths["fast"] > 5, paths


FIELDS = [
    {"name": "id", "type": "integer", "constraints": {"unique": True}},
    {"name": "name", "type": "string", "constraints": {"required": True}},
    {"name": "day", "type": "date"},
]
RAGGED_SCHEMAS: list[dict[str, Any]] = [
    {"fields": FIELDS, "primaryKey": ["id", "name"]},
    {"fields": FIELDS, "missingValues": ["", "-"]},
    {"fields": FIELDS, "missingValues": ["-"]},
    {"fields": FIELDS[1:2], "primaryKey": ["name"]},
]
CELLS = ("", " ", "-", "x", "7", "8", "9", "2020-01-02", "2020-1-2", '"a,b"', 'x"y', "é")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("schema", RAGGED_SCHEMAS, ids=["keys", "missing", "blank is a text", "one column"])
@pytest.mark.parametrize("dialect", [{}, {"skipBlankRows": True}, {"skipInitialSpace": True, "quoteChar": ""}], ids=str)
def test_ragged_rows_have_the_errors_that_the_library_finds(
    tmp_path: Path, schema: dict[str, Any], dialect: dict[str, Any], newline: str
) -> None:
    chance = random.Random(str(schema))
    width = len(schema["fields"])
    rows = [
        ",".join(chance.choices(CELLS, k=chance.choice((width, width + 1, chance.randrange(6))))) for _ in range(150)
    ]
    text = newline.join([",".join(field["name"] for field in schema["fields"]), *rows, ""])
    given = Case(text.encode(), "table.csv", {"schema": schema, "dialect": dialect}, True, 1, 256)
    whole = check(tmp_path / "table.csv", given, Limits(errors=ALL, fast_from=None))
    limits = Limits(errors=1, fast_from=0, piece_bytes=given.piece, listed_errors=3, listed_rows=3)
    summary = count(tmp_path / "table.csv", given, limits)
    assert summary.engine["path"] == "fast"
    assert (grouped(summary), summary.rows) == (without_rows(reported(whole.report)), whole.rows)
    bad = {error["rowNumber"] for error in whole.report["tasks"][0]["errors"]}
    assert summary.bad_rows == len(bad)
    first = {place[0::2] for place in reported(whole.report)}
    for group in summary.groups:
        assert {(group.rule, example.row) for example in group.examples} <= first


@pytest.mark.parametrize("lists", [1, ALL], ids=["by cell", "by row"])
def test_a_key_with_nan_in_it_is_no_other_row_s(tmp_path: Path, lists: int) -> None:
    fields = [
        {"name": "name", "type": "string"},
        {"name": "size", "type": "number"},
        {"name": "age", "type": "integer"},
    ]
    schema = {"fields": fields, "primaryKey": ["name", "size"]}
    rows = ["a,NaN,1", "a,NaN,2", "b,1,3", "b,1.0,4", "a,NaN,5", "a,nan,x"]
    text = "\n".join(["name,size,age", *["x,2,old"] * 3, *rows * 30, ""])
    given = Case(text.encode(), "table.csv", {"schema": schema, "dialect": {}}, True, 1, 64)
    whole = check(tmp_path / "table.csv", given, Limits(errors=ALL, fast_from=None))
    limits = Limits(errors=1, fast_from=0, piece_bytes=64, listed_errors=lists, listed_rows=lists)
    summary = count(tmp_path / "table.csv", given, limits)
    assert summary.engine["path"] == "fast"
    assert grouped(summary) == without_rows(reported(whole.report))
    assert grouped(summary)["primary-key", None] == 2 + 59
