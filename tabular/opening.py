"""Opening the file of a table, whichever it is: a CSV, plain or compressed, or a workbook."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tabular.archive import Opened, open_table
from tabular.encodingfound import EncodingFound
from tabular.finding import Finding
from tabular.limits import Limits
from tabular.progress import Progress
from tabular.resource import is_workbook
from tabular.workbook import Sheet, open_workbook

KEPT = ("header", "headerJoin", "commentChar")
ROWS = ("headerRows", "commentRows")
WRITTEN = {
    "delimiter": ",",
    "quoteChar": '"',
    "doubleQuote": True,
    "skipInitialSpace": False,
    "lineTerminator": "\r\n",
}
"""The dialect of the CSV that is made of a sheet."""
UNICODE = EncodingFound("utf-8", "workbook", True, {})
"""The encoding of a workbook's cells: nothing has to be found out."""


def open_resource(
    path: Path,
    resource: Mapping[str, Any],
    destination: Path,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Opened | Finding:
    """Makes the CSV of a resource readable: `open_table` for a file, `open_workbook` for a workbook say how.

    `resource` is the descriptor's part: its path, format, media type and dialect count. Raises OSError.
    """
    if not is_workbook(resource):
        return open_table(path, str(resource.get("path", path.name)), destination, limits, progress)
    dialect = resource.get("dialect")
    made = open_workbook(
        path, dialect if isinstance(dialect, Mapping) else None, destination, limits or Limits(), progress
    )
    if isinstance(made, Finding):
        return made
    sheet, digest = made
    return Opened(destination, None, digest.size, digest.sha256, None, sheet)


def as_csv(resource: Mapping[str, Any], sheet: Sheet) -> dict[str, Any]:
    """The descriptor of a workbook's resource as one of the CSV that was made of a sheet.

    Rows that the dialect counts are the sheet's; the CSV begins where the sheet's first value is.
    """
    given = resource.get("dialect")
    declared = given if isinstance(given, Mapping) else {}
    dialect = {key: declared[key] for key in KEPT if key in declared}
    for key in ROWS:
        numbers = declared.get(key)
        if isinstance(numbers, list) and all(type(number) is int for number in numbers):
            dialect[key] = [number - sheet.row + 1 for number in numbers if number >= sheet.row] or None
    # Without a mark said, none is looked for: rows of a sheet that begin with # hold #N/A.
    return {**resource, "encoding": "utf-8", "dialect": {"commentChar": "", **dialect, **WRITTEN}}
