"""The report page of an invalid table: its summary, and the list of its errors, as the stage left them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from gateway.pages.finding import FindingLine, finding_line
from tabular.listing import CUT

MOST_LISTED = 20
"""Errors of one rule in one column on the page."""
MOST_COLUMNS = 10
"""Columns of one rule on the page."""


@dataclass(frozen=True, slots=True)
class Count:
    """One line of what is wrong at a glance: a rule in one column, how often, and where first."""

    field: str | None
    message: str
    count: int
    first: FindingLine | None


@dataclass(frozen=True, slots=True)
class Section:
    """All problems of one rule: by column in `counts`, what to do (column and advice), and the first of them."""

    rule: str
    title: str
    count: int
    counts: Sequence[Count]
    advice: Sequence[tuple[str, str]]
    findings: Sequence[FindingLine]


@dataclass(frozen=True, slots=True)
class Summary:
    """What was counted; `limit` says how far, where that is not to the end."""

    errors: int
    rows: int
    bad_rows: int
    sections: Sequence[Section]
    limit: str


def summary_of(summary: bytes, errors: bytes) -> Summary:
    """Of `summary.json` and `errors.csv`, no bytes where there is no list. Raises ValueError, KeyError, TypeError."""
    told = json.loads(summary)
    listed = _listed(errors)
    sections = []
    for rule, grouped in groupby(told["groups"], lambda group: str(group["rule"])):
        groups = list(grouped)
        findings = [line for group in groups[:MOST_COLUMNS] for line in _lines(group, listed)]
        sections.append(
            Section(
                rule,
                str(groups[0]["title"]),
                sum(group["count"] for group in groups),
                [_count(group) for group in groups],
                _advice(groups),
                findings,
            )
        )
    return Summary(told["errors"], told["rows"], told["bad_rows"], sections, _limit(told))


def _count(group: Mapping[str, Any]) -> Count:
    first = finding_line(group["examples"][0]) if group["examples"] else None
    return Count(group["field"], str(group["message"]), group["count"], first)


def _lines(group: Mapping[str, Any], listed: Mapping[tuple[str, str], Sequence[FindingLine]]) -> Sequence[FindingLine]:
    found = listed.get((str(group["rule"]), group["field"] or ""), ())
    of_kind = [line for line in found if group["kind"] is None or line.message == group["message"]]
    return of_kind[:MOST_LISTED] or [finding_line(example) for example in group["examples"]]


def _advice(groups: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Each advice once, with the columns that it is for where there are several."""
    columns: dict[str, list[str]] = {}
    for group in groups:
        if group["advice"]:
            columns.setdefault(group["advice"], []).append(group["field"] or "")
    if len(columns) == 1:
        return [("", advice) for advice in columns]
    return [(", ".join(dict.fromkeys(names[:5])), advice) for advice, names in columns.items()]


def _limit(told: Mapping[str, Any]) -> str:
    if told["complete"] or not told["counted_to"]:
        return ""
    return f"These are the errors up to row {told['counted_to']:,}. {told['why']}"


def _listed(errors: bytes) -> dict[tuple[str, str], list[FindingLine]]:
    """The first errors of each rule and column."""
    found: dict[tuple[str, str], list[FindingLine]] = {}
    rows: Iterable[dict[str, Any]] = csv.DictReader(io.StringIO(errors.decode("utf-8"), newline=""))
    for row in rows:
        lines = found.setdefault((row["rule"], row["field"]), [])
        if row["rule"] != CUT and len(lines) < 2 * MOST_LISTED:
            lines.append(finding_line({name: _value(name, text) for name, text in row.items() if text}))
    return found


def _value(name: str, text: str) -> str | int:
    return int(text) if name in ("row", "line", "byte_offset") else text
