"""The rules of the checks in plain words, for publishers who never heard of a Table Schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

TITLES: Mapping[str, str] = {
    "type-error": "Values of the wrong type",
    "constraint-error": "Values that break a rule of their column",
    "missing-cell": "Rows with too few cells",
    "extra-cell": "Rows with too many cells",
    "blank-row": "Blank rows",
    "blank-label": "Columns without a name",
    "duplicate-label": "Columns with the same name",
    "incorrect-label": "Columns that are not those of the schema",
    "missing-label": "Columns that are missing",
    "extra-label": "Columns that the schema does not know",
    "primary-key": "Keys that are not unique",
    "foreign-key": "References that lead nowhere",
    "unique-error": "Values that should be unique",
    "encoding-error": "Bytes that are not text",
    "not-csv": "This is not a CSV",
    "empty-file": "The file is empty",
    "object-missing": "The file was never uploaded",
    "size-mismatch": "The file has another size than declared",
    "integrity": "The file is not what was declared",
    "schema-error": "The schema cannot be used",
    "abandoned": "We could not process this file",
}

_ARTICLES: Mapping[str, str] = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "date": "a date",
    "datetime": "a date and time",
    "time": "a time",
    "year": "a year",
    "yearmonth": "a year and month",
    "duration": "a duration",
    "object": "a JSON object",
    "array": "a JSON array",
    "geopoint": "a geographic point",
    "geojson": "GeoJSON",
    "string": "a text",
}
_CONSTRAINTS: Mapping[str, str] = {
    "required": "A value is required here.",
    "unique": "This value is in another row already.",
    "minimum": "Must be at least {}.",
    "maximum": "Must be at most {}.",
    "minLength": "Must have at least {} characters.",
    "maxLength": "Must have at most {} characters.",
    "pattern": "Must match the pattern {}.",
    "enum": "Must be one of {}.",
}
_TYPE = re.compile(r'type is "([a-z]+)/(.*)"$', re.DOTALL)
_CONSTRAINT = re.compile(r'constraint "(\w+)" is "(.*)"$', re.DOTALL)


def title_of(rule: str, given: object = None) -> str:
    """A heading for the problems of a rule."""
    return TITLES.get(rule) or (given if isinstance(given, str) and given else rule.replace("-", " ").capitalize())


def words_of(rule: str, message: str) -> str:
    """What is wrong with a cell or row, short, for its place stands beside it; else the message as it is."""
    explain = _EXPLAINED.get(rule)
    return (explain(message) if explain else None) or message


def _of_type(message: str) -> str | None:
    found = _TYPE.search(message)
    if found is None:
        return None
    kind, layout = found.groups()
    wanted = _ARTICLES.get(kind, kind)
    return f"This is not {wanted}." if layout in ("default", "") else f"This is not {wanted} (as {layout})."


def _of_constraint(message: str) -> str | None:
    found = _CONSTRAINT.search(message)
    if found is None or found[1] not in _CONSTRAINTS:
        return None
    return _CONSTRAINTS[found[1]].format(found[2])


_EXPLAINED: Mapping[str, Callable[[str], str | None]] = {
    "type-error": _of_type,
    "constraint-error": _of_constraint,
    "missing-cell": lambda _: "The row ends before this column.",
    "extra-cell": lambda _: "The row has more cells than there are columns.",
    "blank-row": lambda _: "The row is blank.",
}
