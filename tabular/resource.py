"""What a resource's descriptor says of its file before anybody opens it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

TABLE_FORMATS = frozenset({"csv", "tsv", "tab"})
TABLE_MEDIA_TYPES = frozenset({"text/csv", "text/tab-separated-values", "application/csv"})
OPAQUE_FORMATS = frozenset({"", "txt", "dat", "text", "gz", "gzip", "zip"})
"""Formats that may hold a table or not: a schema decides."""

_COMPRESSION = re.compile(r"\.(?:gz|zip)$")


def is_table(resource: Mapping[str, Any]) -> bool:
    """Whether the file goes through the stages for tables: says it is CSV or TSV, compressed or not, or has a schema.

    What says it is another format (JSON, a workbook, a picture) is carried as it is, with a schema or without.
    """
    said = _word(resource.get("format"))
    if said in TABLE_FORMATS or _word(resource.get("mediatype")).partition(";")[0].strip() in TABLE_MEDIA_TYPES:
        return True
    by_name = _format_of(_word(resource.get("path")))
    found = said or by_name
    if found in TABLE_FORMATS or (said in OPAQUE_FORMATS and by_name in TABLE_FORMATS):
        return True
    schema = resource.get("schema")
    has_fields = isinstance(schema, Mapping) and bool(schema.get("fields"))
    return found in OPAQUE_FORMATS and (has_fields or resource.get("profile") == "tabular-data-resource")


def _format_of(path: str) -> str:
    name = _COMPRESSION.sub("", path.rpartition("/")[2])
    return name.rpartition(".")[2] if "." in name else ""


def _word(value: object) -> str:
    return value.strip().lower() if isinstance(value, str) else ""
