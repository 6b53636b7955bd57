"""A flow's status at a moment, as the events that tell a reader of it: the whole, or what differs from before.

The id of a moment is made of what the database says, and of nothing else. So every gateway process gives the same
moment the same id, and knows from the id that a reader names whether it has missed anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOVING = ("progress", "waiting")
"""What of a resource is no fact: heard of, and forgotten."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`rest` is the status without its resources, as JSON; `resources` are JSON objects, one by one. `final`: nothing
    will change any more. `moving`: the resources, by position, of which more than facts is told."""

    id: str
    rest: str
    resources: tuple[str, ...]
    moving: frozenset[int]
    final: bool

    @classmethod
    def of(cls, status: Mapping[str, Any]) -> Snapshot:
        """Of a status object as GET answers it."""
        rest = {name: value for name, value in status.items() if name not in ("resources", "spec_contents")}
        hashed = hashlib.sha256((told := _json(rest)).encode())
        resources, moving = [], set()
        for position, resource in enumerate(status.get("resources", ())):
            facts = _json({name: value for name, value in resource.items() if name not in MOVING})
            hashed.update(facts.encode())
            extra = {name: resource.get(name) for name in MOVING}
            resources.append(f"{facts[:-1]},{_json(extra)[1:]}")
            if any(value is not None for value in extra.values()):
                moving.add(position)
        return cls(hashed.hexdigest()[:16], told, tuple(resources), frozenset(moving), is_final(status))

    def event(self) -> str:
        """The whole status, as a server-sent event (WHATWG HTML 9.2)."""
        return self._event("", self.resources)

    def change(self, before: Snapshot | None) -> str:
        """What differs from `before`; None: from the facts alone, which a reader has who names this moment's id. An
        event of the kind `change`, or nothing: the status with those resources only that are not what they were."""
        if before is None:
            changed = [self.resources[position] for position in sorted(self.moving)]
        elif len(before.resources) != len(self.resources):
            return self.event()
        else:
            pairs = zip(before.resources, self.resources, strict=True)
            changed = [now for then, now in pairs if then != now]
        is_news = changed or (before is not None and before.rest != self.rest)
        return self._event("event: change\n", changed) if is_news else ""

    def end(self) -> str:
        """That nothing more will come."""
        return f"id: {self.id}\nevent: end\ndata: {{}}\n\n"

    def _event(self, kind: str, resources: tuple[str, ...] | list[str]) -> str:
        return f'id: {self.id}\n{kind}data: {self.rest[:-1]},"resources":[{",".join(resources)}]}}\n\n'


def is_final(status: Mapping[str, Any]) -> bool:
    """True for a failed flow, and for a published one once the MetaStore finds it, or has given it up."""
    told = status.get("indexed") or status.get("index_error")
    return status.get("state") == "FAILED" or (status.get("state") == "SUCCEEDED" and bool(told))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
