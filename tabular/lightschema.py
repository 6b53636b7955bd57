"""The library's schema, which answers the same: of fields that say the same but for their names it looks at one."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any

from frictionless import Schema
from typing_extensions import override

from tabular.light import Light, copied_whole
from tabular.lightfield import LightField, alike, twins_of


class Fields(list[Any]):
    """The descriptors of a schema's fields, most of which say what others say, but for their names. `kinds` is, field
    by field, equal for those that do."""

    def __init__(self, items: Sequence[Any], kinds: Sequence[Any]) -> None:
        super().__init__(items)
        self.kinds = kinds

    def few(self, names: Container[str] = ()) -> list[Any]:
        """The first of each kind, and those of these names."""
        firsts = dict(zip(reversed(self.kinds), reversed(self), strict=True))
        return [*firsts.values(), *(item for item in self if item["name"] in names)]


def _sorted_out(items: list[Any], kinds: Sequence[Any]) -> list[Any]:
    return Fields(items, kinds) if 2 * len(set(kinds)) <= len(kinds) else items


def _name_of(item: Any) -> str | None:
    """The name in a field's descriptor; None where there is none."""
    name = item.get("name") if type(item) is dict else None
    return name if type(name) is str else None


def _kind_of(item: Any) -> str | None:
    """What a field says but for its name, a text; None for what has none."""
    return None if _name_of(item) is None else repr({**item, "name": ""})


class LightSchema(Schema, Light):
    """Has light fields. Of those that say the same but for their names one is looked at, where the library looks for
    what is wrong or out of date; where it finds anything, it looks at all."""

    @classmethod
    @override
    def metadata_retrieve(cls, descriptor: Any, **options: Any) -> Any:
        """Hook of the library: a copy of the descriptor. Its own looks for circles at each of 5,000 fields' values."""
        if type(descriptor) is not dict:
            return super().metadata_retrieve(descriptor, **options)
        made = copied_whole(descriptor)
        if type(items := made.get("fields")) is list and None not in (kinds := [_kind_of(item) for item in items]):
            made["fields"] = _sorted_out(items, kinds)
        return made

    @classmethod
    @override
    def metadata_transform(cls, descriptor: dict[str, Any]) -> None:
        """Hook of the library: brings a descriptor up to date, in place."""
        if isinstance(fields := descriptor.get("fields"), Fields):
            few = copied_whole(fields.few())
            descriptor["fields"] = copied_whole(few)
            super().metadata_transform(descriptor)
            is_as_it_was = descriptor["fields"] == few
            descriptor["fields"] = fields if is_as_it_was else list(fields)
            if is_as_it_was:
                return
        super().metadata_transform(descriptor)

    @classmethod
    @override
    def metadata_validate(cls, descriptor: dict[str, Any], *, context: Any = None, **options: Any) -> Any:
        """Hook of the library: what is wrong with a descriptor."""
        if isinstance(fields := descriptor.get("fields"), Fields) and _is_without_twice(fields):
            names = set(_texts([descriptor.get("primaryKey"), descriptor.get("foreignKeys")]))
            few = {item["name"]: item for item in fields.few(names)}
            given = {**descriptor, "fields": list(few.values())}
            if not any(True for _ in super().metadata_validate(given, context=context, **options)):
                return
        yield from super().metadata_validate(descriptor, context=context, **options)

    @classmethod
    @override
    def metadata_import(cls, descriptor: dict[str, Any], *, with_basepath: bool = False, **options: Any) -> Any:
        """Hook of the library: the schema of a valid descriptor."""
        version = options.get("datapackage_version") or cls.effective_datapackage_version(descriptor, None)
        if isinstance(descriptor.get("fields"), list):
            descriptor["fields"] = _fields_of(descriptor["fields"], version)
        return super().metadata_import(descriptor, with_basepath=with_basepath, **options)

    @override
    def metadata_export(self, *, exclude: Sequence[str] = ()) -> Any:
        """Hook of the library: what the schema says."""
        made = super().metadata_export(exclude=list(exclude))
        if type(items := made.get("fields")) is list and None not in map(_name_of, items):
            made["fields"] = _sorted_out(items, [id(alike(each)) for each in self.fields])
        return made

    @classmethod
    @override
    def metadata_select_property_class(cls, name: str) -> Any:
        """Hook of the library."""
        return LightField if name == "fields" else super().metadata_select_property_class(name)


def _is_without_twice(fields: list[Any]) -> bool:
    return len({item["name"] for item in fields}) == len(fields)


def _texts(value: Any) -> Iterator[str]:
    """All texts in some JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _fields_of(items: list[Any], version: Any) -> list[Any]:
    """The fields of a schema; those that say the same are copies of the first of them, under their own names."""
    made: list[Any] = []
    twins: dict[str, Callable[[str], Any]] = {}
    for item, kind in zip(items, items.kinds if isinstance(items, Fields) else map(_kind_of, items), strict=True):
        if kind is None:
            made.append(item)  # as the library has it
        elif kind in twins:
            made.append(twins[kind](item["name"]))
        else:
            field = LightField.metadata_select_class(item.get("type")).metadata_import(
                item, datapackage_version=version
            )
            field.__dict__["_alike"] = {}
            twins[kind] = twins_of(field)
            made.append(field)
    return made
