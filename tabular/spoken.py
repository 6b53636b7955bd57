"""The codes of languages that a descriptor declares.

The recipe "Language support" of the Data Package standard lets any descriptor say `languages`, an array of codes of
which the first is the default; `lang` and `language` are seen too. A resource that says none has those of its package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

KEYS = ("languages", "language", "lang")


def said_languages(descriptor: Mapping[str, Any]) -> list[str]:
    """The codes that a descriptor says itself: of a package, of a resource, of a schema."""
    said = (descriptor.get(key) for key in KEYS)
    return [code for each in said for code in (each if isinstance(each, list) else [each]) if isinstance(code, str)]


def spoken_of(resource: Mapping[str, Any]) -> list[str]:
    """The codes of a resource and its schema, in that order."""
    schema = resource.get("schema")
    return said_languages(resource) + (said_languages(schema) if isinstance(schema, Mapping) else [])


def with_languages(resource: Mapping[str, Any], languages: Sequence[str]) -> Mapping[str, Any]:
    """The resource's descriptor, with the languages of its package where it says none itself."""
    if not languages or spoken_of(resource):
        return resource
    return {**resource, "languages": list(languages)}
