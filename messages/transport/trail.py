"""What a message has been through: one entry for each attempt that did not end well. It travels with the message."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

LONGEST = 40
"""Entries: more than any message is tried. The newest are kept."""

LONGEST_ERROR = 300
"""Characters: all headers of a message must fit into one frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt that failed: its number from 1, when that was known (ISO 8601), and why."""

    number: int
    at: str
    error: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


Trail = tuple[Attempt, ...]


def grown(trail: Sequence[Attempt], number: int, error: str) -> Trail:
    """The trail with an attempt that failed just now."""
    now = datetime.now(UTC).isoformat()
    return (*trail, Attempt(number=number, at=now, error=error[:LONGEST_ERROR]))[-LONGEST:]


def trail_of(entries: object) -> Trail:
    """The trail that was written down; entries that are none of ours are left out."""
    found = [entry for entry in entries if isinstance(entry, Mapping)] if isinstance(entries, list) else []
    return tuple(
        Attempt(number=entry["number"], at=str(entry.get("at")), error=str(entry.get("error"))[:LONGEST_ERROR])
        for entry in found[-LONGEST:]
        if isinstance(entry.get("number"), int)
    )


def encoded(trail: Sequence[Attempt]) -> str:
    """As a text, for a header."""
    return json.dumps([attempt.to_dict() for attempt in trail])


def decoded(text: object) -> Trail:
    """What `encoded` made; the empty trail for anything else."""
    try:
        return trail_of(json.loads(text)) if isinstance(text, str | bytes) else ()
    except ValueError:
        return ()
