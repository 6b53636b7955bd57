"""Formats of dates and times whose every part has a fixed width, as positions."""

from __future__ import annotations

from dataclasses import dataclass, field

from tabular.fast.layout import LANES

PARTS = {
    "%Y": ("year", 4),
    "%m": ("month", 2),
    "%d": ("day", 2),
    "%H": ("hour", 2),
    "%M": ("minute", 2),
    "%S": ("second", 2),
}
LITERAL = frozenset("-/.:T_, ")
"""Characters that stand for themselves in `strptime` formats, and for nothing more that matters: a blank also stands
for other white space, which is then not proven here."""


@dataclass(frozen=True, slots=True)
class Template:
    """Where the parts are, the characters between them, and the length of it all."""

    parts: dict[str, int] = field(default_factory=dict)
    literals: list[tuple[int, int]] = field(default_factory=list)
    length: int = 0

    @property
    def ends_are_told(self) -> bool:
        """Whether each part of two digits ends at a character or the end, so that `strptime` finds where a part of one
        digit ends."""
        ends = {self.length, *(place for place, _ in self.literals)}
        return all(start + 2 in ends for name, start in self.parts.items() if name != "year")


def template(format: str) -> Template | None:
    """The template of a `strptime` format, or None when it is long or a part is not of a fixed width or comes twice."""
    parts: dict[str, int] = {}
    literals: list[tuple[int, int]] = []
    at = length = 0
    while at < len(format):
        name, width = PARTS.get(format[at : at + 2], ("", 0))
        if name and name not in parts:
            parts[name] = length
            at, length = at + 2, length + width
        elif format[at] in LITERAL:
            literals.append((length, ord(format[at])))
            at, length = at + 1, length + 1
        else:
            return None
    return Template(parts, literals, length) if length <= LANES else None
