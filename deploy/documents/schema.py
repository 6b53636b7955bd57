"""JSON Schema (2020-12) of the frozen dataclasses that go over the wire, read off their type hints."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any

PRIMITIVES: Mapping[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    Any: {},
}


def schema_of(record: type, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a dataclass; the dataclasses inside it are added to `definitions` and referred to."""
    hints = typing.get_type_hints(record)
    fields = [field for field in dataclasses.fields(record) if field.name in hints]
    return {
        "type": "object",
        "description": (record.__doc__ or "").strip().split("\n\n")[0].replace("\n", " "),
        "required": [field.name for field in fields],
        "properties": {field.name: _of(hints[field.name], definitions) for field in fields},
    }


def _of(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if hint in PRIMITIVES:
        return dict(PRIMITIVES[hint])
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _reference(hint, definitions)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [_of(argument, definitions) for argument in arguments]}
    if hint is types.NoneType:
        return {"type": "null"}
    if origin is tuple:
        return {"type": "array", "items": _of(arguments[0], definitions)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _of(arguments[1], definitions)}
    raise TypeError(f"no JSON Schema for {hint!r}")


def _reference(record: type, definitions: dict[str, Any]) -> dict[str, Any]:
    if record.__name__ not in definitions:
        definitions[record.__name__] = {}  # breaks a cycle
        definitions[record.__name__] = schema_of(record, definitions)
    return {"$ref": f"#/components/schemas/{record.__name__}"}
