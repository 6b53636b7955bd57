"""What a resource's descriptor says of its file before anybody opens it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

TABLE_FORMATS = frozenset({"csv", "tsv", "tab"})
TABLE_MEDIA_TYPES = frozenset({"text/csv", "text/tab-separated-values", "application/csv"})
WORKBOOK_FORMATS = frozenset({"xlsx", "xlsm", "ods"})
WORKBOOK_MEDIA_TYPES = frozenset(
    {
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.ms-excel.sheet.macroenabled.12",
        "application/vnd.oasis.opendocument.spreadsheet",
    }
)
OPAQUE_FORMATS = frozenset({"", "txt", "dat", "text", "gz", "gzip", "zip"})
"""Formats that may hold a table or not: a schema decides."""
OPAQUE_MEDIA_TYPES = frozenset({"", "application/octet-stream", "application/zip", "application/vnd.ms-excel"})
"""Media types that are told of workbooks whatever they are."""

_COMPRESSION = re.compile(r"\.(?:gz|zip)$")


def is_table(resource: Mapping[str, Any]) -> bool:
    """Whether the file goes through the stages for tables: says it is CSV or TSV, compressed or not, or has a schema.

    A workbook is one, too. What says it is another format (JSON, a picture) is carried as it is, schema or not.
    """
    said, by_name = _word(resource.get("format")), _format_of(_word(resource.get("path")))
    if said in TABLE_FORMATS or _media_type(resource) in TABLE_MEDIA_TYPES:
        return True
    found = said or by_name
    if found in TABLE_FORMATS or (said in OPAQUE_FORMATS and by_name in TABLE_FORMATS) or is_workbook(resource):
        return True
    schema = resource.get("schema")
    has_fields = isinstance(schema, Mapping) and bool(schema.get("fields"))
    return found in OPAQUE_FORMATS and (has_fields or resource.get("profile") == "tabular-data-resource")


def is_workbook(resource: Mapping[str, Any]) -> bool:
    """Whether the table is a sheet of an XLSX or ODS file: it says so, or its name does and nothing else is said.

    With `"profile": "data-resource"`, or the format or media type of something else, a workbook is no table.
    """
    said, media_type = _word(resource.get("format")), _media_type(resource)
    if said in TABLE_FORMATS or media_type in TABLE_MEDIA_TYPES or resource.get("profile") == "data-resource":
        return False
    if said in WORKBOOK_FORMATS or media_type in WORKBOOK_MEDIA_TYPES:
        return True
    by_name = _format_of(_word(resource.get("path")))
    return by_name in WORKBOOK_FORMATS and said in OPAQUE_FORMATS and media_type in OPAQUE_MEDIA_TYPES


def _format_of(path: str) -> str:
    name = _COMPRESSION.sub("", path.rpartition("/")[2])
    return name.rpartition(".")[2] if "." in name else ""


def _media_type(resource: Mapping[str, Any]) -> str:
    return _word(resource.get("mediatype")).partition(";")[0].strip()


def _word(value: object) -> str:
    return value.strip().lower() if isinstance(value, str) else ""
