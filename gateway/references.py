"""What a resource is told of the others: a stage knows one resource, and its foreign keys lead to more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from messages.datapackage import ReferencedResource, Resource
from tabular.foreignkeys import referenced_names
from tabular.spoken import KEYS, with_languages

READING = (
    "name", "path", "title", "description", "format", "mediatype", "profile", "encoding", "dialect", "schema", *KEYS,
)  # fmt: skip
"""What of a descriptor says how its file is read; words hint at an encoding."""


def with_references(resources: Sequence[Resource]) -> list[Resource]:
    """The resources of a package, each with those that its foreign keys lead to."""
    named = {each.name: each for each in resources}
    return [replace(each, references=tuple(_references(each, named))) for each in resources]


def _references(resource: Resource, named: Mapping[str, Resource]) -> list[ReferencedResource]:
    names = referenced_names(resource.descriptor.get("schema"), resource.name) if resource.tabular else []
    return [
        ReferencedResource(name=name, descriptor=_reading(named[name]), source=named[name].source)
        for name in names
        if name in named
    ]


def _reading(resource: Resource) -> dict[str, Any]:
    descriptor = with_languages(resource.descriptor, resource.languages)
    made = {key: descriptor[key] for key in READING if key in descriptor}
    if isinstance(made.get("schema"), dict):
        made["schema"] = {key: value for key, value in made["schema"].items() if key != "foreignKeys"}
    return made
