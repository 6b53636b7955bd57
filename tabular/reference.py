"""What of a resource's descriptor frictionless may be given whole: nothing in it leads anywhere else.

frictionless follows addresses and paths in `schema`, `dialect`, `profile`, single fields, `path` and more, also when it
was not told to trust the descriptor. So each object is made anew from the properties that the library knows and that
are values; where an object is expected and a text is found, that is a reference, and refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import urlparse

from tabular.finding import shorten

RESOURCE_KEYS = frozenset((
    "$schema", "name", "title", "description", "homepage", "licenses", "sources", "format", "mediatype", "compression",
    "encoding", "hash", "bytes", "fields", "rows", "missingValues",
))  # fmt: skip
SCHEMA_KEYS = frozenset((
    "$schema", "name", "title", "description", "fieldsMatch", "missingValues", "primaryKey", "foreignKeys",
))  # fmt: skip
FIELD_KEYS = frozenset((
    "name", "type", "title", "description", "format", "missingValues", "constraints", "rdfType", "example",
    "trueValues", "falseValues", "bareNumber", "floatNumber", "decimalChar", "groupChar", "arrayItem", "delimiter",
    "itemType", "required",
))  # fmt: skip
DIALECT_KEYS = frozenset((
    "$schema", "name", "title", "description", "header", "headerRows", "headerJoin", "headerCase", "commentChar",
    "commentRows", "skipBlankRows", "delimiter", "lineTerminator", "quoteChar", "doubleQuote", "escapeChar",
    "nullSequence", "skipInitialSpace", "csv",
))  # fmt: skip
PROFILES = ("data-resource", "tabular-data-resource")


class ReferenceRefused(ValueError):
    """A descriptor refers to something that is not in it; `where` is a JSON pointer to the reference."""

    def __init__(self, where: str, value: object) -> None:
        self.where = where
        super().__init__(
            f"{where or 'the name of the file'} must not refer to {shorten(str(value), 200)!r}: write it out"
        )


def self_contained(descriptor: Mapping[str, Any], file: str) -> dict[str, Any]:
    """A resource's descriptor for the file of that name, without anything that is not known. Raises ReferenceRefused.

    A `$schema` stays, for the library reads nothing from it but the standard's version.
    """
    if urlparse(file).scheme or PurePath(file).name != file:
        raise ReferenceRefused("", file)
    made = _picked(descriptor, RESOURCE_KEYS) | {"path": file}
    made.setdefault("format", "tsv" if _is_tsv(file) else "csv")
    profile = descriptor.get("profile")
    if profile is not None:
        if profile not in PROFILES:
            raise ReferenceRefused("/profile", profile)
        made["profile"] = profile
    for key, build in (("schema", _schema), ("dialect", _dialect)):
        given = descriptor.get(key)
        if isinstance(given, Mapping):
            made[key] = build(given)
        elif given is not None:
            raise ReferenceRefused(f"/{key}", given)
    return made


def _is_tsv(file: str) -> bool:
    return file.lower().removesuffix(".gz").endswith(".tsv")


def _schema(given: Mapping[str, Any]) -> dict[str, Any]:
    made = _picked(given, SCHEMA_KEYS)
    fields = given.get("fields")
    if isinstance(fields, list):
        made["fields"] = [_field(each, f"/schema/fields/{index}") for index, each in enumerate(fields)]
    elif fields is not None:
        made["fields"] = fields
    return made


def _field(given: Any, where: str) -> Any:
    if type(given) is dict and given.keys() <= FIELD_KEYS:  # of 5,000 all, as a rule
        return given
    if isinstance(given, str):
        raise ReferenceRefused(where, given)
    return _picked(given, FIELD_KEYS) if isinstance(given, Mapping) else given


def _dialect(given: Mapping[str, Any]) -> dict[str, Any]:
    return _picked(given, DIALECT_KEYS)


def _picked(given: Mapping[str, Any], keys: frozenset[str]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key in keys}
