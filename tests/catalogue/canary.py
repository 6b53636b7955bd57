"""A server that counts who falls for an address in what it was sent."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Canary:
    """`hits`: the paths that somebody asked for; it stays empty."""

    url: str
    hits: list[str] = field(default_factory=list)
