"""Counting every error of a table, to the end of its file, and listing the first of them with their places."""

from __future__ import annotations

import heapq
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from tabular import fast
from tabular.counting import Counting, header_place, names_of, start_problems
from tabular.descriptor import clean_schema
from tabular.dialect import Dialect
from tabular.finding import Finding, shorten
from tabular.foreignkeys import Referenced, References, largest
from tabular.limits import Limits
from tabular.lines import placed_records
from tabular.listing import Listing
from tabular.problem import Problem, problem_of
from tabular.progress import Progress, Throttle
from tabular.summary import Summary, summary_of_findings
from tabular.tally import Tally
from tabular.validation import LINK, Validation, validate_table
from tabular.workbook import Sheet

RowProblems = Iterator[tuple[int, list[Problem]]]
"""Record number and problems of every row that has some, in order."""


def count_errors(
    path: Path,
    validation: Validation,
    folder: Path,
    *,
    resource: Mapping[str, Any],
    dialect: Mapping[str, Any] | None = None,
    sheet: Sheet | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
    references: References | None = None,
) -> Summary:
    """Counts what is wrong with the UTF-8 table at `path`, whose check `validation` is; the lists go to `folder`.

    The other arguments are those of `validate_table`, and the `sheet` that the table was made of; `progress` is told
    rows. Where the report of the check is whole, the numbers are the report's. Nothing is listed of a valid table, or
    of one that could not be checked at all. Raises OSError.

    Where the pass has checked a table with foreign keys and cannot count its errors, no more are counted than are
    listed, by a second check: the library would hold all keys of the other tables in memory.
    """
    bounds = limits or Limits()
    if validation.valid:
        return Summary(validation.rows, 0, 0)
    if validation.findings:
        return summary_of_findings(validation.findings, validation.rows)
    schema = validation.schema
    if not validation.inferred:
        cleaned = clean_schema(resource["schema"], str(resource.get("name", "")), references)
        assert not isinstance(cleaned, Finding), "it was checked with this very schema"
        schema = cleaned.schema
    kind, told = Dialect.from_descriptor(dialect), Throttle(progress)
    return _Count(path, validation, folder, resource, schema, kind, sheet, bounds, told, references or {}).run()


@dataclass(frozen=True, slots=True)
class _Count:
    path: Path
    validation: Validation
    folder: Path
    resource: Mapping[str, Any]
    schema: dict[str, Any]
    dialect: Dialect
    sheet: Sheet | None
    limits: Limits
    told: Throttle
    references: References

    def run(self) -> Summary:
        from frictionless import FrictionlessException

        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / LINK).symlink_to(self.path.absolute())
            try:
                return self._counted(Path(folder), time.monotonic() + self.limits.count_seconds)
            except FrictionlessException:  # it cannot be opened: then it is all that the report tells
                return self._unreadable()

    def _unfit(self) -> str | None:
        return fast.unfit(largest(self.path, self.schema, self.references), self.limits.fast_from)

    def _table(self, folder: Path, is_fed: bool) -> Any:
        """The library's resource, which reads the tables that it refers to when it is opened, unless it `is_fed`."""
        from tabular.library import table_resource
        from tabular.siblings import siblings_of

        own = Referenced(self.path, self.dialect.to_descriptor(), self.schema)
        name = str(self.resource.get("name") or "table")
        siblings = siblings_of(folder, own, name, self.references, self.schema)
        if siblings is not None:
            siblings.is_fed = is_fed
        return table_resource(folder, LINK, self.schema, "utf-8", self.dialect, siblings)

    def _counted(self, folder: Path, ends_at: float) -> Summary:
        why = "unique keys" if self.validation.repeats.total else self._unfit()
        count, is_fed = self, not self.validation.truncated
        if why is None:
            with self._table(folder, is_fed=True) as table:
                made = self._by_pass(table, ends_at)
            if isinstance(made, Summary):
                return made
            why = made
            if self.schema.get("foreignKeys") and self.validation.evidence["engine"]["path"] == "fast":
                count, is_fed = replace(self, validation=self._wider()), True
                ends_at = time.monotonic() + self.limits.count_seconds
        with count._table(folder, is_fed) as table:
            return count._slow(table, ends_at, why)

    def _by_pass(self, table: Any, ends_at: float) -> Summary | str:
        """The count, or why there is none."""
        try:
            made = self._fast(table, ends_at)
        except MemoryError:
            raise
        except Exception as error:  # what the pass cannot count, the library can
            return shorten(f"{type(error).__name__}: {error}")
        return made if self._agrees(made) else "its count differs from the report's"

    def _wider(self) -> Validation:
        """The check as far as errors are listed."""
        if not self.validation.truncated or self.limits.listed_errors <= self.limits.errors:
            return self.validation
        return validate_table(
            self.path,
            resource=self.resource,
            dialect=self.dialect.to_descriptor(),
            limits=replace(self.limits, errors=self.limits.listed_errors),
            progress=self.told,
            references=self.references,
        )

    def _fast(self, table: Any, ends_at: float) -> Summary:
        with Listing(self.folder, names_of(table), self.limits, self.sheet) as listing:
            counting = Counting(self.limits, Tally(), listing, ends_at)
            places = placed_records(self.path, self.dialect)
            counting.add_header(start_problems(table), header_place(places, self.dialect))
            fast.count(self.path, table, self.dialect, counting, self.told)
            return counting.summary({"path": "fast"})

    def _agrees(self, made: Summary) -> bool:
        """Whether the count is the report's, where that is whole."""
        if self.validation.truncated or not made.complete:
            return True
        counted: Counter[str] = Counter()
        for group in made.groups:
            counted[group.rule] += group.count
        return counted == Counter(str(error["type"]) for error in self._reported)

    @property
    def _reported(self) -> list[dict[str, Any]]:
        return [error for task in self.validation.report["tasks"] for error in task["errors"]]

    def _slow(self, table: Any, ends_at: float, why: str) -> Summary:
        """By the errors of the report where it is whole; else by those of the library, row by row."""
        with Listing(self.folder, names_of(table), self.limits, self.sheet) as listing:
            counting = Counting(self.limits, Tally(), listing, ends_at)
            places = placed_records(self.path, self.dialect)
            header = header_place(places, self.dialect)
            keys = ", ".join(table.schema.primary_key)
            if self.validation.truncated and not (table.package and table.package.is_fed):
                counting.add_header(start_problems(table), header)
                rows = self._library_rows(table, keys, counting)
            else:
                counting.add_header((problem_of(error) for error in self._reported if not _is_of_row(error)), header)
                rows = self._report_rows(keys, counting)
            for number, problems in rows:
                place, cells = next(placed for placed in places if placed[0].record == number)
                counting.add(place, cells, problems)
            self.told.finish(counting.rows)
            return counting.summary({"path": "slow", "why": why})

    def _report_rows(self, keys: str, counting: Counting) -> RowProblems:
        repeats = self.validation.repeats
        told = ((int(error["rowNumber"]), problem_of(error, keys)) for error in self._reported if _is_of_row(error))
        listed = ((repeat.record, repeat.problem()) for repeat in repeats.listed)
        for number, problems in groupby(heapq.merge(told, listed, key=itemgetter(0)), itemgetter(0)):
            if counting.is_late():
                return
            counting.record = number
            yield number, [problem for _, problem in problems]
        for problem, count in repeats.unlisted():
            counting.tally.add(problem, count)
        counting.tally.bad_rows += repeats.unlisted_rows
        counting.rows = self.validation.rows
        if self.validation.truncated:
            counting.why = f"Of a table with foreign keys {len(self._reported):,} errors are counted, the limit."

    def _library_rows(self, table: Any, keys: str, counting: Counting) -> RowProblems:
        while not counting.is_late():
            try:
                row = next(table.row_stream, None)
                errors = row.errors if row else ()
            except (OSError, MemoryError):
                raise
            except Exception as error:  # frictionless lets raw exceptions of its parts through
                counting.stopped_by(error)
                return
            if row is None:
                return
            counting.rows += 1
            counting.record = row.row_number
            self.told(counting.rows)
            if errors:
                yield row.row_number, [problem_of(error, keys) for error in errors]

    def _unreadable(self) -> Summary:
        findings = [
            Finding(problem.rule, problem.message, field=problem.field) for problem in map(problem_of, self._reported)
        ]
        return summary_of_findings(findings, self.validation.rows)


def _is_of_row(error: Mapping[str, Any]) -> bool:
    return isinstance(error.get("rowNumber"), int)
