"""A sweep that judges every suspect and stops at none.

Bad rows are read one by one only until enough of them are listed; after that, suspect cells are counted by their bytes,
arrays of them at a time, and each distinct one is shown to frictionless once.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from typing_extensions import override

from tabular.counting import Counting
from tabular.dialect import Dialect
from tabular.fast.cellgroups import LONGEST, grouped
from tabular.fast.layout import (
    BASE,
    CELL,
    CELL_END,
    CLEAN,
    END,
    KEPT,
    NULL,
    RECORD,
    RECORDS,
    ROW,
    ROWS,
    START,
    SUSPECT_COLUMN,
)
from tabular.fast.plan import Key, Table
from tabular.fast.ragged import Ragged
from tabular.fast.rowset import RowSet
from tabular.fast.source import Source
from tabular.fast.sweep import Sweep, Watch, cells_of
from tabular.fast.verdicts import Verdict, Verdicts
from tabular.place import Place
from tabular.problem import Problem
from tabular.progress import Progress
from tabular.tally import Counted

UNLIMITED = 1 << 62


class CountSweep(Sweep):
    """After `run`: `listed` are the first bad rows, `bad` is empty, `bad_rows` are all; keys are as in any sweep."""

    def __init__(
        self,
        table: Table,
        source: Source,
        dialect: Dialect,
        verdicts: Verdicts,
        counting: Counting,
        progress: Progress | None,
        watch: Watch | None = None,
    ) -> None:
        super().__init__(table, source, dialect, UNLIMITED, progress, watch)
        self.listed: list[Place] = []
        self.bad_rows = RowSet()
        self._verdicts, self._counting = verdicts, counting
        self._most = counting.limits.most_listed
        self._keyed = np.array([bool(rule.keyed) for rule in table.rules])
        self._composite = {column for key in table.keys if len(key.columns) > 1 for column in key.columns}
        self._telling = _telling(table, dialect)
        self._ragged = Ragged(table, dialect)

    @property
    def records(self) -> int:
        """The number of the last record that was read."""
        return int(self._results.state[RECORDS])

    @property
    def is_cut(self) -> bool:
        """Whether `listed` may lack bad rows."""
        return len(self.listed) >= self._most

    @override
    def _is_decided(self) -> bool:
        return self._counting.is_late()

    @override
    def _judge(self, suspects: Any) -> None:
        if self.is_cut:
            self._by_cell(suspects)
        else:
            self._by_row(suspects)

    def _by_row(self, suspects: Any) -> None:
        """Reads each of the rows, all of their cells."""
        base = int(self._results.state[BASE])
        first_row = int(self._results.state[ROWS] - self._results.state[KEPT])
        starts = np.flatnonzero(np.diff(suspects[:, ROW], prepend=-1)).tolist()
        bad = []
        for begin, after in pairwise([*starts, len(suspects)]):
            record, row, start, end = suspects[begin, : END + 1].tolist()
            cells = cells_of(bytes(self._buffer[start - base : end - base]), self._dialect)
            if self.keys or self._table.watched:
                self._rekey(row - first_row, cells)
            problems = self._verdicts.of_row(cells)
            if problems:
                place = Place(row, record, start, end)
                self._counting.tally.add_row(problems, place)
                bad.append(row)
                if not self.is_cut:
                    self.listed.append(place)
            else:
                for column in suspects[begin:after, SUSPECT_COLUMN].tolist():
                    if column >= 0:
                        self._learn(column, cells[column].encode())
        self.bad_rows.add(np.array(bad, np.int64))

    def _by_cell(self, suspects: Any) -> None:
        """Counts cells by their bytes; rows whose cells do not stand for themselves are mended or read."""
        base = int(self._results.state[BASE])
        in_odd_row = np.isin(suspects[:, ROW], suspects[self._is_odd(suspects), ROW])
        plain = suspects[~in_odd_row]
        odd = suspects[in_odd_row]
        ragged, others = self._ragged.parted(self._buffer, base, odd)
        self._by_row(others)
        if len(ragged):
            self._by_mending(ragged, base)
        if len(plain):
            group, verdicts, is_doubtful = self._judged(plain, self._buffer, base)
            is_read = np.isin(plain[:, ROW], plain[is_doubtful, ROW])
            self._by_row(plain[is_read])
            self._add_bad(self._count(plain[~is_read], group[~is_read], verdicts))

    def _is_odd(self, suspects: Any) -> Any:
        columns, sizes = suspects[:, SUSPECT_COLUMN], suspects[:, CELL_END] - suspects[:, CELL]
        return (columns < 0) | (suspects[:, CELL] < 0) | (sizes > LONGEST) | self._keyed[columns]

    def _judged(self, plain: Any, text: Any, base: int) -> tuple[Any, list[Verdict], Any]:
        """The verdict on each distinct one of the cells, which of these each is, and whether its row may be blank."""
        columns, begins, ends = plain[:, SUSPECT_COLUMN], plain[:, CELL], plain[:, CELL_END]
        first, group = grouped(text, columns, begins, ends, self._table.accepts.seed)
        verdicts = [self._verdict(suspect, text) for suspect in plain[first]]
        is_blank = np.array([verdict.is_blank for verdict in verdicts], bool)[group]
        return group, verdicts, is_blank & ~self._tells(plain, text, base) if is_blank.any() else is_blank

    def _by_mending(self, ragged: Any, base: int) -> None:
        """Counts the cells that rows have too many or lack, and what is wrong with the others."""
        mended = self._ragged.mended(self._buffer, base, ragged)
        if mended is None:
            self._by_row(ragged)
            return
        self._take_watched(ragged, mended.keys)
        found = mended.found
        is_read = np.zeros(len(ragged), bool)
        is_read[found[self._is_odd(found), ROW]] = True
        found = found[~is_read[found[:, ROW]]]
        if len(found):
            group, verdicts, is_doubtful = self._judged(found, mended.text, 0)
            is_read[found[is_doubtful, ROW]] = True
            is_left = ~is_read[found[:, ROW]]
            found[:, : END + 1] = ragged[found[:, ROW], : END + 1]
            self._count(found[is_left], group[is_left], verdicts)
        self._by_row(ragged[is_read])
        left = ragged[~is_read]
        self._count_widths(left, mended.widths[~is_read])
        self._add_bad(left[:, ROW])  # their keys are known: the pass has read the cells that they have

    def _take_watched(self, ragged: Any, keys: Any) -> None:
        """Of a row that lacks cells the pass has left the parts of foreign keys open: mended they are null."""
        count, state = 2 * len(self._table.watched), self._results.state
        self._results.keys[:count, ragged[:, ROW] - (state[ROWS] - state[KEPT])] = keys[:count]

    def _count_widths(self, rows: Any, widths: Any) -> None:
        expected = len(self._table.rules)
        for has_extra in (True, False):
            wrong = widths > expected if has_extra else widths < expected
            if not wrong.any():
                continue
            most, least = int(widths[wrong].max()), int(widths[wrong].min())
            for problem in self._verdicts.of_width(most if has_extra else least):
                assert problem.position is not None
                has_it = widths >= problem.position if has_extra else widths < problem.position
                self._tell(problem, int(has_it.sum()), rows[has_it])

    def _verdict(self, suspect: Any, text: Any) -> Verdict:
        cell = bytes(text[suspect[CELL] : suspect[CELL_END]])
        verdict = self._verdicts.of_cell(int(suspect[SUSPECT_COLUMN]), cell.decode("utf-8"))
        if not verdict.problems:
            self._learn(int(suspect[SUSPECT_COLUMN]), cell)
        return verdict

    def _count(self, plain: Any, group: Any, verdicts: list[Verdict]) -> Any:
        """Counts the cells' problems; the rows that have some."""
        counts = np.bincount(group, minlength=len(verdicts)).tolist()
        for index, verdict in enumerate(verdicts):
            for problem in verdict.problems if counts[index] else ():
                counted = self._counting.tally.add(problem, counts[index])
                if counted.wants(int(plain[0, ROW])):
                    self._exemplify(counted, plain[group == index])
        is_bad = np.array([bool(verdict.problems) for verdict in verdicts], bool)[group]
        return np.unique(plain[is_bad, ROW])

    def _tell(self, problem: Problem, count: int, rows: Any) -> None:
        counted = self._counting.tally.add(problem, count)
        if counted.wants(int(rows[0, ROW])):
            self._exemplify(counted, rows)

    def _add_bad(self, rows: Any) -> None:
        self._counting.tally.bad_rows += len(rows)
        self.bad_rows.add(rows)

    def _exemplify(self, counted: Counted, suspects: Any) -> None:
        for suspect in suspects[:3].tolist():
            counted.keep(Place(suspect[ROW], suspect[RECORD], suspect[START], suspect[END]))

    def _learn(self, column: int, text: bytes) -> None:
        """Has the kernel know a cell that has no problem."""
        if (column, text) in self._known:
            return
        verdict = self._verdicts.of_cell(column, text.decode("utf-8"))
        if verdict.problems or (column in self._composite and verdict.equals_nothing):
            return  # the kernel would make one key of two NaN: such rows are read
        self.learned += 1
        if self._table.accepts.learn(column, text, NULL if verdict.is_null else CLEAN, *verdict.pair):
            self._known.add((column, text))

    def _tells(self, suspects: Any, text: Any, base: int) -> Any:
        """Whether a suspect's record has a byte that none of blank cells only has."""
        low, high = int(suspects[:, START].min()) - base, int(suspects[:, END].max()) - base
        before = np.concatenate(([0], np.cumsum(self._telling[text[low:high]], dtype=np.int64)))
        return before[suspects[:, END] - base - low] > before[suspects[:, START] - base - low]

    @override
    def _key_number(self, key: Key, cells: list[str]) -> int:
        return self._verdicts.key_number(key, cells)


def _telling(table: Table, dialect: Dialect) -> Any:
    """For each byte, whether no record whose cells are all blank can have it."""
    telling = np.ones(256, bool)
    marks = f"{dialect.delimiter}{dialect.quote_char}\r\n "
    for text in (marks, *(missing for rule in table.rules for missing in rule.missing)):
        telling[list(text.encode("utf-8", "surrogatepass"))] = False
    return telling
