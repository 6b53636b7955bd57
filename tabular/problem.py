"""One error of a table in our own words: what it is about, apart from where in the file it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tabular.foreignkeys import missing_key
from tabular.words import kind_of, sentence_of

GroupKey = tuple[str, str | None, str | None]
"""Rule, field and kind of a group of problems."""


class Problem(NamedTuple):
    """`kind` is the type or constraint that is not met; `field` None: the error is one of the row. `position` is the
    column's, from 1."""

    rule: str
    field: str | None
    kind: str | None
    cell: str | None
    message: str
    position: int | None = None

    @property
    def key(self) -> GroupKey:
        """The group it is counted in."""
        return self.rule, self.field, self.kind


def cell_problem(field: str, cell: str | None, name: str, note: str, position: int) -> Problem:
    """Of a note that frictionless' cell reader made: `name` is `type`, or the constraint's."""
    rule = "type-error" if name == "type" else "constraint-error"
    return Problem(rule, field, kind_of(rule, note) or name, cell, sentence_of(rule, note), position)


def problem_of(error: Any, keys: str = "") -> Problem:
    """Of an error of frictionless, the object or what its report says; `keys` are the names of the primary key's."""
    told: Mapping[str, Any] = error if isinstance(error, Mapping) else error.to_descriptor()
    rule, note = str(told.get("type") or "error"), str(told.get("note") or "")
    field, label, cell = told.get("fieldName") or None, told.get("label"), told.get("cell")
    message = sentence_of(rule, note, str(told.get("message") or ""))
    if rule == "incorrect-label":
        message = f"The schema has “{field}” at this place, the file has “{label}”."
    elif rule == "primary-key":
        field = keys or None
    elif rule == "foreign-key":
        ends = missing_key(told)
        field, cell, message = ends["field"] or None, ends["cell"], ends["message"]
    elif rule.endswith("-label"):
        field = field or label or f"no. {told.get('fieldNumber')}"
    cell = label if cell is None else cell
    if rule in ("missing-cell", "missing-label") or _is_beyond(told):
        cell = None
    return Problem(
        rule, field, kind_of(rule, note), None if cell is None else str(cell), message, told.get("fieldNumber")
    )


def _is_beyond(error: Mapping[str, Any]) -> bool:
    """Whether the error is about a cell that its row does not have, which the library calls `None`."""
    number, cells = error.get("fieldNumber"), error.get("cells")
    return error.get("cell") == "None" and isinstance(number, int) and cells is not None and number > len(cells)


def of_row(fields: Iterable[str], cells: Sequence[str]) -> list[Problem]:
    """The problems of a row that has not as many cells as there are fields."""
    names = list(fields)
    width = len(names)
    extra = [
        Problem("extra-cell", None, None, cell, sentence_of("extra-cell", ""), position)
        for position, cell in enumerate(cells[width:], start=width + 1)
    ]
    missing = [
        Problem("missing-cell", name, None, None, sentence_of("missing-cell", ""), position)
        for position, name in enumerate(names[len(cells) :], start=len(cells) + 1)
    ]
    return extra + missing
