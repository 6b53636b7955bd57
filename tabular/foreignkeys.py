"""Foreign keys: what a schema says of them, and the tables that they are looked up in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
