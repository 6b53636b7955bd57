"""What frictionless' cell readers say of cells and rows, in our words; each distinct cell of a column is read once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tabular.fast.accept import mixed, signed
from tabular.fast.layout import NO_KEY
from tabular.fast.pairs import Pair
from tabular.fast.plan import Key, Table
from tabular.foreignkeys import ForeignKey
from tabular.problem import Problem, cell_problem, of_row, problem_of
from tabular.words import sentence_of

MOST_KNOWN = 200_000
LONGEST_KNOWN = 256


class Verdict(NamedTuple):
    """On one cell: its problems; whether it is blank, which a wrong value is not; the numbers of its value in keys."""

    problems: tuple[Problem, ...]
    is_blank: bool
    is_null: bool
    pair: Pair

    @property
    def equals_nothing(self) -> bool:
        """Whether the value, of a column of keys, is a NaN."""
        return self.pair[0] == NO_KEY and not self.is_null


class Verdicts:
    """Of one table whose fields are called `names`."""

    def __init__(self, table: Table, names: Sequence[str]) -> None:
        self._table, self._names = table, list(names)
        self._known: dict[tuple[int, str | None], Verdict] = {}

    def of_cell(self, column: int, text: str | None) -> Verdict:
        """Of a cell; None is one that the row does not have. Raises what a reader raises."""
        found = self._known.get((column, text))
        if found is None:
            found = self._read(column, text)
            if text is None or len(text) <= LONGEST_KNOWN:
                if len(self._known) >= MOST_KNOWN:
                    self._known.clear()
                self._known[column, text] = found
        return found

    def _read(self, column: int, text: str | None) -> Verdict:
        value, notes = self._table.readers[column](text)
        problems = [
            cell_problem(self._names[column], text, name, note, column + 1) for name, note in (notes or {}).items()
        ]
        pair = self._table.pair(column, value) if self._table.rules[column].keyed else (0, 0)
        return Verdict(tuple(problems), value is None and "type" not in (notes or {}), value is None, pair)

    def of_row(self, cells: Sequence[str]) -> list[Problem]:
        """All problems of a row but those of keys that come twice, as the library tells them."""
        width = len(cells)
        read = [self.of_cell(index, cells[index] if index < width else None) for index in range(len(self._names))]
        problems: list[Problem]
        if all(verdict.is_blank for verdict in read):
            problems = [Problem("blank-row", None, None, None, sentence_of("blank-row", ""))]
        else:
            problems = [problem for verdict in read for problem in verdict.problems]
            problems += of_row(self._names, cells)
        for key in self._table.keys:
            if key.is_primary and all(read[column].is_null for column in key.columns):
                problems.append(self.of_key(key, cells, None))
        return problems

    def of_width(self, width: int) -> list[Problem]:
        """The problems of a row for having so many cells."""
        return of_row(self._names, [""] * width)

    def of_key(self, key: Key, cells: Sequence[str], first: int | None) -> Problem:
        """Of a row whose key is in the record `first` already; None: its key is blank."""
        rule = "primary-key" if key.is_primary else "unique-error"
        note = "" if first is None else f"the same as in the row at position {first}"
        shown = ", ".join(cells[column] for column in key.columns if column < len(cells))
        return Problem(rule, self.name_of(key), None, shown, sentence_of(rule, note), key.columns[0] + 1)

    def of_absent(self, key: ForeignKey, cells: Sequence[str]) -> Problem:
        """Of a row whose key is in no row of the table that it refers to; shown are its values."""
        columns = [self._names.index(name) for name in key.fields]
        texts = [cells[column] if column < len(cells) else None for column in columns]
        values = [self._table.readers[column](text)[0] for column, text in zip(columns, texts, strict=True)]
        return problem_of(
            {
                "type": "foreign-key",
                "fieldNames": key.fields,
                "fieldCells": ["" if value is None else str(value) for value in values],
                "referenceName": key.resource,
                "referenceFieldNames": key.reference,
            }
        )

    def key_number(self, key: Key, cells: Sequence[str]) -> int:
        """The number of a row's key, as a sweep makes it; none where a part of it equals nothing, itself included."""
        number = NO_KEY
        for column in key.columns:
            verdict = self.of_cell(column, cells[column] if column < len(cells) else None)
            if len(key.columns) == 1:
                return verdict.pair[0]
            if verdict.equals_nothing:
                return NO_KEY
            if not verdict.is_null:
                number = signed(mixed(mixed(number, column), verdict.pair[0]))
        return number

    def name_of(self, key: Key) -> str:
        """The names of the key's columns."""
        return ", ".join(self._names[column] for column in key.columns)
