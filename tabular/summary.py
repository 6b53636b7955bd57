"""What is wrong with a table, for the person who must mend it: every error counted, by rule and field, with its places.

The report of frictionless ends at its limit of errors; this one goes on to the end of the file. It is our own, and kept
apart from that report. `profiles/summary.json` is its JSON Schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from typing import Any

from tabular.finding import Finding
from tabular.words import advice_on, title_of

EXAMPLES = 3
"""First problems of each group that are told with their place."""
MOST_GROUPS = 500
FIRST_RULES = (
    "blank-header", "missing-label", "extra-label", "incorrect-label", "blank-label", "duplicate-label",
)  # fmt: skip
"""Rules about the header, which explain many of the errors below it."""


@dataclass(frozen=True, slots=True)
class Group:
    """All problems of one rule, field and kind (the type or constraint that is not met). `message` is the first's."""

    rule: str
    field: str | None
    kind: str | None
    count: int
    message: str
    examples: tuple[Finding, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON object, with the rule in words and what to do."""
        return {
            "rule": self.rule,
            "title": title_of(self.rule),
            "field": self.field,
            "kind": self.kind,
            "count": self.count,
            "message": self.message,
            "advice": advice_on(self.rule, self.kind),
            "examples": [example.to_dict() for example in self.examples],
        }


@dataclass(frozen=True, slots=True)
class Listed:
    """How much of it the two lists hold, `errors.csv` and `annotated.csv`; `cut`: there are more."""

    errors: int = 0
    errors_cut: bool = False
    rows: int = 0
    rows_cut: bool = False

    def to_dict(self) -> dict[str, Any]:
        """JSON object."""
        return {"errors": self.errors, "errors_cut": self.errors_cut, "rows": self.rows, "rows_cut": self.rows_cut}


@dataclass(frozen=True, slots=True)
class Summary:
    """`rows` that were counted through, `bad_rows` of them with an error, `errors` in all.

    `complete`: to the end of the file; else `counted_to` is the number of the last row that was counted, and `why` a
    sentence. `groups` come in the order in which to look at them. `engine` says which way the errors were counted.
    """

    rows: int
    bad_rows: int
    errors: int
    groups: tuple[Group, ...] = ()
    complete: bool = True
    counted_to: int | None = None
    why: str | None = None
    listed: Listed = field(default_factory=Listed)
    engine: dict[str, Any] = field(default_factory=dict)

    @property
    def by_rule(self) -> dict[str, int]:
        """Errors of each rule."""
        counts: dict[str, int] = {}
        for group in self.groups:
            counts[group.rule] = counts.get(group.rule, 0) + group.count
        return counts

    def first_examples(self, most: int) -> list[Finding]:
        """The first example of each group, then the second of each, and so on."""
        ranked = zip_longest(*(group.examples for group in self.groups))
        return list(islice((example for rank in ranked for example in rank if example is not None), most))

    def to_dict(self) -> dict[str, Any]:
        """JSON object as `profiles/summary.json` describes it."""
        return {
            "valid": not self.errors,
            "rows": self.rows,
            "bad_rows": self.bad_rows,
            "errors": self.errors,
            "complete": self.complete,
            "counted_to": self.counted_to,
            "why": self.why,
            "groups": [group.to_dict() for group in self.groups[:MOST_GROUPS]],
            "groups_omitted": max(0, len(self.groups) - MOST_GROUPS),
            "listed": self.listed.to_dict(),
            "engine": self.engine,
        }


def in_order(groups: Iterable[Group]) -> tuple[Group, ...]:
    """Header first; then the rules by how often they come, and within a rule its groups."""
    found = list(groups)
    totals: dict[str, int] = {}
    for group in found:
        totals[group.rule] = totals.get(group.rule, 0) + group.count

    def rank(group: Group) -> tuple[int, int, str, int, str]:
        first = FIRST_RULES.index(group.rule) if group.rule in FIRST_RULES else len(FIRST_RULES)
        return first, -totals[group.rule], group.rule, -group.count, group.field or ""

    return tuple(sorted(found, key=rank))


def summary_of_findings(findings: Sequence[Finding], rows: int = 0) -> Summary:
    """Of what kept a table from being checked to its end, or at all."""
    groups: dict[tuple[str, str | None], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.rule, finding.field), []).append(finding)
    made = (
        Group(rule, name, None, len(found), found[0].message, tuple(found[:EXAMPLES]))
        for (rule, name), found in groups.items()
    )
    why = "The check ended there." if findings else None
    return Summary(rows, 0, len(findings), in_order(made), complete=not findings, why=why)
