"""Whether the first row of a CSV is its header."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tabular.celltype import YEAR, cell_kind
from tabular.finding import Finding, shorten

ROWS = 200
MOST = 0.9
MEASURED = ("decimal", "date", "time")


def judge_header(rows: Sequence[Sequence[str]], names: Sequence[str]) -> tuple[bool, dict[str, Any]]:
    """Whether `rows[0]` is a header, and why.

    A header is the rule of the standard, so the first row is one unless it clearly is data: every column that holds
    numbers or dates holds one there as well, and among them is a decimal, a date or a time, or the same cell twice.
    Years and plain integers do head columns. `names` are the schema's fields: one of them in the row settles it.
    """
    first = list(rows[0]) if rows else []
    shared = {cell.strip() for cell in first} & set(names)
    if shared:
        return True, {"why": "the first row has names of the schema's fields"}
    if len(rows) < 2:
        return True, {"why": "there is no row to compare with"}
    typed = _typed_columns(rows[1:ROWS])
    kinds = {index: cell_kind(first[index]) for index in typed if index < len(first)}
    if not typed or any(kinds.get(index) != kind for index, kind in typed.items()):
        return True, {"why": "the first row differs from the rows below it"}
    if all(YEAR.fullmatch(first[index].strip()) for index in kinds):
        return True, {"why": "the first row holds years"}
    repeated = len(set(first)) < len(first)
    if any(kind in MEASURED for kind in kinds.values()) or repeated:
        return False, {"why": "the first row holds values of the same kinds as the rows below it"}
    return True, {"why": "plain integers may be names of columns"}


def label_problem(labels: Sequence[str], longest: int) -> Finding | None:
    """Why these cells cannot be names of columns, or None. Blank and repeated ones are the report's to tell."""
    for position, label in enumerate(labels, start=1):
        if len(label) > longest:
            message = f"The name of column {position:,} has {len(label):,} characters; the limit is {longest:,}."
            return Finding("column-name", message, row=1, field=str(position), cell=shorten(label, 80))
        if "\ufeff" in label:
            message = (
                f"The name of column {position:,} has a byte order mark in it: files were joined, or marked twice."
            )
            return Finding("column-name", message, row=1, field=str(position), cell=shorten(label, 80))
    return None


def _typed_columns(rows: Sequence[Sequence[str]]) -> dict[int, str]:
    """Columns whose cells are nearly all of one kind that is not text, by position."""
    seen: dict[int, Counter[str]] = {}
    for row in rows:
        for index, cell in enumerate(row):
            kind = cell_kind(cell)
            if kind != "blank":
                seen.setdefault(index, Counter())[kind] += 1
    typed: dict[int, str] = {}
    for index, counts in seen.items():
        kind, times = counts.most_common(1)[0]
        if kind != "text" and times >= MOST * counts.total():
            typed[index] = kind
    return typed
