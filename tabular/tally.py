"""Counts of a table's problems by group, and where the first of each group are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tabular.finding import Finding
from tabular.place import Place
from tabular.problem import GroupKey, Problem
from tabular.summary import EXAMPLES, Group


@dataclass(slots=True)
class Counted:
    """One group so far."""

    count: int
    message: str
    places: list[Place] = field(default_factory=list)
    examples: list[Finding] = field(default_factory=list)

    def wants(self, row: int) -> bool:
        """Whether the place of a row, or of a later one, may still be one of the first."""
        return len(self.places) < EXAMPLES or row < self.places[-1].row

    def keep(self, place: Place) -> None:
        """Remembers the place if it is one of the first."""
        if self.wants(place.row) and place not in self.places:
            self.places = sorted([*self.places, place])[:EXAMPLES]


class Tally:
    """`errors` in all, in `bad_rows` rows; memory by the number of groups, whatever the number of errors."""

    def __init__(self) -> None:
        self.groups: dict[GroupKey, Counted] = {}
        self.errors = self.bad_rows = 0

    def add(self, problem: Problem, count: int = 1) -> Counted:
        """Counts a problem so many times; the group it is in, whose examples are the caller's."""
        self.errors += count
        group = self.groups.get(problem.key)
        if group is None:
            group = self.groups[problem.key] = Counted(0, problem.message)
        group.count += count
        return group

    def add_row(self, problems: Iterable[Problem], place: Place) -> None:
        """Counts the problems of one row; its place is kept where it is one of the first of a group."""
        self.bad_rows += 1
        for problem in problems:
            self.add(problem).keep(place)

    def made(self) -> list[Group]:
        """The groups, with the examples that they have by now."""
        made = []
        for (rule, name, kind), group in self.groups.items():
            message = group.examples[0].message if group.examples else group.message
            made.append(Group(rule, name, kind, group.count, message, tuple(group.examples)))
        return made
