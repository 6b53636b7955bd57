"""Checking a table against its Table Schema with frictionless, all rows, and a report in every case."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tabular.descriptor import clean_schema
from tabular.dialect import Dialect
from tabular.finding import Finding, shorten
from tabular.foreignkeys import Referenced, References, largest
from tabular.inference import Kinds, infer_schema
from tabular.limits import Limits
from tabular.progress import Progress
from tabular.report import refusal
from tabular.uniquekeys import NONE, Repeats, UniqueKey, find_repeats, unique_keys
from tabular.verdict import MiscountedRows, judge

LINK = "table.csv"


@dataclass(frozen=True, slots=True)
class Validation:
    """The result of a check. An invalid table is a result like any other.

    `rows` are the data rows read; when `truncated`, the check stopped at the limit of errors and later rows were not
    read. `report` is frictionless' own report with over-long cells cut. `findings` hold what kept the check from being
    made at all. `notes` say what was not checked. `evidence["engine"]` says which path the check took, and why;
    `evidence["types"]` is that of `tabular.inference.Inferred`, by column. `repeats` are the rows that repeat a unique
    key, errors too, though not of the report.
    """

    valid: bool
    rows: int
    errors_total: int
    truncated: bool
    report: dict[str, Any]
    schema: dict[str, Any]
    inferred: bool
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    evidence: dict[str, Any] = field(default_factory=dict)
    repeats: Repeats = NONE

    def to_dict(self) -> dict[str, Any]:
        """JSON object of everything."""
        return {
            "valid": self.valid,
            "rows": self.rows,
            "errors_total": self.errors_total,
            "truncated": self.truncated,
            "report": self.report,
            "schema": self.schema,
            "inferred": self.inferred,
            "findings": [finding.to_dict() for finding in self.findings],
            "notes": list(self.notes),
            "evidence": self.evidence,
            "repeated_keys": [{"fields": list(key), "rows": count} for key, count in self.repeats.counts.items()],
        }


def validate_table(
    path: Path,
    *,
    resource: Mapping[str, Any],
    encoding: str = "utf-8",
    dialect: Mapping[str, Any] | None = None,
    kinds: Kinds = (),
    limits: Limits | None = None,
    progress: Progress | None = None,
    references: References | None = None,
) -> Validation:
    """Checks the CSV at `path` against `resource["schema"]`, or against a schema inferred from all its rows.

    Of `resource` only `name`, `path` (for the report) and `schema` are looked at, and of the schema only what
    `clean_schema` lets through. `kinds` are what a workbook's cells are, for the inference. `progress` is told rows.
    Raises OSError.

    Foreign keys are looked up in `references`, and in the table itself. What the evidence says of them are those that
    were checked; of the others a note says why not.
    """
    bounds = limits or Limits()
    kind = Dialect.from_descriptor(dialect)
    evidence: dict[str, Any] = {}
    notes: list[str] = []
    inferred = resource.get("schema") is None
    if inferred:
        found = infer_schema(path, kind, encoding, progress, kinds, bounds)
        schema, evidence = found.schema, {"types": found.evidence}
        if not schema["fields"]:
            return _impossible(Finding("no-columns", "The header has no columns."), {}, inferred, ())
    else:
        cleaned = clean_schema(resource["schema"], str(resource.get("name", "")), references)
        if isinstance(cleaned, Finding):
            return _impossible(cleaned, {}, inferred, ())
        schema, notes = cleaned.schema, cleaned.notes
    check = _Check(path, resource, schema, encoding, kind, bounds, progress, references or {})
    report = check.run()
    if isinstance(report, Finding):
        return _impossible(report, schema, inferred, tuple(notes), check.rows)
    task = report["tasks"][0] if report.get("tasks") else {}
    truncated = any("limit" in warning for warning in task.get("warnings", []))
    keys = unique_keys(schema)
    assert not isinstance(keys, Finding), "found out before"
    repeats = check.repeats(report) if keys and not truncated else NONE
    if truncated:
        notes += [
            f"The unique key {shorten(', '.join(key), 80)!r} was not checked, for there are too many other errors."
            for key in keys
        ]
        keys = ()
    return Validation(
        valid=bool(report["valid"]) and not repeats.total,
        rows=check.rows,
        errors_total=int(report["stats"]["errors"]) + repeats.total,
        truncated=truncated,
        report=report,
        schema=schema if inferred else dict(resource["schema"]),
        inferred=inferred,
        notes=tuple(notes),
        evidence=evidence | {"engine": check.engine} | _keys_checked(schema, keys),
        repeats=repeats,
    )


def _impossible(
    finding: Finding, schema: dict[str, Any], inferred: bool, notes: tuple[str, ...], rows: int = 0
) -> Validation:
    """A check that could not be made is an invalid table with one error, in the form of a report all the same."""
    return Validation(False, rows, 1, False, refusal(finding).report, schema, inferred, (finding,), notes)


def _keys_checked(schema: Mapping[str, Any], unique: Sequence[UniqueKey]) -> dict[str, Any]:
    foreign = schema.get("foreignKeys")
    return ({"foreign_keys": foreign} if foreign else {}) | (
        {"unique_keys": [list(key) for key in unique]} if unique else {}
    )


class _Check:
    """One run of frictionless over one file."""

    def __init__(
        self,
        path: Path,
        resource: Mapping[str, Any],
        schema: dict[str, Any],
        encoding: str,
        dialect: Dialect,
        limits: Limits,
        progress: Progress | None,
        references: References,
    ) -> None:
        self.rows = 0
        self.engine: dict[str, Any] = {"path": "none"}
        self._path = path
        self._name = str(resource.get("name") or "table")
        self._place = str(resource.get("path") or path.name)
        self._schema = schema
        self._encoding = encoding
        self._dialect = dialect
        self._limits = limits
        self._progress = progress
        self._references = references

    def run(self) -> dict[str, Any] | Finding:
        """The report, or the finding that it could not be made."""
        from frictionless import FrictionlessException

        with tempfile.TemporaryDirectory() as folder:
            # A link under a name of ours: frictionless reads a scheme, a compression and more out of file names.
            (Path(folder) / LINK).symlink_to(self._path.absolute())
            try:
                make = partial(self._resource, Path(folder))
                size = largest(self._path, self._schema, self._references)
                verdict = judge(make, self._path, self._limits, self._on_row, self._progress, size)
            except FrictionlessException as error:
                return Finding("schema-error", f"The schema cannot be used: {_reasons(error)}", where="/schema")
            except Exception as error:  # frictionless lets raw exceptions of its parts through
                if isinstance(error, OSError | MemoryError | MiscountedRows):
                    raise
                return self._uncheckable(error)
        self.rows, self.engine = verdict.rows, verdict.statistics
        return self._polish(verdict.report)

    def repeats(self, report: Mapping[str, Any]) -> Repeats:
        """The rows that repeat a unique key; `report` is the whole report."""
        errors = (error for task in report["tasks"] for error in task["errors"])
        bad = {error["rowNumber"] for error in errors if isinstance(error.get("rowNumber"), int)}
        return find_repeats(self._path, self._schema, self._dialect, self._encoding, self._limits, bad, self._progress)

    def _resource(self, folder: Path) -> Any:
        from tabular.library import table_resource

        self.rows = 0
        siblings = self._siblings(folder) if self._schema.get("foreignKeys") else None
        return table_resource(folder, LINK, self._schema, self._encoding, self._dialect, siblings)

    def _siblings(self, folder: Path) -> Any:
        from tabular.siblings import siblings_of

        own = Referenced(self._path, self._dialect.to_descriptor(), self._schema, self._encoding)
        return siblings_of(folder, own, self._name, self._references, self._schema)

    def _on_row(self, row: Any) -> None:
        from frictionless.errors import ForeignKeyError

        self.rows += 1
        for error in row.errors:
            # A thousand errors would each keep the text of a whole row, and of its cell several times, in memory.
            error.cells = [self._cut(cell) for cell in error.cells[: self._limits.reported_cells]]
            error.metadata_defaults.pop("cells", None)  # the library's own copy of the list
            if isinstance(error, ForeignKeyError):
                error.field_cells = [self._cut(cell) for cell in error.field_cells]
                error.metadata_defaults.pop("field_cells", None)
            for key in ("cell", "message", "note"):
                if isinstance(getattr(error, key, None), str):
                    setattr(error, key, self._cut(getattr(error, key)))

    def _cut(self, cell: Any) -> str:
        return shorten("" if cell is None else str(cell), self._limits.reported_cell)

    def _polish(self, report: dict[str, Any]) -> dict[str, Any]:
        for task in report["tasks"]:
            task["name"], task["place"] = self._name, self._place
        return report

    def _uncheckable(self, error: Exception) -> Finding:
        """Known: a signaling NaN with a bound, a bound that is written in another form than the field's values, a value
        that cannot be looked up."""
        row = self.rows + self._dialect.first_data_row
        text = shorten(str(error) or type(error).__name__)
        message = (
            f"The check of row {row:,} could not be made: a value there cannot be compared as the schema asks ({text})."
        )
        return Finding("uncheckable", message, row=row)


def _reasons(error: Any) -> str:
    notes = [str(reason.note) for reason in (error.reasons or [error.error])]
    return shorten("; ".join(notes), 500)
