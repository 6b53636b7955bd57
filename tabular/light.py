"""The library's objects, without the work that it does again and again for each of them.

frictionless looks up for every object by which names it is written out; it copies every field twice to open a table,
each time by way of a descriptor that it validates anew. Its own hooks let it have classes of ours instead, which answer
the same: this one is a base of all, `tabular.lightfield`, `lightschema`, `lightheader` and `lightrow` have the others.
Nothing of the library itself is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from typing import Any

from frictionless import Report
from frictionless.metadata.metadata import Metadata
from frictionless.vendors.stringcase import snakecase
from typing_extensions import override


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
            made[name] = copied(value)
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


def copied(value: Any) -> Any:
    """A copy of what a property says."""
    if type(value) is list and all(type(item) is str for item in value):
        return value.copy()
    return deepcopy(value) if isinstance(value, list | dict) else value


def copied_whole(value: Any) -> Any:
    """A copy of JSON."""
    if type(value) is dict:
        return {name: item if type(item) is str else copied_whole(item) for name, item in value.items()}
    return [copied_whole(item) for item in value] if type(value) is list else deepcopy(value)


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


def report_dict(report: Report) -> dict[str, Any]:
    """The library's `to_dict` of a report."""
    return exported(report, exclude=("errors", "tasks")) | {
        "errors": [exported(error) for error in report.errors],
        "tasks": [
            exported(task, exclude=("errors",)) | {"errors": [exported(error) for error in task.errors]}
            for task in report.tasks
        ],
    }
