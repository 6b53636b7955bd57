"""Why the columns of a table without a schema are taken as what they are, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST = 100


def reasons(schema: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[str]:
    """For each column that is taken as text though some of its values have another type: the first that has not; at
    most a hundred. `schema` and `evidence` are those of `tabular.inference.Inferred`."""
    found = (_reason(field, evidence.get(field["name"])) for field in schema.get("fields", ()))
    return [reason for reason in found if reason][:MOST]


def _reason(field: Mapping[str, Any], against: Any) -> str | None:
    if not isinstance(against, Mapping) or field.get("type") != "string":
        return None
    if "blank" in against:
        return f"{field['name']} has no value in any row, and is taken as text."
    told = {kind: first for kind, first in against.items() if isinstance(first, Mapping) and "row" in first}
    if not told:
        return None
    kind, first = max(told.items(), key=lambda item: int(item[1]["row"]))
    return f"{field['name']} is taken as text, not as {kind}: row {first['row']:,} has “{first.get('cell', '')}”."
