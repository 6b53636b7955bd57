"""Whether a record of a CSV is its header, by how it differs from the records below it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tabular.celltype import YEAR, cell_kind
from tabular.finding import Finding, shorten

ROWS = 100
COLUMNS = 200
MOST = 0.8
PRIOR = 0.3
"""A header is the rule of the standard: without any sign, the first record is one."""
IDENTIFIER = re.compile(r"[A-Za-z]+(?:_[A-Za-z0-9]+)+|[a-z]+(?:[A-Z][a-z0-9]+)+")
UPPER, LOWER, DIGIT = re.compile(r"[^\W\d_a-z]+"), re.compile(r"[^\W\d_A-Z]+"), re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Judgement:
    """`score` above 0: a header; the higher the surer. `why` is a clause for people."""

    score: float
    why: str

    @property
    def is_header(self) -> bool:
        """Whether it is one."""
        return self.score > 0


def judge_header(rows: Sequence[Sequence[str]], names: Sequence[str] = ()) -> Judgement:
    """Whether `rows[0]` heads the rows below it, blank ones left out.

    Each column speaks: a text above numbers or dates for a header, a value of the column's own kind, or one that comes
    again below, against it. Years and a run of whole numbers do head columns. `names` are the schema's fields: one of
    them in the row settles it.
    """
    first = [cell.strip() for cell in rows[0][:COLUMNS]] if rows else []
    if set(first) & set(names):
        return Judgement(9.0, "the first row has names of the schema's fields")
    below = [row for row in rows[1:ROWS] if list(row) != list(rows[0])]
    if not below:
        return _alone(first)
    columns = columns_of(below)
    runs = _is_run(first)
    points = [_point(cell, column, runs) for cell, column in zip(first, columns, strict=False)]
    repeated = len([cell for cell in first if cell]) - len({cell for cell in first if cell})
    score = PRIOR + sum(points) - 0.5 * repeated
    return Judgement(score, _why(score, points, runs))


def kinds_of(rows: Sequence[Sequence[str]]) -> dict[int, str]:
    """Columns whose cells are nearly all of one kind that is not text, by position."""
    kinds = {index: column.kind for index, column in enumerate(columns_of(rows))}
    return {index: kind for index, kind in kinds.items() if kind not in ("text", "blank")}


@dataclass(frozen=True, slots=True)
class Column:
    """The values of a column, and the kind of nearly all of them."""

    values: list[str]
    kind: str


def columns_of(rows: Sequence[Sequence[str]]) -> list[Column]:
    """The columns of these rows, as many as the widest has."""
    values: list[list[str]] = [[] for _ in range(min(COLUMNS, max(map(len, rows), default=0)))]
    for row in rows[:ROWS]:
        for index, cell in enumerate(row[:COLUMNS]):
            values[index].append(cell.strip())
    return [_column(cells) for cells in values]


def _column(cells: list[str]) -> Column:
    kinds = Counter(kind for cell in cells if (kind := cell_kind(cell)) != "blank")
    if not kinds:
        return Column([], "blank")
    values = [cell for cell in cells if cell]
    total = kinds.total()
    # Whole numbers are decimals too, and a day is a time.
    for general, special in (("decimal", "integer"), ("time", "date"), ("money", "integer"), ("money", "decimal")):
        if kinds[general] and kinds[special]:
            kinds[general] += kinds.pop(special)
    kind, times = kinds.most_common(1)[0]
    return Column(values, kind if times >= MOST * total else "text")


def _alone(first: list[str]) -> Judgement:
    kinds = [cell_kind(cell) for cell in first]
    if any(kind in ("decimal", "date", "time", "money") for kind in kinds):
        return Judgement(-1.0, "the only row holds values such as dates or decimals")
    return Judgement(PRIOR, "there is no row to compare with")


def _point(cell: str, column: Column, runs: bool) -> float:
    kind = cell_kind(cell)
    if column.kind == "blank" or not cell:
        return 0.0
    if column.kind == "text":
        return _text_point(cell, column.values)
    if kind in ("text", "address"):
        return -1.0 if kind == column.kind else 1.0
    if kind == "integer" and runs:
        return 0.3
    if kind == "blank":
        return -0.2
    return {"integer": -0.6}.get(kind, -1.5) if kind == column.kind else -0.5


def _text_point(cell: str, values: list[str]) -> float:
    if cell in values:
        return -1.0
    if len(values) < 3:
        return 0.2 if IDENTIFIER.fullmatch(cell) else 0.0
    shapes = Counter(map(shape, values))
    common, times = shapes.most_common(1)[0]
    if times >= MOST * len(values) and len(common) > 1:
        is_telling = any(mark in common for mark in "9-_.@/:") or len({len(value) for value in values}) == 1
        if is_telling:
            same = shape(cell) == common and len(cell) in {len(value) for value in values}
            return -0.8 if same else 0.8
    if all(any(map(str.isdigit, value)) for value in values):
        return -0.3 if any(map(str.isdigit, cell)) else 0.6
    return 0.2 if IDENTIFIER.fullmatch(cell) else 0.0


def shape(cell: str) -> str:
    """The cell with each run of digits, capitals and small letters as one sign: `AB-12` is `A-9`."""
    return DIGIT.sub("9", LOWER.sub("a", UPPER.sub("A", cell))) if len(cell) <= 60 else "long"


def _is_run(first: list[str]) -> bool:
    """Whether the whole numbers of the row are years, or count up by one: such numbers are names of columns."""
    numbers = [cell for cell in first if cell.isdecimal()]
    if not numbers or (len(numbers) < 2 and not YEAR.fullmatch(numbers[0])):
        return False
    if len(set(numbers)) < len(numbers) or any(len(number) > 4 for number in numbers):
        return False
    steps = {int(right) - int(left) for left, right in pairwise(numbers)}
    return all(YEAR.fullmatch(number) for number in numbers) or steps == {1}


def _why(score: float, points: list[float], runs: bool) -> str:
    if score <= 0:
        return "the first row holds values of the same kinds as the rows below it"
    if runs and max(points, default=0.0) < 0.5:
        return "the first row holds years or a run of numbers"
    if max(points, default=0.0) >= 0.5:
        return "the first row differs from the rows below it"
    return "nothing speaks against the first row being one, as is the rule"


def label_problem(labels: Sequence[str], longest: int, row: int = 1) -> Finding | None:
    """Why these cells of the record `row` cannot be names of columns, or None. Blank and repeated ones are the
    report's to tell."""
    for position, label in enumerate(labels, start=1):
        if len(label) > longest:
            message = f"The name of column {position:,} has {len(label):,} characters; the limit is {longest:,}."
        elif "\ufeff" in label:
            message = (
                f"The name of column {position:,} has a byte order mark in it: files were joined, or marked twice."
            )
        else:
            continue
        return Finding("column-name", message, row=row, field=str(position), cell=shorten(label, 80))
    return None
