from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tabular.paths import path_problem
from tabular.profile import check_descriptor

PACKAGES = Path(__file__).parents[2] / "data" / "packages"
GOOD: dict[str, Any] = {
    "name": "tiny-package",
    "title": "Tiny",
    "resources": [
        {
            "name": "prices",
            "path": "data/prices.csv",
            "schema": {"fields": [{"name": "date", "type": "date"}, {"name": "price", "type": "number"}]},
        }
    ],
}


def rules(descriptor: Any) -> list[tuple[str, str | None]]:
    return [(finding.rule, finding.where) for finding in check_descriptor(descriptor)]


def with_resource(**changes: Any) -> dict[str, Any]:
    changed = copy.deepcopy(GOOD)
    changed["resources"][0].update(changes)
    return changed


def with_field(**changes: Any) -> dict[str, Any]:
    changed = copy.deepcopy(GOOD)
    changed["resources"][0]["schema"]["fields"][1].update(changes)
    return changed


@pytest.mark.parametrize("package", sorted(path.name for path in PACKAGES.iterdir() if path.is_dir()))
def test_real_packages_can_be_published(package: str) -> None:
    path = next((PACKAGES / package).glob("datapackage.*"))
    text = path.read_text("utf-8")
    assert check_descriptor(json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)) == []


def test_metadata_of_all_kinds_is_welcome() -> None:
    extra = {
        "id": "x", "profile": "https://example.org/p.json", "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "licenses": [{"name": "MIT", "path": "https://example.org"}], "sources": [{"title": "x", "path": "https://a.b"}],
        "contributors": [{"title": "x", "role": "author", "roles": ["a"]}], "keywords": ["a"], "image": "http://x/y.png",
        "__proto__": {"a": "{{7*7}}"}, "collection": "x", "views": [{"name": "x", "resources": ["prices"]}],
        "datahub": {"type": "x"}, "last_updated": "2020",
    }  # fmt: skip
    more = {
        "pathType": "local", "hash": "md5:abc", "bytes": 10, "encoding": "ISO-8859-2", "mediatype": "text/csv",
        "dialect": {"delimiter": ";", "quoteChar": '"', "csvddfVersion": 1.2, "caseSensitiveHeader": False},
    }  # fmt: skip
    assert rules(with_resource(**more) | extra) == []


@pytest.mark.parametrize("descriptor", [None, [], "x", 1, True])
def test_only_an_object_is_a_descriptor(descriptor: Any) -> None:
    assert rules(descriptor) == [("descriptor-invalid", "")]


def test_an_empty_object_misses_name_and_resources() -> None:
    assert [rule for rule, _ in rules({})] == ["descriptor-invalid", "descriptor-invalid"]
    assert rules({"name": "x", "resources": []}) == [("descriptor-invalid", "/resources")]


@pytest.mark.parametrize("name", ["", "A", "a b", "-a", "a/b", "a" * 101, "é", "../a", "a\n"])
def test_names_of_datasets_are_plain(name: str) -> None:
    assert rules(GOOD | {"name": name}) == [("dataset-name", "/name")]


def test_types_are_the_standards() -> None:
    assert rules(GOOD | {"keywords": "a,b"}) == [("descriptor-invalid", "/keywords")]
    assert rules(with_resource(name=3)) == [("descriptor-invalid", "/resources/0/name")]
    assert rules(with_field(type="klingon")) == [("descriptor-invalid", "/resources/0/schema/fields/1/type")]
    assert rules(with_resource(dialect={"delimiter": ";;"})) == [("descriptor-invalid", "/resources/0/dialect")]
    assert rules(with_resource(schema={"fields": []})) == [("descriptor-invalid", "/resources/0/schema/fields")]


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd", "../x", "a/../../b", "a/..", "a\\b", "..\\b", "file:///x", "file:x", "data:text/plain,x",
        "//host/x", "~/x", "$HOME/x", "%2e%2e/x", "%252e%252e/x", "a/%2e%2e/b", "%2fetc", "a\0b", "a%00b", "", " ", ".",
        "./a", "a//b", "a/", "C:/x", "a\nb", "x" * 1_025, "é" * 513,
    ],
)  # fmt: skip
def test_unsafe_paths_are_refused(path: str) -> None:
    assert rules(with_resource(path=path)) == [("unsafe-path", "/resources/0/path")]


@pytest.mark.parametrize(
    "path", ["a.csv", "data/a b.csv", "données/é.csv", "a%20b.csv", "100%.csv", "x..y.csv", ".hidden"]
)
def test_plain_relative_paths_are_fine(path: str) -> None:
    assert path_problem(path) is None


@pytest.mark.parametrize("path", ["http://a/b.csv", "HTTPS://a/b", " https://a/b", "ftp://a/b", "s3://a/b"])
def test_nothing_remote_is_taken(path: str) -> None:
    assert rules(with_resource(path=path)) == [("remote-reference", "/resources/0/path")]
    assert rules(with_resource(schema="https://a/b.json")) == [("remote-reference", "/resources/0/schema")]
    assert rules(with_resource(dialect="//a/b.json")) == [("remote-reference", "/resources/0/dialect")]
    assert rules(with_resource(schema="schema.json")) == [("reference-not-inlined", "/resources/0/schema")]


def test_a_path_is_one_file() -> None:
    assert rules(with_resource(path=["a.csv"])) == []
    assert rules(with_resource(path=["a.csv", "../b.csv"])) == [
        ("multipart-path", "/resources/0/path"),
        ("unsafe-path", "/resources/0/path/1"),
    ]
    assert rules(with_resource(path=None)) == [("path-missing", "/resources/0")]
    assert rules(with_resource(path=None, data=[[1]])) == [("inline-data", "/resources/0/data")]
    assert rules(with_resource(path=7)) == [("unsafe-path", "/resources/0/path")]


@pytest.mark.parametrize("key", ["scheme", "innerpath", "extrapaths", "basepath", "checklist", "pipeline", "control"])
def test_keys_that_a_reader_would_act_upon_are_refused(key: str) -> None:
    assert rules(with_resource(**{key: "x"})) == [("unknown-property", f"/resources/0/{key}")]


def test_databases_are_no_format() -> None:
    assert rules(with_resource(format="sql")) == [("unknown-property", "/resources/0/format")]
    assert rules(with_resource(dialect={"sql": {"table": "x"}})) == [("unknown-property", "/resources/0/dialect/sql")]


@pytest.mark.parametrize("names", [["a", "a"], ["a", "A"], ["é", "e\u0301"], ["straße", "STRASSE"]])
def test_names_of_resources_differ(names: list[str]) -> None:
    descriptor = GOOD | {"resources": [{"name": name, "path": "a.csv"} for name in names]}
    assert rules(descriptor) == [("duplicate-resource-name", "/resources/1/name")]


@pytest.mark.parametrize("name", ["", "a/b", "..", "a\\b", "a?b", "a#b", "a%2fb", "a\nb", "x" * 201, " a"])
def test_names_of_resources_fit_into_an_address(name: str) -> None:
    assert rules(with_resource(name=name)) == [("resource-name", "/resources/0/name")]


def test_schemas_make_sense() -> None:
    at = "/resources/0/schema"
    assert rules(with_field(name="date")) == [("duplicate-field-name", f"{at}/fields/1/name")]
    bounds = {"minimum": 3, "maximum": 2}
    assert rules(with_field(constraints=bounds)) == [("constraint-conflict", f"{at}/fields/1/constraints/minimum")]
    for pattern in ("(", "a(?i)b", "[", "x" * 10_000):
        expected = [("pattern-not-supported", f"{at}/fields/1/constraints/pattern")]
        assert rules(with_field(constraints={"pattern": pattern})) == expected
    fields = GOOD["resources"][0]["schema"]["fields"]
    assert rules(with_resource(schema={"fields": fields, "primaryKey": ["date", "x"]})) == [
        ("unknown-field", f"{at}/primaryKey")
    ]
    key = {"fields": "date", "reference": {"resource": "nowhere", "fields": "x"}}
    assert rules(with_resource(schema={"fields": fields, "foreignKeys": [key]})) == [
        ("unknown-resource", f"{at}/foreignKeys/0/reference/resource")
    ]
    key["reference"] = {"resource": "prices", "fields": "date"}
    assert rules(with_resource(schema={"fields": fields, "foreignKeys": [key]})) == []


@pytest.mark.parametrize(
    ("reference", "rule", "end"),
    [
        ({"resource": "notes", "fields": "x"}, "reference-not-a-table", "resource"),
        ({"resource": "codes", "fields": "nowhere"}, "unknown-field", "fields"),
        ({"resource": "codes", "fields": ["code", "name"]}, "key-length", "fields"),
        ({"resource": "codes", "fields": "shape"}, "unsupported-constraint", "fields"),
        ({"resource": "", "fields": "nowhere"}, "unknown-field", "fields"),
        ({"resource": "free", "fields": "whatever"}, None, ""),
        ({"resource": "x", "package": "http://127.0.0.1:1/", "fields": "y"}, None, ""),
    ],
    ids=str,
)
def test_the_other_end_of_a_foreign_key_makes_sense(reference: dict[str, Any], rule: str | None, end: str) -> None:
    codes = {"fields": [{"name": "code"}, {"name": "name"}, {"name": "shape", "type": "geojson"}]}
    key = {"fields": "code", "reference": reference}
    resources = [
        {"name": "prices", "path": "p.csv", "schema": {"fields": [{"name": "code"}], "foreignKeys": [key]}},
        {"name": "codes", "path": "c.csv", "schema": codes},
        {"name": "free", "path": "f.csv"},
        {"name": "notes", "path": "n.pdf"},
    ]
    at = f"/resources/0/schema/foreignKeys/0/reference/{end}"
    assert rules({"name": "d", "resources": resources}) == ([(rule, at)] if rule else [])


def test_numbers_of_things_are_limited() -> None:
    many = [{"name": f"r{number}", "path": "a.csv"} for number in range(1_001)]
    assert rules(GOOD | {"resources": many}) == [("too-many-resources", "/resources")]
    assert rules(GOOD | {"resources": many[:1_000]}) == []
    fields = [{"name": f"f{number}"} for number in range(10_001)]
    assert rules(with_resource(schema={"fields": fields})) == [("too-many-fields", "/resources/0/schema/fields")]


def test_findings_are_short_and_not_endless() -> None:
    bad = [{"name": f"r{number}", "path": "../" + "x" * 5_000} for number in range(1_000)]
    findings = check_descriptor(GOOD | {"resources": bad, "keywords": ["x" * 100_000, 1]})
    assert len(findings) == 100
    assert all(len(finding.message) < 500 for finding in findings)
