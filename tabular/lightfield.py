"""The library's fields, which answer the same, with less work: what those have in common that say the same but for
their names is made once for all of them."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any, Self

from frictionless import Field, Schema
from frictionless.metadata.context import ValidationContext
from typing_extensions import override

from tabular.light import Light, copied
from tabular.patterns import Patterns
from tabular.rebound import rebound

UNSAID: tuple[dict[str, Any], bool] = {}, False
LONGEST_KNOWN = 1_000
MOST_KNOWN = 1_000
"""Kinds of fields that are remembered as valid, and characters of the descriptor of one."""


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
    def __setattr__(self, name: str, value: Any) -> None:
        """As the library's, which looks into each value; it sets the schema of each field twice."""
        if name == "schema" and value is not None and self.metadata_initiated:
            self.metadata_assigned.add(name)
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    @override
    def to_descriptor_source(self) -> Any:
        """Hook of the library: what the field says, or where it is read."""
        if self._alike and self.schema is not None and not self.metadata_descriptor_path:
            said, is_flat = self._alike.get("said", UNSAID)
            if is_flat:
                return {**said, "name": self.name}
        return super().to_descriptor_source() if self.metadata_descriptor_path else self.metadata_export()

    @override
    def metadata_export(self, *, exclude: Sequence[str] = ()) -> Any:
        """Hook of the library: what the field says."""
        if exclude:
            return super().metadata_export(exclude=list(exclude))
        said, is_flat = self._once("said", self._said)
        if is_flat:
            return {**said, "name": self.name}
        return {name: copied(value) for name, value in said.items()} | {"name": self.name}

    def _said(self) -> tuple[dict[str, Any], bool]:
        said = super().metadata_export()
        return said, all(type(value) is str for value in said.values())

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


def readers_and_writers(fields: Sequence[Any]) -> list[tuple[Any, Any]]:
    """The cell reader and the cell writer of each field, made once for all that are alike."""
    kinds = [id(alike(each)) for each in fields]
    firsts = dict(zip(reversed(kinds), reversed(fields), strict=True))
    made = {kind: (each.create_cell_reader(), each.create_cell_writer()) for kind, each in firsts.items()}
    return [made[kind] for kind in kinds]


def twins_of(first: Any) -> Callable[[str], Any]:
    """Makes fields that say the same under other names; what they say is shared, as it is with copies."""
    kind: Any = type(first)
    new = object.__new__
    rename = kind.name.__set__
    setters = [(getattr(kind, slot).__set__, getattr(first, slot)) for slot in _slots(kind) if slot != "name"]
    more = vars(first)

    def twin(name: str) -> Any:
        made = new(kind)
        for put, value in setters:
            put(made, value)
        made.__dict__.update(more)
        rename(made, name)
        return made

    return twin


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
