"""Foreign keys that are nowhere are counted and listed as by the library without a limit, however little is listed."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tabular.count import count_errors
from tabular.foreignkeys import Referenced
from tabular.limits import Limits
from tabular.summary import Summary
from tabular.validation import Validation, validate_table
from tests.unit.tabular.fast.packages import Package, package
from tests.unit.tabular.fast.test_count import ALL, grouped, reported, without_rows

PACKAGES, BATCHES = 30, 1
LISTS = ("errors.csv", "annotated.csv")
Rows = list[dict[str, str]]
Shown = dict[str | None, list[tuple[str, str, str, str]]]
"""Row, offset, cell and message of the examples of foreign keys, by field; keys of the same fields share a group."""


def write(folder: Path, given: Package) -> None:
    for each in given.resources:
        (folder / each["path"]).write_bytes(given.data[each["name"]])


def counted(folder: Path, given: Package, index: int, limits: Limits) -> tuple[Validation, Summary]:
    """The check and the count of one table of a package, the lists in the folder."""
    tables = {each["name"]: Referenced(folder / each["path"], {}, each["schema"]) for each in given.resources}
    resource = given.resources[index]
    others = {name: table for name, table in tables.items() if name != resource["name"]}
    path = folder / resource["path"]
    validation = validate_table(path, resource=resource, limits=limits, references=others)
    return validation, count_errors(path, validation, folder, resource=resource, limits=limits, references=others)


def rows_of(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def shown(summary: Summary) -> Shown:
    return {
        group.field: [(str(one.row), str(one.byte_offset), one.cell or "", one.message) for one in group.examples]
        for group in summary.groups
        if group.rule == "foreign-key"
    }


def first_absent(rows: Rows) -> Shown:
    found: Shown = {}
    for row in rows:
        if row["rule"] == "foreign-key":
            told = found.setdefault(row["field"], [])
            if len(told) < 3 and row["row"] not in [one[0] for one in told]:
                told.append((row["row"], row["byte_offset"], row["cell"], row["message"]))
    return found


def alike(rows: Rows) -> list[Any]:
    """What both sides list alike. Of a key that comes twice the library names the last row before, no cell, and the
    fields in the schema's order; errors of cells in keys it tells first."""
    found: list[Any] = []
    for row in rows:
        is_repeat = row.get("rule") in ("primary-key", "unique-error")
        told = {name: row[name] for name in ("rule", "row", "line", "byte_offset")} if is_repeat else row
        words = row.get("_errors", "").split("; ")
        found.append({**told, "_errors": sorted(w for w in words if not w.endswith((" already.", "key is blank.")))})
    return sorted(found, key=str)


def agree(folder: Path, summary: Summary, expected: Summary, whole: Validation, lists: dict[str, Rows]) -> None:
    """That a count is the library's own of all errors, whose lists are whole."""
    assert grouped(summary) == grouped(expected) == without_rows(reported(whole.report))
    assert (summary.errors, summary.bad_rows) == (whole.errors_total, expected.bad_rows)
    assert (summary.rows, summary.complete) == (whole.rows, True)
    if summary.engine["path"] == "fast":
        assert shown(summary) == first_absent(lists["errors.csv"])
    annotated = lists["annotated.csv"][: summary.listed.rows]
    assert alike(rows_of(folder / "annotated.csv")[: summary.listed.rows]) == alike(annotated)
    if not summary.listed.errors_cut:
        assert alike(rows_of(folder / "errors.csv")) == alike(lists["errors.csv"])


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_packages_have_the_counts_and_lists_of_the_library_without_a_limit(tmp_path: Path, batch: int) -> None:
    paths: Counter[str] = Counter()
    absent = 0
    for seed in range(batch, PACKAGES, BATCHES):
        given = package(seed)
        write(tmp_path, given)
        for index, each in enumerate(given.resources):
            everything = Limits(errors=ALL, fast_from=None, listed_errors=ALL, listed_rows=ALL)
            whole, expected = counted(tmp_path, given, index, everything)
            if not each["schema"].get("foreignKeys") or whole.valid or whole.findings:
                continue
            lists = {name: rows_of(tmp_path / name) for name in LISTS}
            for start, most in ((0, ALL), (0, 2), (0, 20), (None, 2)):
                limits = Limits(
                    errors=1, fast_from=start, piece_bytes=given.piece, listed_errors=most, listed_rows=most
                )
                _, summary = counted(tmp_path, given, index, limits)
                path = "library" if start is None else summary.engine["path"]
                agree(tmp_path, summary, expected, whole, lists)
                paths[path] += 1
                absent += grouped(summary)["foreign-key", None]
    assert paths["fast"] > 30, paths
    assert paths["library"] > 15, paths
    assert paths["slow"] > 2, paths
    assert absent > 500
