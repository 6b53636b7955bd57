"""What a Table Schema must fulfil beyond its form: names that exist, bounds that can be met, patterns that compile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

from tabular.descriptor import UNHASHABLE, pattern_problem
from tabular.expression import irregular
from tabular.finding import Finding, shorten
from tabular.resource import is_table

MOST_FIELDS = 10_000
MOST_KEYS = 1_000
MOST_VALUES = 100_000
BOUNDS = (("minimum", "maximum"), ("minLength", "maxLength"), ("exclusiveMinimum", "exclusiveMaximum"))


def schema_problems(
    schema: Mapping[str, Any], where: str, resources: Mapping[str, Mapping[str, Any]], well_formed: bool
) -> Iterator[Finding]:
    """Problems of an inline schema at the pointer `where`. Names are only looked up in a `well_formed` one, those of
    other resources in `resources`."""
    fields = schema.get("fields")
    if not isinstance(fields, list):
        return
    if len(fields) > MOST_FIELDS:
        message = f"The schema has {len(fields):,} fields; the limit is {MOST_FIELDS:,}."
        yield Finding("too-many-fields", message, where=f"{where}/fields")
        return
    seen: set[str] = set()
    for index, field in enumerate(fields):
        if isinstance(field, Mapping):
            yield from _field(field, f"{where}/fields/{index}", seen)
    if well_formed:
        yield from _keys(schema, where, seen, resources)


def _field(field: Mapping[str, Any], where: str, seen: set[str]) -> Iterator[Finding]:
    name = str(field.get("name"))
    if name in seen:
        yield Finding(
            "duplicate-field-name", f"The field {shorten(name, 80)!r} comes twice.", field=name, where=f"{where}/name"
        )
    seen.add(name)
    constraints = field.get("constraints")
    if not isinstance(constraints, Mapping):
        return
    for low, high in BOUNDS:
        if (
            _is_number(constraints.get(low))
            and _is_number(constraints.get(high))
            and constraints[low] > constraints[high]
        ):
            message = f"The {low} of the field {shorten(name, 80)!r} is above its {high}: no value can meet both."
            yield Finding("constraint-conflict", message, field=name, where=f"{where}/constraints/{low}")
    values = constraints.get("enum")
    if isinstance(values, list) and len(values) > MOST_VALUES:
        message = f"The enum has {len(values):,} values; the limit is {MOST_VALUES:,}."
        yield Finding("too-many-values", message, field=name, where=f"{where}/constraints/enum")
    if constraints.get("pattern") is not None:
        problem = _pattern_problem(constraints["pattern"], f"{where}/constraints/pattern")
        if problem is not None:
            yield problem


def _pattern_problem(pattern: Any, where: str) -> Finding | None:
    """Why nobody should publish a pattern: it is none, or who checks it can be made to take for ever."""
    problem = pattern_problem(pattern, where)
    what = irregular(pattern) if problem is None else None
    if what is None:
        return problem
    message = (
        f"The pattern {shorten(pattern, 80)!r} {what}, which cannot be checked in bounded time: write it without that,"
        " or leave it out and say the rule in the field's description."
    )
    return Finding("pattern-not-supported", message, where=where)


def _keys(
    schema: Mapping[str, Any], where: str, names: Set[str], resources: Mapping[str, Mapping[str, Any]]
) -> Iterator[Finding]:
    yield from _unknown_fields(schema.get("primaryKey"), names, f"{where}/primaryKey")
    keys = schema.get("foreignKeys") or []
    if len(keys) > MOST_KEYS:
        message = f"The schema has {len(keys):,} foreign keys; the limit is {MOST_KEYS:,}."
        yield Finding("too-many-keys", message, where=f"{where}/foreignKeys")
        return
    for index, key in enumerate(keys):
        at = f"{where}/foreignKeys/{index}"
        yield from _unknown_fields(key["fields"], names, f"{at}/fields")
        if "package" not in key["reference"]:
            yield from _other_end(key, f"{at}/reference", schema, resources)


def _other_end(
    key: Mapping[str, Any], at: str, schema: Mapping[str, Any], resources: Mapping[str, Mapping[str, Any]]
) -> Iterator[Finding]:
    """Problems of what a foreign key leads to, which need not have a schema."""
    reference = key["reference"]
    name, fields = reference.get("resource", ""), _listed(reference["fields"])
    shown = shorten(str(name), 80)
    if name and name not in resources:
        message = f"The foreign key refers to the resource {shown!r}, which does not exist."
        yield Finding("unknown-resource", message, where=f"{at}/resource")
        return
    if name and not is_table(resources[name]):
        message = f"The foreign key refers to the resource {shown!r}, which is not a table."
        yield Finding("reference-not-a-table", message, where=f"{at}/resource")
        return
    if len(fields) != len(_listed(key["fields"])):
        message = f"The foreign key has {len(_listed(key['fields']))} fields at one end and {len(fields)} at the other."
        yield Finding("key-length", message, where=f"{at}/fields")
    there = resources[name].get("schema") if name else schema
    if isinstance(there, Mapping) and isinstance(there.get("fields"), list):
        found = {str(each.get("name")): each.get("type") for each in there["fields"] if isinstance(each, Mapping)}
        yield from _unknown_fields(fields, found.keys(), f"{at}/fields")
        for field in fields:
            if found.get(field) in UNHASHABLE:
                message = f"A field of the type {found[field]} cannot be looked up."
                yield Finding("unsupported-constraint", message, field=field, where=f"{at}/fields")


def _listed(names: Any) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _unknown_fields(key: Any, names: Set[str], where: str) -> Iterator[Finding]:
    for name in [key] if isinstance(key, str) else key or []:
        if name not in names:
            yield Finding(
                "unknown-field", f"The key names the field {shorten(name, 80)!r}, which does not exist.", where=where
            )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
