"""The catalogue of bad inputs, `cases.tsv`: every case has a test that exists, or names the feature that is missing."""

from __future__ import annotations

import ast
import csv
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
MISSING = "missing: "
AREAS = {"J": 25, "A": 13, "U": 14, "D": 20, "S": 6, "P": 22, "X": 9, "O": 7, "W": 5, "G": 13, "M": 7}


def cases() -> list[dict[str, str]]:
    with Path(__file__).with_name("cases.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@cache
def named_in(path: Path) -> frozenset[str]:
    """The tests of a file."""
    found = ast.walk(ast.parse(path.read_text("utf-8")))
    return frozenset(each.name for each in found if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))


def test_all_141_are_here_once() -> None:
    ids = [case["id"] for case in cases()]
    assert ids == [f"{area}{number:02}" for area, count in AREAS.items() for number in range(1, count + 1)]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["id"])
def test_each_is_tested_or_says_what_is_missing(case: dict[str, str]) -> None:
    assert case["what"]
    if case["where"].startswith(MISSING):
        assert len(case["where"]) > len(MISSING)
        return
    for place in case["where"].split():
        file, name = place.split("::")
        assert name in named_in(TESTS / file), place
        # A file of the catalogue names the cases that it tests.
        assert not file.startswith("catalogue/") or case["id"] in (TESTS / file).read_text("utf-8"), place


def test_controls_in_the_threat_model_have_a_test_that_exists() -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", (TESTS.parent / "docs" / "threats.md").read_text("utf-8"))
    assert len(named) >= 40
    assert [f"{file}::{name}" for file, name in named if name not in named_in(TESTS / file)] == []


def test_what_is_missing_is_nothing() -> None:
    assert [case["id"] for case in cases() if case["where"].startswith(MISSING)] == []
