"""One problem as the pages show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tabular.words import sentence_of, title_of
from tabular.workbook import Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingLine:
    """One problem. `row` counts records from 1 (the header is one), `line` physical lines; `address` is a sheet's."""

    rule: str
    title: str
    message: str
    row: int | None = None
    line: int | None = None
    field: str | None = None
    cell: str | None = None
    address: str | None = None


def finding_line(finding: Mapping[str, Any], sheet: Sheet | None = None) -> FindingLine:
    """A finding of `tabular`, or an error of frictionless' report about a CSV or the sheet of a workbook, as a line."""
    rule = str(finding.get("rule") or finding.get("type") or finding.get("code") or "problem")
    name = finding.get("field") or finding.get("fieldName") or finding.get("label")
    if not name and isinstance(finding.get("fieldNumber"), int):
        name = f"no. {finding['fieldNumber']}"
    cell, message = finding.get("cell"), str(finding.get("message") or finding.get("note") or "")
    is_theirs = "rule" not in finding or rule in ("type-error", "constraint-error")
    return FindingLine(
        rule=rule,
        title=title_of(rule, finding.get("title")),
        message=sentence_of(rule, str(finding.get("note") or message), message) if is_theirs else message,
        row=_whole(finding.get("row", finding.get("rowNumber"))),
        line=_whole(finding.get("line")),
        field=str(name) if name else None,
        cell=None if cell is None else str(cell),
        address=finding.get("address") or (sheet.address_of(finding) if sheet else None),
    )


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
