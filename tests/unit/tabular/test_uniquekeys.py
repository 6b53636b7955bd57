"""Unique keys of a schema, which frictionless passes over: both rows named, by either path, in bounded memory."""

from __future__ import annotations

import csv
import gzip
import random
import tracemalloc
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tabular import Limits, validate
from tabular.count import count_errors
from tabular.fast.keys import KeyNumbers
from tabular.finding import Finding
from tabular.limits import MB
from tabular.summary import Summary
from tabular.validation import Validation, validate_table
from tests.unit.tabular.conftest import Write

FIELDS = [{"name": "year", "type": "integer"}, {"name": "code", "type": "string"}, {"name": "value", "type": "number"}]
KEYS = [["year", "code"], ["value"]]
ALWAYS, NEVER = Limits(fast_from=0), Limits(fast_from=None)
BOTH = pytest.mark.parametrize("limits", [ALWAYS, NEVER], ids=["fast", "slow"])


def check(path: Path, limits: Limits, keys: Any = KEYS, fields: Any = FIELDS, **more: Any) -> Validation:
    schema = {"fields": fields, "uniqueKeys": keys, **more}
    return validate_table(path, resource={"name": "t", "path": "t.csv", "schema": schema}, limits=limits)


def summed(path: Path, validation: Validation, folder: Path, limits: Limits) -> Summary:
    resource = {"name": "t", "path": "t.csv", "schema": validation.schema}
    return count_errors(path, validation, folder, resource=resource, limits=limits)


@BOTH
def test_a_row_that_repeats_a_unique_key_fails_the_table_and_both_rows_are_named(
    write: Write, tmp_path: Path, limits: Limits
) -> None:
    path = write("year,code,value\n2020,a,1\n2020,b,2\n2021,a,3\n2020,b,1.0\n")
    found = check(path, limits)
    assert (found.valid, found.errors_total, found.report["valid"]) == (False, 2, True)
    assert found.evidence["unique_keys"] == KEYS
    summary = summed(path, found, tmp_path, limits)
    assert (summary.errors, summary.bad_rows, summary.rows, summary.complete) == (2, 1, 4, True)
    told = [(group.rule, group.field, group.count, group.examples[0].row, group.message) for group in summary.groups]
    assert told == [
        ("unique-key", "value", 1, 5, "Row 2 has this unique key already."),
        ("unique-key", "year, code", 1, 5, "Row 3 has this unique key already."),
    ]
    listed = list(csv.DictReader((tmp_path / "errors.csv").open(newline="")))
    assert [(row["rule"], row["row"], row["line"], row["cell"]) for row in listed] == [
        ("unique-key", "5", "5", "2020, b"),
        ("unique-key", "5", "5", "1.0"),
    ]
    assert "Row 3 has this unique key already." in (tmp_path / "annotated.csv").read_text()


@BOTH
@pytest.mark.parametrize("rows", ["2020,,1\n2020,,2\n", ",a,1\n,a,2\n", ",,\n,,\n2020,a,\n2021,a,\n", "-,a,1\n-,a,2\n"])
def test_a_row_with_a_null_in_a_key_repeats_none(write: Write, limits: Limits, rows: str) -> None:
    found = check(write("year,code,value\n" + rows), limits, missingValues=["", "-"])
    assert found.repeats.total == 0


@BOTH
@pytest.mark.parametrize("kind", ["time", "datetime"])
def test_a_moment_in_a_zone_that_cannot_be_repeats_none(write: Write, kind: str, limits: Limits) -> None:
    day = "2020-01-01T" if kind == "datetime" else ""
    clocks = ("10:00:00+99:00", "10:00:00", "10:00:00+99:00", "10:00:00")
    path = write("at\n" + "".join(f"{day}{clock}\n" for clock in clocks))
    fields = [{"name": "at", "type": kind, "format": "any"}]
    found = check(path, limits, [["at"]], fields)
    assert [(repeat.record, repeat.first) for repeat in found.repeats.listed] == [(5, 3)]


@BOTH
def test_errors_of_both_kinds_are_told_row_by_row_and_each_bad_row_counts_once(
    write: Write, tmp_path: Path, limits: Limits
) -> None:
    path = write("year,code,value\n1,a,1\nx,a,1\n1,a,x\n2,b,4\n2,b,5,6\n")
    found = check(path, limits)
    summary = summed(path, found, tmp_path, limits)
    listed = [(row["rule"], row["row"]) for row in csv.DictReader((tmp_path / "errors.csv").open(newline=""))]
    assert listed == [
        ("type-error", "3"),
        ("unique-key", "3"),
        ("type-error", "4"),
        ("unique-key", "4"),
        ("extra-cell", "6"),
        ("unique-key", "6"),
    ]
    assert (summary.errors, summary.bad_rows, found.errors_total) == (6, 3, 6)


@BOTH
def test_more_than_are_listed_are_counted(write: Write, tmp_path: Path, limits: Limits) -> None:
    few = Limits(fast_from=limits.fast_from, listed_errors=10, listed_rows=10)
    path = write("year,code,value\n" + "".join(f"1,{n % 7},{n}\n" for n in range(5_000)) + "x,y,-1\n")
    found = check(path, few)
    assert found.repeats.counts == {("year", "code"): 4_993}
    summary = summed(path, found, tmp_path, few)
    assert (summary.errors, summary.bad_rows, summary.rows) == (4_994, 4_994, 5_001)
    assert summary.by_rule == {"unique-key": 4_993, "type-error": 1}
    assert (summary.listed.errors, summary.listed.errors_cut) == (10, True)


def test_too_many_other_errors_leave_the_keys_unchecked_and_say_so(write: Write) -> None:
    path = write("year,code,value\n" + "x,a,1\n" * 5)
    found = check(path, Limits(errors=3))
    assert found.truncated
    assert found.notes[0] == "The unique key 'year, code' was not checked, for there are too many other errors."
    assert "unique_keys" not in found.evidence


@pytest.mark.parametrize(
    ("keys", "fields", "where", "rule"),
    [
        (["year"], FIELDS, "/schema/uniqueKeys/0", "schema-error"),
        ("year", FIELDS, "/schema/uniqueKeys", "schema-error"),
        ([["year"], []], FIELDS, "/schema/uniqueKeys/1", "schema-error"),
        ([["year", "place"]], FIELDS, "/schema/uniqueKeys/0", "schema-error"),
        ([["a"]], [{"name": "a", "type": "array"}], "/schema/uniqueKeys", "unsupported-constraint"),
    ],
)
def test_a_key_that_cannot_be_understood_is_told_with_its_place(
    write: Write, keys: Any, fields: Any, where: str, rule: str
) -> None:
    found = check(write("year,code,value\n1,a,1\n"), Limits(), keys, fields)
    assert [(one.rule, one.where) for one in found.findings] == [(rule, where)]


@BOTH
@pytest.mark.parametrize(
    ("data", "name", "given"),
    [
        (b"id,name\n1,a\n\n2,b\n1,c\n", "t.csv", {}),
        (gzip.compress(b"id,name\n1,a\n\n2,b\n1,c\n"), "t.csv.gz", {}),
        ("id,name\r\n1,é\r\n\r\n2,b\r\n1,c\r\n".encode("utf-16"), "t.csv", {"encoding": "utf-16"}),
        (b"id\tname\n1\ta\n\n2\tb\n1\tc\n", "t.tsv", {}),
    ],
    ids=["plain", "gzip", "utf-16", "tsv"],
)
def test_they_are_findings_beside_the_report(
    write: Write, limits: Limits, data: bytes, name: str, given: dict[str, Any]
) -> None:
    schema = {"fields": [{"name": "id", "type": "integer"}, {"name": "name"}], "uniqueKeys": [["id"], ["name"]]}
    report = validate(write(data, name), schema=schema, dialect={"skipBlankRows": True}, limits=limits, **given)
    assert report.to_dict()["valid"] is True
    assert not report.valid
    message = "Row 2 has this unique key already."
    assert report.findings == (Finding("unique-key", message, row=5, field="id", cell="1"),)


@BOTH
def test_a_wrong_key_is_a_finding_too(write: Write, limits: Limits) -> None:
    schema = {"fields": [{"name": "id", "type": "integer"}], "uniqueKeys": [["it"]]}
    report = validate(write("id\n1\n"), schema=schema, limits=limits)
    assert [finding.rule for finding in report.findings] == ["schema-error"]


def values(kind: str) -> list[str]:
    return {
        "integer": ["1", "01", "+1", "2", "-3", "123456789012345678901", "9223372036854775807", "3", "x", ""],
        "number": ["1", "1.0", "1.00", "1e0", "2.5", "NaN", "INF", "", "x"],
        "string": ["a", "A", "a ", "", "é", "aé" * 600, "aé" * 600 + "b"],
        "boolean": ["true", "True", "1", "false", "0", ""],
        "date": ["2020-01-01", "2020-01-02", "", "2020-13-01"],
        "datetime": ["2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00", "2020-01-01T00:00:00", ""],
        "duration": ["P1D", "PT24H", "P2D", ""],
        "geopoint": ["1,2", "1.0,2", "2,1", ""],
        "yearmonth": ["2020-01", "2020-02", ""],
        "any": ["1", "1.0", "a", ""],
    }[kind]


def pairs_of_kinds() -> list[tuple[str, str]]:
    kinds = ("integer", "number", "string", "boolean", "date", "datetime", "duration", "geopoint", "yearmonth", "any")
    chance = random.Random(7)
    return [(kind, chance.choice(kinds)) for kind in kinds]


@pytest.mark.parametrize("kinds", pairs_of_kinds(), ids="-".join)
def test_both_paths_and_a_plain_comparison_of_values_agree(write: Write, kinds: tuple[str, str]) -> None:
    fields = [{"name": f"f{index}", "type": kind} for index, kind in enumerate(kinds)]
    rows = list(product(*map(values, kinds))) * 2
    random.Random(3).shuffle(rows)
    path = write("f0,f1\n" + "".join(f'"{one}","{other}"\n' for one, other in rows))
    keys = [["f0"], ["f1", "f0"]]
    wide = {"errors": 100_000, "listed_errors": 100_000}
    fast, slow = (check(path, Limits(fast_from=least, **wide), keys, fields) for least in (0, None))
    assert (fast.repeats, fast.report["stats"]["errors"]) == (slow.repeats, slow.report["stats"]["errors"])
    assert {(one.record, one.key, one.first) for one in fast.repeats.listed} == set(_plainly(fields, keys, rows))


def _plainly(fields: list[dict[str, Any]], keys: list[list[str]], rows: list[tuple[str, ...]]) -> Iterator[Any]:
    from frictionless import Schema

    readers = [field.create_cell_reader() for field in Schema.from_descriptor({"fields": fields}).fields]
    seen: dict[Any, int] = {}
    for record, cells in enumerate(rows, start=2):
        read = {f"f{index}": reader(cell)[0] for index, (reader, cell) in enumerate(zip(readers, cells, strict=True))}
        for key in keys:
            made = tuple(read[name] for name in key)
            if None in made or any(value != value for value in made):
                continue
            first = seen.setdefault((tuple(key), made), record)
            if first != record:
                yield record, tuple(key), first


def test_what_only_has_the_same_number_is_no_repeat(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    add = KeyNumbers.add
    monkeypatch.setattr(KeyNumbers, "add", lambda self, numbers: add(self, numbers * 0 + 1))
    path = write("year,code,value\n1,a,1\n2,b,2\n1,a,3\n")
    found = check(path, NEVER, [["year", "code"]])
    assert [(one.record, one.first) for one in found.repeats.listed] == [(4, 2)]
    assert found.repeats.total == 1


def test_memory_is_bounded_by_runs_on_disk(write: Write) -> None:
    path = write(
        "year,code,value\n" + "".join(f"{n},c{n * 7919 % 300_000},{n}\n" for n in range(300_000)) + "5,c5,0.5\n"
    )
    assert path.stat().st_size > 4 * MB
    found = check(path, ALWAYS, [["code"]])  # warms everything up
    tracemalloc.start()
    found = check(path, ALWAYS, [["code"]])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [one.record for one in found.repeats.listed] == [300_002]
    assert peak < 60 * MB
