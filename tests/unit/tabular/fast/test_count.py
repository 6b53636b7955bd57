"""Every error is counted: by the pass, and by the library where the pass cannot, as the library alone would."""

from __future__ import annotations

import csv
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
