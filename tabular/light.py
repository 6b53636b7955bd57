"""The library's tables, schemas and fields, without the work that it does again and again for each of them.

frictionless copies every field twice to open a table, each time by way of a descriptor that it validates anew; it looks
up again for every object by which names it is written out. Its own hooks let it have classes of ours instead, which
answer the same. Fields that say the same but for their names are made, written out and given readers once for all of
them. Nothing of the library itself is changed.
"""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import cache, lru_cache
from typing import Any, Self

from frictionless import Field, Report, Schema
from frictionless.metadata.context import ValidationContext
from frictionless.metadata.metadata import Metadata
from frictionless.vendors.stringcase import snakecase
from typing_extensions import override

from tabular.patterns import Patterns
from tabular.rebound import rebound

LONGEST_KNOWN = 1_000
MOST_KNOWN = 1_000
"""Kinds of fields that are remembered as valid, and characters of the descriptor of one."""


def exported(metadata: Any, *, exclude: Sequence[str] = ()) -> dict[str, Any]:
    """The library's own `metadata_export`, with names that are found once."""
    kind: Any = type(metadata)
    defined = set(metadata.list_defined())
    made: dict[str, Any] = {}
    for name, attribute, is_object in _properties(kind):
        if name in exclude or (name != "type" and attribute not in defined):
            continue
        value = getattr(metadata, attribute, None)
        if value is None or value == {}:
            continue
        if not is_object:
            made[name] = _copied(value)
        elif isinstance(value, list):
            made[name] = [item.to_descriptor_source() for item in value]
        elif said := value.to_descriptor_source():
            made[name] = said
    if metadata._schema_profile is not None:
        made = {"$schema": metadata._schema_profile, **made}
    made.update(metadata.custom)
    return made


@cache
def _properties(kind: Any) -> list[tuple[str, str, bool]]:
    """The properties of a class by name, the attributes that hold them, and whether they are objects themselves."""
    names = kind.metadata_ensure_profile().get("properties", {})
    return [(name, snakecase(name), bool(kind.metadata_select_property_class(name))) for name in names]


def _copied(value: Any) -> Any:
    if type(value) is list and all(type(item) is str for item in value):
        return value.copy()
    return deepcopy(value) if isinstance(value, list | dict) else value


def _copied_whole(value: Any) -> Any:
    """A copy of JSON."""
    if type(value) is dict:
        return {name: item if type(item) is str else _copied_whole(item) for name, item in value.items()}
    return [_copied_whole(item) for item in value] if type(value) is list else deepcopy(value)


class Light(Metadata):
    """For the end of a class's bases, where the library's own comes before."""

    metadata_export: Any = exported

    @classmethod
    @override
    def metadata_transform(cls, descriptor: dict[str, Any]) -> None:
        """Hook of the library: asks whatever objects a descriptor holds. Those of fields hold none."""
        kind: Any = cls
        if any(is_object for _, _, is_object in _properties(kind)):
            super().metadata_transform(descriptor)


class LightSchema(Schema, Light):
    """Has light fields."""

    @classmethod
    @override
    def metadata_import(cls, descriptor: dict[str, Any], *, with_basepath: bool = False, **options: Any) -> Any:
        """Hook of the library: the schema of a valid descriptor."""
        version = options.get("datapackage_version") or cls.effective_datapackage_version(descriptor, None)
        if isinstance(descriptor.get("fields"), list):
            descriptor["fields"] = _fields_of(descriptor["fields"], version)
        return super().metadata_import(descriptor, with_basepath=with_basepath, **options)

    @classmethod
    @override
    def metadata_retrieve(cls, descriptor: Any, **options: Any) -> Any:
        """Hook of the library: a copy of the descriptor. Its own looks for circles at each of 5,000 fields' values."""
        if type(descriptor) is dict:
            return _copied_whole(descriptor)
        return super().metadata_retrieve(descriptor, **options)

    @classmethod
    @override
    def metadata_select_property_class(cls, name: str) -> Any:
        """Hook of the library."""
        return LightField if name == "fields" else super().metadata_select_property_class(name)


class LightField(Field, Light):
    """For the start of a class's bases: is its own copy, and valid if one like it was. `_alike` holds what was made for
    one of the fields of its schema that say the same but for their names, and is right for all of them."""

    _alike: dict[str, Any] | None = None

    @classmethod
    @override
    def metadata_select_class(cls, type: str | None) -> Any:
        """Hook of the library: the class of that type."""
        return _light_of(type) if isinstance(type, str) else _light(super().metadata_select_class(type))

    @override
    def to_copy(self, **options: Any) -> Self:
        """The library copies fields for fear of users who change them; here are none."""
        return self

    @override
    def create_cell_reader(self) -> Any:
        """Hook of the library: reads a cell by all that the field says, but for its name; by patterns that do not take
        for ever, where that can be."""
        librarys = super().create_cell_reader
        return self._once("reader", lambda: _linear(librarys))

    @override
    def create_cell_writer(self) -> Any:
        """Hook of the library: writes a cell by the same."""
        return self._once("writer", super().create_cell_writer)

    @override
    def metadata_export(self, *, exclude: Sequence[str] = ()) -> Any:
        """Hook of the library: what the field says."""
        if exclude:
            return super().metadata_export(exclude=list(exclude))
        said = self._once("said", super().metadata_export)
        return {name: _copied(value) for name, value in said.items()} | {"name": self.name}

    def _once(self, what: str, make: Callable[[], Any]) -> Any:
        if self._alike is None or self.schema is None:
            return make()
        if what not in self._alike:
            self._alike[what] = make()
        return self._alike[what]

    @classmethod
    @override
    def metadata_validate(cls, descriptor: dict[str, Any], *, context: Any = None, **options: Any) -> Any:
        """Hook of the library: what is wrong with a descriptor."""
        kind: Any = cls
        text = repr(descriptor | {"name": "any"})
        if isinstance(descriptor.get("name"), str) and len(text) <= LONGEST_KNOWN and not options:
            version = context.datapackage_version if context is not None else None
            if _is_valid(kind, text, version):
                return
        yield from super().metadata_validate(descriptor, context=context, **options)


def _linear(create_cell_reader: Any) -> Any:
    """The reader that the library's method makes, with patterns of ours; fields within the field are light, too."""
    made = rebound(create_cell_reader.__func__, re=Patterns, Field=LightField)
    return made(create_cell_reader.__self__)


def alike(field: Any) -> Any:
    """What is one and the same for all fields of a schema that say the same but for their names."""
    shared = getattr(field, "_alike", None)
    return field if shared is None else shared


def _fields_of(items: list[Any], version: Any) -> list[Any]:
    """The fields of a schema; those that say the same are copies of the first of them, under their own names."""
    made: list[Any] = []
    known: dict[str, Any] = {}
    for item in items:
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            made.append(item)  # as the library has it
            continue
        text = repr({**item, "name": ""})
        if text in known:
            made.append(_twin(known[text], item["name"]))
            continue
        known[text] = LightField.metadata_select_class(item.get("type")).metadata_import(
            item, datapackage_version=version
        )
        known[text].__dict__["_alike"] = {}
        made.append(known[text])
    return made


def _twin(first: Any, name: str) -> Any:
    """Another field that says the same; what they say is shared, as it is with copies."""
    kind: Any = type(first)
    made = object.__new__(kind)
    for slot in _slots(kind):
        object.__setattr__(made, slot, getattr(first, slot))
    made.__dict__.update(vars(first))
    object.__setattr__(made, "name", name)
    return made


@cache
def _slots(kind: Any) -> list[str]:
    return [name for each in kind.mro() for name in vars(each).get("__slots__", ()) if name != "__weakref__"]


def lighten(schema: Schema) -> Schema:
    """Makes the fields of a schema that the library inferred light ones."""
    for each in schema.fields:
        kind: Any = type(each)
        if not issubclass(kind, LightField):
            each.__class__ = _light(kind)
    return schema


@lru_cache(MOST_KNOWN)
def _light_of(type: str) -> Any:
    return _light(Field.metadata_select_class(type))


@cache
def _light(given: Any) -> Any:
    return type(given.__name__, (LightField, given), {})


@lru_cache(MOST_KNOWN)
def _is_valid(kind: Any, text: str, version: Any) -> bool:
    """Whether a field of that class and version of the standard may say this; its name, a text, is no matter."""
    try:
        descriptor = literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):  # no JSON, or too deep: left to the library
        return False
    context = ValidationContext(datapackage_version=version)
    return not any(True for _ in super(LightField, kind).metadata_validate(descriptor, context=context))


def report_dict(report: Report) -> dict[str, Any]:
    """The library's `to_dict` of a report."""
    return exported(report, exclude=("errors", "tasks")) | {
        "errors": [exported(error) for error in report.errors],
        "tasks": [
            exported(task, exclude=("errors",)) | {"errors": [exported(error) for error in task.errors]}
            for task in report.tasks
        ],
    }
