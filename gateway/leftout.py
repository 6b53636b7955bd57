"""What was not done with a resource, or not to its end: one sentence each, with the limit and its setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from messages.jobs import STAGES

SETTINGS = {
    "memory-limit": "DH_STAGE_MEMORY",
    "size-limit": "DH_STAGE_FILE_SIZE",
    "too-large-decompressed": "DH_MAX_DECOMPRESSED, DH_MAX_RATIO or DH_MAX_SHARED_STRINGS",
    "sheet-too-large": "DH_MAX_SHEET_CELLS",
    "too-many-columns": "DH_MAX_COLUMNS",
    "cell-too-large": "DH_MAX_CELL",
    "row-too-large": "DH_MAX_ROW",
}
"""By the rule that says a limit, the setting that an operator can change. A time limit names its own."""
LISTS_END = 50
"""MB that each list of errors has at the most, which is no setting (`tabular.limits`)."""
NOT_A_TABLE = "Not a table: its encoding, kind and rows were not checked, and it is published as it is."
NO_REPORT = "There is no validation report: its rows were not checked."
MOST_NOTES = 10
TOO_MANY = "there are too many other errors"
"""How `tabular.validation` says that a key was given up."""


def left_out(*, tabular: bool, state: str, rule: str | None, errors: int | None, facts: Mapping[str, Any]) -> list[str]:
    """Of a resource; `facts` by stage. Empty where everything was done."""
    checked = _mapping(facts, "validate")
    return [
        *([NOT_A_TABLE] if not tabular and "skipped" in _mapping(facts, "encoding") else []),
        *_of_workbook(facts),
        *_of_limit(rule),
        *([NO_REPORT] if tabular and state == "FAILED" and "rows" not in checked else []),
        *_of_errors(checked, errors or 0),
        *_notes(checked),
    ]


def skipped_stages(facts: Mapping[str, Any]) -> set[str]:
    """The stages that had nothing to do."""
    return {stage for stage in STAGES if stage != STAGES[-1] and "skipped" in _mapping(facts, stage)}


def _of_workbook(facts: Mapping[str, Any]) -> list[str]:
    if _mapping(facts, "encoding").get("source") != "workbook":
        return []
    return ["The texts of a workbook are Unicode: there was no encoding to find out."]


def _of_limit(rule: str | None) -> list[str]:
    setting = SETTINGS.get(rule or "")
    return [f"That limit is a setting of the server, which an operator can change: {setting}."] if setting else []


def _of_errors(checked: Mapping[str, Any], errors: int) -> list[str]:
    """Where the report, the count and the lists of an invalid table end."""
    limits, listed = _mapping(checked, "limits"), _mapping(checked, "listed")
    found = []
    if checked.get("truncated") and (most := limits.get("errors")):
        found.append(f"The report ends after {most:,} of {errors:,} errors, {_limit('DH_REPORTED_ERRORS')}.")
    if checked.get("complete") is False:
        why = str(checked.get("why")).replace("the limit", _limit("DH_COUNT_SECONDS"))
        found.append(f"Errors are counted up to row {checked.get('counted_to') or 0:,}. {why}")
    if listed.get("errors_cut"):
        found.append(
            f"errors.csv has the first {listed['errors']:,} of {errors:,} errors,"
            f" {_end(listed['errors'], limits.get('listed_errors'), 'DH_LISTED_ERRORS')}."
        )
    if listed.get("rows_cut"):
        found.append(
            f"annotated.csv has the first {listed['rows']:,} of {checked.get('bad_rows') or 0:,} bad rows,"
            f" {_end(listed['rows'], limits.get('listed_rows'), 'DH_LISTED_ROWS')}."
        )
    return found


def _end(count: int, most: int | None, setting: str) -> str:
    return _limit(setting) if most is None or count >= most else f"for a list ends after {LISTS_END} MB"


def _limit(setting: str) -> str:
    return f"the server's limit ({setting})"


def _mapping(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found: Any = value.get(name)
    return found if isinstance(found, Mapping) else {}


def _notes(checked: Mapping[str, Any]) -> list[str]:
    """What of the schema was not checked, as `tabular.validation` says it."""
    notes = checked.get("notes")
    told = notes[:MOST_NOTES] if isinstance(notes, Sequence) else []
    return [str(note).replace(TOO_MANY, f"{TOO_MANY}, {_limit('DH_REPORTED_ERRORS')}") for note in told]
