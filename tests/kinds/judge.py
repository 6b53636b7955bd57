"""Whether what was told of a file is true, property by property, and whether it is read as it was written."""

from __future__ import annotations

from pathlib import Path

from tabular.csvkind import CsvKind, NotCsv, detect_kind
from tabular.dialect import Dialect
from tabular.rows import read_data, read_labels
from tests.kinds.cases import Case
from tests.kinds.tables import Truth

PROPERTIES = ("delimiter", "quote", "escape", "header", "preamble", "comment", "kind", "whole")


def judge(case: Case, folder: Path) -> dict[str, bool]:
    """By property; those that the file does not show are left out. `whole`: header and rows are read as written."""
    path = folder / "table.csv"
    path.write_bytes(case.content)
    told = detect_kind(path)
    if isinstance(case.truth, str):
        right = isinstance(told, NotCsv) and case.truth in told.what
        return {"kind": right, "whole": right}
    if isinstance(told, NotCsv):
        return {"kind": False, "whole": False}
    return _properties(case.truth, told) | {"whole": _reads(path, case.truth, told)}


def _properties(truth: Truth, told: CsvKind) -> dict[str, bool]:
    dialect = told.dialect
    found: dict[str, bool] = {"kind": True, "header": told.header_rows == truth.header_rows}
    width = max(map(len, (truth.header, *truth.rows)))
    found["delimiter"] = dialect["delimiter"] == truth.delimiter if width > 1 else told.columns == 1
    if truth.quote is not None:
        found["quote"] = dialect["quoteChar"] == truth.quote
    if truth.escape is not None:
        found["escape"] = dialect.get("escapeChar") == truth.escape
    if truth.skipped:
        found["preamble"] = Dialect.from_descriptor(dialect).first_table_row == truth.skipped + 1
    if truth.comment is not None:
        found["comment"] = dialect.get("commentChar") == truth.comment
    return found


def _reads(path: Path, truth: Truth, told: CsvKind) -> bool:
    dialect = Dialect.from_descriptor(told.dialect)
    rows = tuple(tuple(cells) for _, cells in read_data(path, dialect))
    return tuple(read_labels(path, dialect)) == truth.header and rows == truth.rows
