"""Which resources go through the stages for tables."""

from __future__ import annotations

from typing import Any

import pytest

from tabular.resource import is_table

SCHEMA = {"fields": [{"name": "a"}]}


@pytest.mark.parametrize(
    "resource",
    [
        {"path": "a.csv"},
        {"path": "A.TSV"},
        {"path": "a.csv.gz"},
        {"path": "dir.x/a.tab.zip"},
        {"path": "a.dat", "format": "CSV"},
        {"path": "a", "mediatype": "text/csv; charset=utf-8"},
        {"path": "a.txt", "schema": SCHEMA},
        {"path": "a.gz", "schema": SCHEMA},
        {"path": "a.zip", "format": "zip", "schema": SCHEMA},
        {"path": "a.csv", "format": "txt"},
        {"path": "a", "profile": "tabular-data-resource"},
        {"path": "a.xlsx"},
        {"path": "A.ODS", "schema": SCHEMA},
        {"path": "a.xlsm", "mediatype": "application/octet-stream"},
        {"path": "a", "format": "xlsx"},
        {"path": "a.csv", "format": "xlsx"},
        {"path": "a", "mediatype": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
        {"path": "a.xlsx", "mediatype": "application/vnd.ms-excel"},
    ],
    ids=repr,
)
def test_what_says_it_is_a_table(resource: dict[str, Any]) -> None:
    assert is_table(resource)


@pytest.mark.parametrize(
    "resource",
    [
        {"path": "a.txt"},
        {"path": "a.zip"},
        {"path": "a"},
        {"path": "a.json", "schema": SCHEMA},
        {"path": "a.geojson", "schema": SCHEMA},
        {"path": "a.xls", "schema": SCHEMA},
        {"path": "a.xlsb"},
        {"path": "a.xlsx", "profile": "data-resource"},
        {"path": "a.xlsx", "format": "report"},
        {"path": "a.xlsx", "mediatype": "application/pdf"},
        {"path": "a.txt", "schema": {"fields": []}},
        {"path": "a.txt", "schema": "schema.json"},
        {"path": "csv"},
        {"path": "csv/a.md"},
        {},
    ],
    ids=repr,
)
def test_what_is_carried_as_it_is(resource: dict[str, Any]) -> None:
    assert not is_table(resource)
