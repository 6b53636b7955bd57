"""The first rows of a table, as the last stage kept them for pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ROWS_SHOWN = 20
COLUMNS_SHOWN = 60
CELL_KEPT = 500
"""Characters of a cell that the last stage keeps (`tabular.dump.preview`)."""
LARGEST = 2_000_000
"""Bytes of a preview that is drawn: several are in memory at once."""
NUMERIC = frozenset({"integer", "number"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """First rows as text; `numeric` says which columns are numbers."""

    fields: Sequence[str]
    numeric: Sequence[bool]
    rows: Sequence[Sequence[str]]
    note: str


def preview_of(content: Mapping[str, Any], fields: Sequence[Mapping[str, Any]], total: int | None) -> Preview:
    """What `dump` wrote for previews, ready to be shown; raises KeyError or TypeError where it is none."""
    header = [str(label) for label in content["header"][:COLUMNS_SHOWN]]
    rows = [[str(cell) for cell in row[:COLUMNS_SHOWN]] for row in content["rows"][:ROWS_SHOWN]]
    width = max([len(header), *(len(row) for row in rows)])
    types = [str(field.get("type")) for field in fields]
    if rows and total is not None and len(rows) < total:
        note = f"The first {len(rows)} of {total:,} rows."
    else:
        note = "All rows." if rows else "This table has a header and no rows."
    if content.get("more_columns") or len(content["header"]) > COLUMNS_SHOWN:
        note += f" Only the first {width} columns are shown."
    if content.get("cut_cells"):
        note += f" Cells of more than {CELL_KEPT} characters are cut."
    return Preview(
        fields=[*header, *[""] * (width - len(header))],
        numeric=[index < len(types) and types[index] in NUMERIC for index in range(width)],
        rows=[[*row, *[""] * (width - len(row))] for row in rows],
        note=note,
    )
