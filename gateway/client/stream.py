"""Server-sent events (WHATWG HTML, 9.2) of a flow, as the status that they lead to."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

CHANGE, END = "change", "end"


@dataclass(frozen=True, slots=True)
class Event:
    """`kind` is `message` where none is named; `id` that of this event or of the last one before it that has one."""

    id: str
    kind: str
    document: dict[str, Any]


async def events_of(lines: AsyncIterator[bytes]) -> AsyncIterator[Event]:
    """Every event with a JSON object; comments (heartbeats) and other fields are passed over."""
    data: list[str] = []
    kind = last = ""
    async for raw in lines:
        name, _, value = raw.decode("utf-8", "replace").rstrip("\r\n").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        elif name == "event":
            kind = value
        elif name == "id" and "\0" not in value:
            last = value
        elif not name and not value:
            document = _object("\n".join(data)) if data else None
            if document is not None:
                yield Event(last, kind or "message", document)
            data, kind = [], ""


def changed(status: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """The status after a `change`, which has those resources only that are not what they were."""
    resources = {_index(resource): resource for resource in _resources(status)}
    resources |= {_index(resource): resource for resource in _resources(change)}
    return {**status, **change, "resources": list(resources.values())}


def _resources(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [resource for resource in status.get("resources") or () if isinstance(resource, dict)]


def _index(resource: Mapping[str, Any]) -> object:
    return resource.get("index", resource.get("name"))


def _object(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
