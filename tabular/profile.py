"""Checking a descriptor against the Data Package standard and against what this service can publish. No network."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from tabular.finding import Finding, shorten
from tabular.paths import path_problem
from tabular.schemacheck import schema_problems

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

DATASET_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
# A resource's name becomes a part of addresses (/owner/dataset/r/NAME.csv).
RESOURCE_NAME = re.compile(r"[^\x00-\x20\x7f/\\.?#%][^\x00-\x1f\x7f/\\?#%]{0,199}")
MOST_RESOURCES = 1_000
MOST_FINDINGS = 100
# What frictionless acts on and the standard does not know.
FOREIGN_RESOURCE_KEYS = (
    "scheme", "innerpath", "extrapaths", "basepath", "checklist", "pipeline", "control", "detector", "jsonschema",
)  # fmt: skip
FOREIGN_FORMATS = ("sql", "sqlite", "db", "gsheets", "ckan", "bigquery", "sav", "inline", "pandas", "dbf", "multipart")
DIALECT_KEYS = {
    "$schema", "name", "type", "title", "description", "delimiter", "lineTerminator", "quoteChar", "doubleQuote",
    "escapeChar", "nullSequence", "skipInitialSpace", "header", "headerRows", "headerJoin", "headerCase", "commentRows",
    "commentChar", "skipBlankRows", "caseSensitiveHeader", "csvddfVersion", "property", "itemType", "itemKeys",
    "sheetNumber", "sheetName",
}  # fmt: skip


def check_descriptor(descriptor: object) -> list[Finding]:
    """Everything that is wrong with a `datapackage.json` (parsed, version 1 or 2), with JSON pointers in `where`.

    An empty list: it can be published. At most a hundred findings. Metadata beyond the standard is welcome, except for
    keys that would make a reader fetch, open or run something. Tabular findings (the data itself) are not made here.
    """
    if not isinstance(descriptor, Mapping):
        return [Finding("descriptor-invalid", "The descriptor must be a JSON object.", where="")]
    found: list[Finding] = []
    for finding in _all(descriptor):
        found.append(finding)
        if len(found) >= MOST_FINDINGS:
            break
    return found


def _all(descriptor: Mapping[str, Any]) -> Iterator[Finding]:
    resources = descriptor.get("resources")
    if isinstance(resources, list) and len(resources) > MOST_RESOURCES:
        message = f"The package has {len(resources):,} resources; the limit is {MOST_RESOURCES:,}."
        yield Finding("too-many-resources", message, where="/resources")
        return
    name = descriptor.get("name")
    if isinstance(name, str) and not DATASET_NAME.fullmatch(name):
        message = (
            f"The dataset's name {shorten(name, 120)!r} must be 1 to 100 lower-case letters a-z, digits, '.', '_', '-',"
            " and start with a letter or digit."
        )
        yield Finding("dataset-name", message, where="/name")
    yield from _by_profile("", "package", descriptor)
    if isinstance(resources, list):
        yield from _names(resources)
        for index, resource in enumerate(resources):
            if isinstance(resource, Mapping):
                yield from _resource(resource, f"/resources/{index}", resources)


def _resource(resource: Mapping[str, Any], where: str, resources: list[Any]) -> Iterator[Finding]:
    yield from _paths(resource, where)
    for key in FOREIGN_RESOURCE_KEYS:
        if key in resource:
            yield _unknown(key, f"{where}/{key}")
    if str(resource.get("format", "")).lower() in FOREIGN_FORMATS:
        yield _unknown(f"format: {resource['format']}", f"{where}/format")
    dialect = resource.get("dialect")
    if isinstance(dialect, str):
        yield _reference("dialect", dialect, f"{where}/dialect")
    elif isinstance(dialect, Mapping):
        yield from (
            _unknown(f"dialect.{key}", f"{where}/dialect/{_escape(key)}")
            for key in dialect.keys() - DIALECT_KEYS - {"csv"}
        )
    schema = resource.get("schema")
    if isinstance(schema, str):
        yield _reference("schema", schema, f"{where}/schema")
    elif isinstance(schema, Mapping) and schema:
        problems = list(_by_profile(f"{where}/schema", "schema", schema))
        yield from problems
        yield from schema_problems(schema, f"{where}/schema", _by_name(resources), well_formed=not problems)


def _paths(resource: Mapping[str, Any], where: str) -> Iterator[Finding]:
    path = resource.get("path")
    if path is None and "data" in resource:
        yield Finding(
            "inline-data", "Data inside the descriptor cannot be published; put it in a file.", where=f"{where}/data"
        )
    elif path is None:
        yield Finding("path-missing", "The resource has no path to its file.", where=where)
    elif isinstance(path, list):
        if len(path) != 1:
            message = f"The resource has {len(path)} files; one resource is one file here."
            yield Finding("multipart-path", message, where=f"{where}/path")
        problems = (path_problem(item, f"{where}/path/{index}") for index, item in enumerate(path[:MOST_FINDINGS]))
        yield from (problem for problem in problems if problem is not None)
    elif (problem := path_problem(path, f"{where}/path")) is not None:
        yield problem


def _names(resources: Iterable[Any]) -> Iterator[Finding]:
    """Names differ even on a file system that ignores case, and in whichever Unicode form they are written."""
    seen: dict[str, str] = {}
    for index, resource in enumerate(resources):
        name = resource.get("name") if isinstance(resource, Mapping) else None
        if not isinstance(name, str):
            continue
        where = f"/resources/{index}/name"
        if not RESOURCE_NAME.fullmatch(name):
            message = f"The resource's name {shorten(name, 80)!r} must be 1 to 200 characters, none of them / \\ ? # %."
            yield Finding("resource-name", message, where=where)
        key = unicodedata.normalize("NFC", name).casefold()
        if key in seen:
            message = (
                f"The resource's name {shorten(name, 80)!r} is taken by another resource ({shorten(seen[key], 80)!r})."
            )
            yield Finding("duplicate-resource-name", message, where=where)
        seen.setdefault(key, name)


def _by_name(resources: Iterable[Any]) -> dict[str, Mapping[str, Any]]:
    return {str(item.get("name")): item for item in resources if isinstance(item, Mapping)}


def _unknown(key: str, where: str) -> Finding:
    message = f"The property {shorten(key, 80)!r} is not part of the standard and would be acted upon; remove it."
    return Finding("unknown-property", message, where=where)


def _reference(what: str, value: str, where: str) -> Finding:
    if "://" in value or value.startswith("//"):
        message = f"The {what} is an address ({shorten(value, 80)}): nothing is fetched, write it into the descriptor."
        return Finding("remote-reference", message, where=where)
    message = f"The {what} refers to another file ({shorten(value, 80)}): write it into the descriptor."
    return Finding("reference-not-inlined", message, where=where)


def _by_profile(where: str, part: str, value: Mapping[str, Any]) -> Iterator[Finding]:
    for error in _validator(part).iter_errors(value):
        pointer = where + "".join(f"/{_escape(str(step))}" for step in error.absolute_path)
        yield Finding("descriptor-invalid", _sentence(error, pointer), where=pointer)


def _sentence(error: ValidationError, pointer: str) -> str:
    place = pointer or "the descriptor"
    rule = str(error.validator)
    expected: Any = error.validator_value
    if rule == "required":
        missing = [key for key in expected if isinstance(error.instance, dict) and key not in error.instance]
        return f"{place} misses {', '.join(missing)}."
    if rule == "type":
        return f"{place} must be of the type {expected if isinstance(expected, str) else ' or '.join(expected)}."
    return f"{place} is not valid: {shorten(error.message, 200)}."


def _escape(step: str) -> str:
    """RFC 6901, section 3."""
    return shorten(str(step), 100).replace("~", "~0").replace("/", "~1")


@cache
def _validator(part: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    profile = json.loads((files("tabular") / "profiles" / "datapackage.json").read_text("utf-8"))
    return Draft202012Validator(
        profile if part == "package" else {"$ref": f"#/$defs/{part}", "$defs": profile["$defs"]}
    )
