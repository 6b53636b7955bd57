"""Unique keys, which the second version of the standard has and frictionless 5.21 passes over: fields whose values
together may come only once. A row with a null in a key is left out, as by a unique constraint of SQL.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabular import fast
from tabular.dialect import Dialect
from tabular.finding import Finding, shorten
from tabular.limits import Limits
from tabular.problem import Problem
from tabular.progress import Progress

LINK = "unique.csv"
WHERE = "/schema/uniqueKeys"
RULE = "unique-key"
UniqueKey = tuple[str, ...]
"""The names of its fields."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A row whose `key` an earlier row has already: both by their record numbers; `cell` shows the values, and
    `position` is the column of the first of them, from 1."""

    record: int
    first: int
    key: UniqueKey
    cell: str
    position: int

    def problem(self) -> Problem:
        """As it is told beside the errors of the library."""
        return repeated(self.key, f"Row {self.first:,} has this unique key already.", self.cell, self.position)

    def finding(self, count: int) -> Finding:
        """As it is told alone; so many rows repeat the key."""
        more = f" {count:,} rows repeat an earlier one's key." if count > 1 else ""
        problem = self.problem()
        return Finding(RULE, problem.message + more, row=self.record, field=problem.field, cell=problem.cell)


@dataclass(frozen=True, slots=True)
class Repeats:
    """What repeats the unique keys of a table. `counts` are the rows, by key; `listed` are the first, in the order of
    rows; `unlisted_rows` are rows of the others that were not known to be bad."""

    counts: Mapping[UniqueKey, int]
    listed: tuple[Repeat, ...] = ()
    unlisted_rows: int = 0

    @property
    def total(self) -> int:
        """How many errors that makes."""
        return sum(self.counts.values())

    def unlisted(self) -> Iterator[tuple[Problem, int]]:
        """Of each key the rows that are counted and not listed."""
        for key, count in self.counts.items():
            if more := count - sum(repeat.key == key for repeat in self.listed):
                yield repeated(key, "An earlier row has this unique key already."), more

    def findings(self) -> tuple[Finding, ...]:
        """One for each key that comes twice, with the first row that repeats it."""
        firsts = {repeat.key: repeat for repeat in reversed(self.listed)}
        return tuple(firsts[key].finding(count) for key, count in self.counts.items() if key in firsts)


NONE = Repeats({})


def repeated(key: UniqueKey, message: str, cell: str | None = None, position: int | None = None) -> Problem:
    """The problem of a row that repeats a key."""
    return Problem(RULE, ", ".join(key), None, cell, message, position)


def unique_keys(schema: Mapping[str, Any]) -> tuple[UniqueKey, ...] | Finding:
    """The unique keys that a schema declares, or why they cannot be understood."""
    given = schema.get("uniqueKeys")
    if given is None:
        return ()
    names = {field.get("name") for field in schema.get("fields") or () if isinstance(field, Mapping)}
    form = (
        'uniqueKeys must be a list of keys, each of them a list of names of fields, as in [["id"], ["year", "code"]].'
    )
    if not isinstance(given, list):
        return Finding("schema-error", form, where=WHERE)
    keys: list[UniqueKey] = []
    for index, key in enumerate(given):
        if not isinstance(key, list) or not key or not all(isinstance(name, str) for name in key):
            return Finding("schema-error", form, where=f"{WHERE}/{index}")
        for name in key:
            if name not in names:
                message = f"A unique key names the field {shorten(name, 80)!r}, which the schema does not have."
                return Finding("schema-error", message, where=f"{WHERE}/{index}")
        keys.append(tuple(dict.fromkeys(key)))
    return tuple(dict.fromkeys(keys))


def find_repeats(
    path: Path,
    schema: Mapping[str, Any],
    dialect: Dialect,
    encoding: str,
    limits: Limits,
    bad: Collection[int] = (),
    progress: Progress | None = None,
) -> Repeats:
    """The rows of the table at `path` that repeat a unique key of its `schema`; `bad` are the record numbers of
    rows that are known to have errors, and `limits.listed_errors` of what is found are listed.

    A value that its column's type does not have is a null here. Memory is bounded: keys are sorted on disk. What keeps
    a table from being read is in its report; nothing is found then. Raises OSError.
    """
    keys = unique_keys(schema)
    if isinstance(keys, Finding) or not keys:
        return NONE
    from frictionless import FrictionlessException

    from tabular.library import table_resource
    from tabular.repeats import Search

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / LINK).symlink_to(path.absolute())
        table = table_resource(Path(folder), LINK, _bare(schema, keys), encoding, dialect)
        is_fast = fast.unfit(path.stat().st_size, limits.fast_from) is None
        try:
            with table:
                return Search(table, path, keys, dialect, limits, progress).run(is_fast, frozenset(bad))
        except (FrictionlessException, UnicodeError):
            return NONE


def _bare(schema: Mapping[str, Any], keys: tuple[UniqueKey, ...]) -> dict[str, Any]:
    """The fields of keys without what constrains them; the others may hold anything."""
    wanted = {name for key in keys for name in key}
    fields = [
        {name: value for name, value in field.items() if name != "constraints"}
        if field["name"] in wanted
        else {"name": field["name"], "type": "any", "missingValues": []}
        for field in schema["fields"]
    ]
    return {name: schema[name] for name in ("missingValues", "fieldsMatch") if name in schema} | {"fields": fields}
