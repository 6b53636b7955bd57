"""What of a descriptor the validation library is given: an allow-list.

frictionless follows addresses in `path`, `schema`, `dialect`, `profile`, `$schema` and others, opens databases, joins
files. It gets none of them: only inline properties of the standard, one by one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tabular.finding import Finding, shorten
from tabular.foreignkeys import SELF, ForeignKey, Referenced, References, Unreadable, foreign_keys
from tabular.uniquekeys import UniqueKey, unique_keys

SCHEMA_KEYS = ("title", "description", "missingValues", "primaryKey", "fieldsMatch", "uniqueKeys")
FIELD_KEYS = (
    "name", "title", "description", "type", "format", "example", "rdfType", "missingValues", "trueValues",
    "falseValues", "decimalChar", "groupChar", "bareNumber", "delimiter", "itemType", "categories", "categoriesOrdered",
)  # fmt: skip
CONSTRAINT_KEYS = (
    "required", "unique", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength",
    "pattern", "enum",
)  # fmt: skip
# Values of these types are lists or objects, which frictionless cannot look up in its table of seen values.
UNHASHABLE = ("array", "object", "geojson", "list")


@dataclass(frozen=True, slots=True)
class CleanSchema:
    """A schema that may be handed on. `notes` say in plain words what of the given one is not checked."""

    schema: dict[str, Any]
    notes: list[str] = field(default_factory=list)


def clean_schema(schema: Any, resource_name: str = "", references: References | None = None) -> CleanSchema | Finding:
    """The inline schema, property by property. A finding when it is an address, no schema, or cannot be checked.

    Foreign keys stay where they refer to the table itself, or to one of `references` that can be read.
    """
    if isinstance(schema, str):
        rule = "remote-reference" if "://" in schema or schema.startswith("//") else "reference-not-inlined"
        return Finding(rule, "The schema must be written into the descriptor, not referred to.", where="/schema")
    if not isinstance(schema, Mapping) or not isinstance(schema.get("fields"), list):
        return Finding("schema-error", "The schema must be an object with a list of fields.", where="/schema")
    notes: list[str] = []
    fields: list[dict[str, Any]] = []
    for index, given in enumerate(schema["fields"]):
        cleaned = _clean_field(given, f"/schema/fields/{index}", notes)
        if isinstance(cleaned, Finding):
            return cleaned
        fields.append(cleaned)
    made = {"fields": fields} | _picked(schema, SCHEMA_KEYS)
    unique = unique_keys(made)
    if isinstance(unique, Finding):
        return unique
    foreign = list(_checked_keys(schema, resource_name, references or {}, notes))
    finding = _unhashable_key(made, unique) or _unhashable_foreign_key(made, foreign)
    if finding is not None:
        return finding
    return CleanSchema(made | ({"foreignKeys": [key.to_dict() for key in foreign]} if foreign else {}), notes)


def _clean_field(given: Any, where: str, notes: list[str]) -> dict[str, Any] | Finding:
    if not isinstance(given, Mapping) or not isinstance(given.get("name"), str) or not given["name"]:
        return Finding("schema-error", "Every field of the schema needs a name.", where=where)
    made = {"type": "any"} | _picked(given, FIELD_KEYS)
    constraints = given.get("constraints")
    if constraints is None:
        return made
    if not isinstance(constraints, Mapping):
        return Finding(
            "schema-error", "Constraints must be an object.", field=given["name"], where=f"{where}/constraints"
        )
    if "jsonSchema" in constraints:
        notes.append(f"The constraint jsonSchema of the field {shorten(given['name'])!r} was not checked.")
    made["constraints"] = _picked(constraints, CONSTRAINT_KEYS)
    return _impossible(made, f"{where}/constraints") or made


def _impossible(made: dict[str, Any], where: str) -> Finding | None:
    """What would end frictionless 5.21 with an exception instead of a report."""
    constraints = made["constraints"]
    if constraints.get("unique") and made["type"] in UNHASHABLE:
        message = f"Values of the type {made['type']} cannot be checked for being unique."
        return Finding("unsupported-constraint", message, field=made["name"], where=f"{where}/unique")
    pattern = constraints.get("pattern")
    if pattern is None:
        return None
    finding = pattern_problem(pattern, f"{where}/pattern")
    return None if finding is None else Finding(finding.rule, finding.message, field=made["name"], where=finding.where)


def pattern_problem(pattern: Any, where: str, longest: int = 5_000) -> Finding | None:
    """Why a `pattern` cannot be checked, or None. The reader wraps it in `^…$`: a flag may not stand inside."""
    if not isinstance(pattern, str):
        return Finding("pattern-not-supported", "A pattern must be a text.", where=where)
    if len(pattern) > longest:
        return Finding("pattern-not-supported", f"The pattern is longer than {longest:,} characters.", where=where)
    try:
        re.compile(f"^{pattern}$")
    except (re.error, OverflowError, RecursionError) as error:
        return Finding(
            "pattern-not-supported", f"The pattern {shorten(pattern, 80)!r} cannot be used: {error}.", where=where
        )
    return None


def _unhashable_key(schema: dict[str, Any], unique: Collection[UniqueKey]) -> Finding | None:
    key = schema.get("primaryKey", [])
    names = [key] if isinstance(key, str) else key if isinstance(key, list) else []
    uniques = {name for each in unique for name in each}
    for each in schema["fields"]:
        for found, words, place in ((names, "the primary key", "primaryKey"), (uniques, "a unique key", "uniqueKeys")):
            if each["name"] in found and each["type"] in UNHASHABLE:
                message = f"A field of the type {each['type']} cannot be part of {words}."
                return Finding("unsupported-constraint", message, field=each["name"], where=f"/schema/{place}")
    return None


def _checked_keys(
    schema: Mapping[str, Any], resource_name: str, references: References, notes: list[str]
) -> Iterator[ForeignKey]:
    """The foreign keys whose other end is at hand; of every other one a note says why it was not checked."""
    for index, key in enumerate(foreign_keys(schema)):
        if key is None:
            notes.append(
                f"The foreign key no. {index + 1} was not checked: it leads to another package, or has not as many"
                " fields at one end as at the other."
            )
        elif key.resource in (SELF, resource_name) or isinstance(references.get(key.resource), Referenced):
            yield key
        else:
            other = references.get(key.resource)
            why = other.reason if isinstance(other, Unreadable) else "That table is not at hand."
            names = ", ".join(key.fields)
            notes.append(
                f"The foreign key {shorten(names, 80)!r} into the resource {shorten(key.resource, 80)!r} was not"
                f" checked. {why}"
            )


def _unhashable_foreign_key(schema: dict[str, Any], keys: list[ForeignKey]) -> Finding | None:
    names = {name for key in keys for name in key.fields}
    for each in schema["fields"]:
        if each["name"] in names and each["type"] in UNHASHABLE:
            message = f"A field of the type {each['type']} cannot be part of a foreign key."
            return Finding("unsupported-constraint", message, field=each["name"], where="/schema/foreignKeys")
    return None


def _picked(given: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: given[key] for key in keys if given.get(key) is not None}
