"""The two lists of a table's errors: `errors.csv`, one row for each, and `annotated.csv`, the bad rows to be mended."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tabular.finding import Finding, shorten
from tabular.limits import Limits
from tabular.place import Place
from tabular.problem import Problem
from tabular.summary import Listed
from tabular.workbook import Sheet

ERRORS, ANNOTATED = "errors.csv", "annotated.csv"
COLUMNS = ("rule", "row", "line", "byte_offset", "field", "cell", "message")
ADDED = ("_row", "_line", "_errors")
CUT = "cut"
"""The rule of the last line of a list that does not hold everything."""
FORMULA = re.compile(r"[=+\-@\t\r](?![\d.,]*\Z)")
"""What a spreadsheet would compute when it opens the list; signed numbers are none."""


def finding_of(problem: Problem, place: Place | None, longest: int, sheet: Sheet | None = None) -> Finding:
    """The problem as a finding, its cell cut to so many characters; `place` where there is one, and the address in the
    `sheet` that the table was made of."""
    return Finding(
        problem.rule,
        shorten(problem.message, 500),
        row=place.record if place else None,
        line=place.line if place else None,
        byte_offset=place.start if place else None,
        field=problem.field,
        cell=None if problem.cell is None else shorten(problem.cell, longest),
        address=sheet.address(place.record, problem.position or 1) if sheet and place else None,
    )


class Listing:
    """`with`: writes the lists into a folder as long as they have room; `labels` are the columns' names, `sheet` is
    what the table was made of."""

    def __init__(self, folder: Path, labels: Sequence[str], limits: Limits, sheet: Sheet | None = None) -> None:
        self._limits, self._sheet = limits, sheet
        self._columns = (*COLUMNS, "address") if sheet else COLUMNS
        self._errors = _List(folder / ERRORS, self._columns, limits.listed_errors, limits.listed_bytes)
        self._rows = _List(folder / ANNOTATED, (*ADDED, *labels), limits.listed_rows, limits.listed_bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._errors.file.close()
        self._rows.file.close()

    @property
    def is_full(self) -> bool:
        """Whether neither list takes any more."""
        return self._errors.is_full and self._rows.is_full

    def add(self, place: Place, cells: Sequence[str], problems: Sequence[Problem]) -> None:
        """The problems of one row, in the order of rows."""
        for problem in problems:
            self.add_finding(self.finding_of(problem, place))
        words = "; ".join(f"{one.field}: {one.message}" if one.field else one.message for one in problems[:100])
        self._rows.write((place.record, place.line, words, *cells))

    def finding_of(self, problem: Problem, place: Place | None) -> Finding:
        """The problem as it is listed."""
        return finding_of(problem, place, self._limits.reported_cell, self._sheet)

    def add_finding(self, finding: Finding) -> None:
        """A problem that belongs to no row, such as the header's."""
        self._errors.write([_inert(getattr(finding, name)) for name in self._columns])

    def finish(self, errors: int, bad_rows: int) -> Listed:
        """What is in them of all that there are; a list that lacks some ends in a line that says so."""
        more_errors = self._errors.count < errors
        if more_errors:
            said = f"The list ends here: {self._errors.count:,} of {errors:,} errors are in it."
            self._errors.end([CUT, None, None, None, None, None, said])
        more_rows = self._rows.count < bad_rows
        if more_rows:
            self._rows.end([None, None, f"The list ends here: {self._rows.count:,} of {bad_rows:,} rows are in it."])
        return Listed(self._errors.count, more_errors, self._rows.count, more_rows)


def _inert(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value


class _List:
    """One of the files. `count` rows are in it; their characters stand for bytes in the bound."""

    def __init__(self, path: Path, columns: Sequence[str], most: int, most_bytes: int) -> None:
        self.file = path.open("w", encoding="utf-8", errors="replace", newline="")
        self.count = 0
        self.is_full = False
        self._most, self._most_bytes, self._size = most, most_bytes, 0
        self._writer = csv.writer(self.file)
        self._writer.writerow(columns)

    def write(self, row: Sequence[Any]) -> None:
        """One more, unless it is full."""
        if self.is_full or self.count >= self._most or self._size > self._most_bytes:
            self.is_full = True
            return
        self._size += self._writer.writerow(row)
        self.count += 1

    def end(self, row: Sequence[Any]) -> None:
        """The last line, which does not count."""
        self._writer.writerow(row)
