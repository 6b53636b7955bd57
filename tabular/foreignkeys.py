"""Foreign keys: what a schema says of them, and the tables that they are looked up in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabular.finding import shorten

SELF = ""
"""What a reference says in place of the name of its own resource."""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """`fields` of a table whose values together must be those of the `reference` fields in some row of a resource."""

    fields: tuple[str, ...]
    resource: str
    reference: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As a schema says it."""
        reference = {"resource": self.resource, "fields": list(self.reference)}
        return {"fields": list(self.fields), "reference": reference}


@dataclass(frozen=True, slots=True)
class Referenced:
    """A table that keys refer to. Without a `schema` its fields are of the types of those that refer to them."""

    path: Path
    dialect: Mapping[str, Any]
    schema: Mapping[str, Any] | None = None
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A table that keys refer to and that cannot be read as one; `reason` is a sentence for the publisher."""

    reason: str


References = Mapping[str, Referenced | Unreadable]
"""The tables that keys refer to, by the name of the resource."""


def foreign_keys(schema: object) -> Iterator[ForeignKey | None]:
    """The foreign keys of a schema, in order; None in place of one that makes no sense or leads to another package."""
    given = schema.get("foreignKeys") if isinstance(schema, Mapping) else None
    for key in given if isinstance(given, list) else []:
        yield _foreign_key(key)


def referenced_names(schema: object, own: str) -> list[str]:
    """The other resources that a resource's schema refers to."""
    names = [key.resource for key in foreign_keys(schema) if key is not None]
    return [name for name in dict.fromkeys(names) if name not in (SELF, own)]


def largest(path: Path, schema: object, references: References) -> int:
    """The bytes of the largest file that is read where the table at `path` is checked: a small table may refer to a
    large one. Raises OSError."""
    tables = (references.get(key.resource) for key in foreign_keys(schema) if key is not None)
    others = (table.path for table in tables if isinstance(table, Referenced))
    return max(each.stat().st_size for each in (path, *others))


def missing_key(error: Mapping[str, Any]) -> dict[str, Any]:
    """Both ends of a key that was not found, as parts of a finding, from the error in frictionless' report; of an error
    of another kind nothing."""
    if error.get("type") != "foreign-key":
        return {}
    fields, cells = (", ".join(map(str, error.get(key) or ())) for key in ("fieldNames", "fieldCells"))
    referred = ", ".join(map(str, error.get("referenceFieldNames") or ()))
    name = str(error.get("referenceName") or "")
    where = f"the resource “{shorten(name, 80)}”" if name else "this table"
    what = "value" if len(error.get("fieldNames") or ()) == 1 else "values"
    message = (
        f"No row of {where} has the {what} “{shorten(cells, 200)}” in “{shorten(referred, 200)}”, which"
        f" “{shorten(fields, 200)}” refers to."
    )
    return {"field": fields, "cell": cells, "message": message}


def _foreign_key(given: object) -> ForeignKey | None:
    reference = given.get("reference") if isinstance(given, Mapping) else None
    if not isinstance(given, Mapping) or not isinstance(reference, Mapping) or "package" in reference:
        return None
    fields, referred = _names(given.get("fields")), _names(reference.get("fields"))
    resource = reference.get("resource", SELF)
    if not fields or len(fields) != len(referred) or not isinstance(resource, str):
        return None
    return ForeignKey(fields, resource, referred)


def _names(given: object) -> tuple[str, ...]:
    names = [given] if isinstance(given, str) else given
    return tuple(names) if isinstance(names, list) and all(isinstance(name, str) for name in names) else ()
