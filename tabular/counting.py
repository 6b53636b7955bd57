"""A count of a table's errors while it goes on: tally, lists, how far it is, and why it may end early."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tabular.dialect import Dialect
from tabular.finding import Finding, shorten
from tabular.limits import Limits
from tabular.listing import Listing
from tabular.place import Place
from tabular.problem import Problem, problem_of
from tabular.summary import EXAMPLES, Summary, in_order
from tabular.tally import Tally


@dataclass(slots=True)
class Counting:
    """`rows` counted through, `record` the number of the last of them, `why` the count ended before the file did.

    `ends_at` is the monotonic clock's.
    """

    limits: Limits
    tally: Tally
    listing: Listing
    ends_at: float
    rows: int = 0
    record: int = 0
    why: str | None = None

    def is_late(self) -> bool:
        """Whether the time is over, which is then why."""
        if time.monotonic() < self.ends_at:
            return False
        self.why = f"Counting ends after {self.limits.count_seconds:,.0f} seconds, the limit."
        return True

    def add(self, place: Place, cells: Sequence[str], problems: Sequence[Problem]) -> None:
        """Counts and lists the problems of the next bad row; its place has a line."""
        self.tally.bad_rows += 1
        for problem in problems:
            self._keep(problem, self.listing.finding_of(problem, place))
        self.listing.add(place, cells, problems)

    def add_header(self, problems: Iterable[Problem], place: Place | None) -> None:
        """Counts and lists problems of no row; `place` is the header's."""
        for problem in problems:
            finding = self.listing.finding_of(problem, place)
            self._keep(problem, finding)
            self.listing.add_finding(finding)

    def _keep(self, problem: Problem, finding: Finding) -> None:
        examples = self.tally.add(problem).examples
        if len(examples) < EXAMPLES:
            examples.append(finding)

    def summary(self, engine: dict[str, Any]) -> Summary:
        """What was counted; `engine` says how."""
        return Summary(
            self.rows,
            self.tally.bad_rows,
            self.tally.errors,
            in_order(self.tally.made()),
            complete=self.why is None,
            counted_to=None if self.why is None else self.record,
            why=self.why,
            listed=self.listing.finish(self.tally.errors, self.tally.bad_rows),
            engine=engine,
        )

    def stopped_by(self, error: Exception) -> None:
        """The library could not read a row, as some values make it."""
        text = shorten(str(error) or type(error).__name__)
        self.why = f"A value after row {self.record:,} cannot be compared as the schema asks ({text})."


def header_place(places: Iterator[tuple[Place, list[str]]], dialect: Dialect) -> Place | None:
    """Where the header is; `places` are taken so far. None without a header."""
    if not dialect.header_rows:
        return None
    return next((place for place, _ in places if place.record == dialect.header_rows[0]), None)


def start_problems(table: Any) -> list[Problem]:
    """What frictionless has to say of a table that it has opened before its first row: mostly of the header."""
    from frictionless import Checklist

    return [problem_of(error) for check in Checklist().connect(table) for error in check.validate_start()]


def names_of(table: Any) -> list[str]:
    """What the columns are called, from a table that frictionless has opened: by the file, else by the schema."""
    return list(table.labels or [field.name for field in table.header.get_expected_fields()])
