"""Foreign keys across tables: what the library says of the whole package, and both of our paths of each resource."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import frictionless
import pytest

from tabular.foreignkeys import Referenced
from tabular.limits import Limits
from tabular.validation import Validation, validate_table
from tests.unit.tabular.fast.packages import Package, package

PACKAGES, BATCHES = 80, 4


def judged(folder: Path, given: Package, limits: Limits) -> list[Validation]:
    """Each table of the package, by our own check."""
    tables = {each["name"]: Referenced(folder / each["path"], {}, each["schema"]) for each in given.resources}
    return [
        validate_table(
            folder / each["path"],
            resource=each,
            limits=limits,
            references={name: table for name, table in tables.items() if name != each["name"]},
        )
        for each in given.resources
    ]


def by_the_library(folder: Path, given: Package) -> list[dict[str, Any]] | None:
    """The tasks of the library's report on the whole package; None where it ends with an exception."""
    descriptor = {"name": "p", "$schema": "https://datapackage.org/profiles/2.0/datapackage.json"}
    whole = frictionless.Package.from_descriptor(
        {**descriptor, "resources": [{**each, "encoding": "utf-8"} for each in given.resources]}, basepath=str(folder)
    )
    try:
        report = whole.validate(limit_errors=given.errors)
    except TypeError:
        return None
    tasks: list[dict[str, Any]] = report.to_dict()["tasks"]
    return tasks


def told(task: dict[str, Any]) -> dict[str, Any]:
    """What of a task has to agree: how far ahead a reader has read by the limit of errors is no part of it."""
    ahead = ("bytes", "md5", "sha256") if task["warnings"] else ()
    stats = {key: value for key, value in task["stats"].items() if key not in ("seconds", *ahead)}
    return {"stats": stats, **{key: task[key] for key in ("valid", "errors", "warnings", "labels")}}


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_packages_have_the_report_of_the_library(tmp_path: Path, batch: int) -> None:
    paths: Counter[str] = Counter()
    keys = 0
    for seed in range(batch, PACKAGES, BATCHES):
        given = package(seed)
        for each in given.resources:
            (tmp_path / each["path"]).write_bytes(given.data[each["name"]])
        fast = judged(tmp_path, given, Limits(errors=given.errors, fast_from=0, piece_bytes=given.piece))
        slow = judged(tmp_path, given, Limits(errors=given.errors, fast_from=None))
        tasks = by_the_library(tmp_path, given)
        for index, (one, other) in enumerate(zip(fast, slow, strict=True)):
            assert one.notes == other.notes == ()
            assert told(one.report["tasks"][0]) == told(other.report["tasks"][0]), f"package {seed}, table {index}"
            if tasks is not None:
                assert told(one.report["tasks"][0]) == told(tasks[index]), f"package {seed}, table {index}"
            if "foreign_keys" in one.evidence:
                paths[one.evidence["engine"]["path"]] += 1
                keys += sum(error["type"] == "foreign-key" for error in one.report["tasks"][0]["errors"])
    assert paths["fast"] > 30
    assert keys > 100
