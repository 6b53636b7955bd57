"""The rules of the checks in plain words, for publishers who never heard of a Table Schema: what is wrong, what to do.

An error of frictionless says the rule in its `type`, and in its `note` which type or constraint is not met; that one is
called the *kind* here: `integer`, `minimum`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

TITLES: Mapping[str, str] = {
    "type-error": "Values of the wrong type",
    "constraint-error": "Values that break a rule of their column",
    "missing-cell": "Rows with too few cells",
    "extra-cell": "Rows with too many cells",
    "blank-row": "Blank rows",
    "blank-header": "The header is blank",
    "blank-label": "Columns without a name",
    "duplicate-label": "Columns with the same name",
    "incorrect-label": "Columns that are not those of the schema",
    "missing-label": "Columns that are missing",
    "extra-label": "Columns that the schema does not know",
    "primary-key": "Keys that are not unique",
    "foreign-key": "References that lead nowhere",
    "unique-error": "Values that should be unique",
    "unique-key": "Unique keys that come twice",
    "encoding-error": "Bytes that are not text",
    "not-csv": "This is not a CSV",
    "nul-byte": "Bytes that no text has",
    "unterminated-quote": "A quote that is never closed",
    "cell-too-large": "A cell is too large",
    "row-too-large": "A row is too large",
    "too-many-columns": "Too many columns",
    "empty-file": "The file is empty",
    "not-a-workbook": "This is not a workbook",
    "workbook-format": "A workbook of another format",
    "workbook-encrypted": "The workbook is protected by a password",
    "workbook-damaged": "The workbook is damaged",
    "sheet-not-found": "There is no such sheet",
    "sheet-empty": "The sheet is empty",
    "sheet-too-large": "The sheet is too large",
    "no-sheets": "A workbook without sheets",
    "formula-without-value": "Formulas without a stored value",
    "object-missing": "The file was never uploaded",
    "size-mismatch": "The file has another size than declared",
    "integrity": "The file is not what was declared",
    "schema-error": "The schema cannot be used",
    "uncheckable": "A value that cannot be compared",
    "abandoned": "We could not process this file",
}

_NOUNS: Mapping[str, str] = {
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
    "list": "a list",
    "geopoint": "a geographic point",
    "geojson": "GeoJSON",
    "string": "a text",
}
_CONSTRAINTS: Mapping[str, str] = {
    "required": "A value is required here.",
    "unique": "This value is in another row already.",
    "minimum": "Must be at least {}.",
    "maximum": "Must be at most {}.",
    "exclusiveMinimum": "Must be more than {}.",
    "exclusiveMaximum": "Must be less than {}.",
    "minLength": "Must have at least {} characters.",
    "maxLength": "Must have at most {} characters.",
    "pattern": "Must match the pattern {}.",
    "enum": "Must be one of {}.",
}
_SENTENCES: Mapping[str, str] = {
    "missing-cell": "The row ends before this column.",
    "extra-cell": "The row has more cells than there are columns.",
    "blank-row": "The row is blank.",
    "blank-header": "The header row has no names.",
    "blank-label": "The column has no name.",
    "duplicate-label": "Another column has this name already.",
    "missing-label": "The schema has this column, the file has not.",
    "extra-label": "The file has this column, the schema has not.",
    "incorrect-label": "The schema has another name at this place.",
}
_ADVICE: Mapping[str, str] = {
    "type-error": "Correct the cells, or give the column another type in the schema. Values that stand for “unknown” "
    "belong in its missingValues.",
    "constraint-error": "Correct the cells, or change the constraint in the schema.",
    "missing-cell": "Add the missing cells (an unknown value is an empty cell), or look for a line break inside a cell "
    "that is not in quotes.",
    "extra-cell": "Put cells that have the delimiter in them in quotes, or remove the delimiter at the line's end.",
    "blank-row": "Remove the blank rows.",
    "blank-header": "Name the columns in the first row, or say header: false in the dialect.",
    "blank-label": "Name every column in the header, or remove the empty column.",
    "duplicate-label": "Give every column a name of its own.",
    "incorrect-label": "Use the schema's names in the schema's order, or correct the schema.",
    "missing-label": "Add the column, or take the field out of the schema.",
    "extra-label": "Remove the column, or describe it in the schema.",
    "primary-key": "Remove the rows that repeat a key, fill in blank keys, or correct primaryKey in the schema.",
    "foreign-key": "Add the missing rows to the table that is referred to, or correct the references.",
    "unique-error": "Remove or correct the rows that repeat a value, or take the constraint out of the schema.",
    "unique-key": "Remove or correct the rows that repeat a key, or take it out of uniqueKeys in the schema.",
    "encoding-error": "Save the file as UTF-8, or declare its encoding in the descriptor.",
    "not-csv": "Export the table as CSV.",
    "nul-byte": "Export the file again as UTF-8: this one is damaged, or is no text.",
    "unterminated-quote": "Close the quote; a quote inside a quoted cell is written twice.",
    "schema-error": "Correct the schema in the descriptor.",
    "uncheckable": "Correct the value, or write the schema's bounds as the column's values are written.",
}
_ADVICE_ON_KINDS: Mapping[str, str] = {
    "integer": "Write digits only: no decimals, thousands separators, units or remarks. Numbers with decimals have the "
    "type number.",
    "number": "Write numbers like 1234.5; other separators are declared by decimalChar and groupChar, and units by "
    "bareNumber: false.",
    "boolean": "Write true or false, or declare other words as trueValues and falseValues.",
    "date": "Write dates like 2026-01-31, or declare how they are written as the field's format, such as %d/%m/%Y.",
    "datetime": "Write moments like 2026-01-31T23:59:00Z, or declare the field's format.",
    "time": "Write times like 23:59:00, or declare the field's format.",
    "year": "Write years with four digits.",
    "yearmonth": "Write months like 2026-01.",
    "required": "Fill in the blank cells, or take required out of the schema.",
    "enum": "Use one of the listed values exactly, or add the new ones to the schema.",
    "pattern": "Correct the cells, or the pattern in the schema.",
}
_TYPE = re.compile(r'type is "([a-z]+)/(.*)"$', re.DOTALL)
_CONSTRAINT = re.compile(r'constraint "(\w+)" is "(.*)"$', re.DOTALL)
_POSITION = re.compile(r"^the same as in the row at position (\d+)$")
_UNKNOWN = " Unknown values are left empty, or listed as missingValues."


def title_of(rule: str, given: object = None) -> str:
    """A heading for the problems of a rule; `given` is what its own report calls it."""
    return TITLES.get(rule) or (given if isinstance(given, str) and given else rule.replace("-", " ").capitalize())


@lru_cache(1_000)
def kind_of(rule: str, note: str) -> str | None:
    """The type or constraint that is not met, where the rule is about one."""
    if rule == "type-error":
        found = _TYPE.search(note)
        return found[1] if found else None
    found = _CONSTRAINT.search(note) if rule == "constraint-error" else None
    return found[1] if found else None


@lru_cache(1_000)
def sentence_of(rule: str, note: str, message: str = "") -> str:
    """What is wrong with a cell, row or column, short, for its place stands beside it; else `message`, else `note`."""
    if rule == "type-error" and (found := _TYPE.search(note)):
        wanted = _NOUNS.get(found[1], found[1])
        return f"This is not {wanted}." if found[2] in ("default", "") else f"This is not {wanted} (as {found[2]})."
    if rule == "constraint-error" and (found := _CONSTRAINT.search(note)) and found[1] in _CONSTRAINTS:
        return _CONSTRAINTS[found[1]].format(found[2])
    if rule == "unique-error" and (found := _POSITION.search(note)):
        return f"This value is in row {int(found[1]):,} already."
    if rule == "primary-key":
        found = _POSITION.search(note)
        return f"Row {int(found[1]):,} has this key already." if found else "The key is blank."
    return _SENTENCES.get(rule) or message or note


def advice_on(rule: str, kind: str | None = None) -> str | None:
    """What a publisher can do about the problems of a rule; None where only the message says."""
    if kind and kind in _ADVICE_ON_KINDS:
        return _ADVICE_ON_KINDS[kind] + (_UNKNOWN if rule == "type-error" else "")
    return _ADVICE.get(rule)
