"""In place of frictionless' package: the tables that a table's foreign keys are looked up in, and nothing else.

The library asks for a copy of each and reads the fields of the key from all its rows; the rest of a row is never read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from tabular.descriptor import clean_schema
from tabular.dialect import Dialect
from tabular.finding import Finding
from tabular.foreignkeys import SELF, Referenced, References, foreign_keys
from tabular.library import table_resource
from tabular.rows import read_labels


def siblings_of(
    folder: Path, own: Referenced, name: str, references: References, schema: Mapping[str, Any]
) -> Siblings | None:
    """Those of the table `own`, which is called `name` and whose cleaned `schema` may have foreign keys; None where it
    has none. Links are made in `folder`."""
    if not schema.get("foreignKeys"):
        return None
    tables = {key: table for key, table in references.items() if isinstance(table, Referenced)}
    return Siblings(folder, {**tables, name: own, SELF: own}, schema)


class Siblings:
    """`tables` are by the name that the keys say, the referring table itself among them. Links are made in `folder`.

    `is_fed`: somebody else looks the keys up, and the library is to read nothing.
    """

    basepath = None

    def __init__(self, folder: Path, tables: Mapping[str, Referenced], schema: Mapping[str, Any]) -> None:
        self.is_fed = False
        self._folder, self._tables = folder, tables
        self._fields = {field["name"]: field for field in schema["fields"]}
        self._keys = [key for key in foreign_keys(schema) if key is not None and key.resource in tables]

    @cached_property
    def name(self) -> str:
        """A name for the referring table that is no other's: by its name the library would know it as itself."""
        name = "table"
        while name in self._tables:
            name += "-"
        return name

    def has_resource(self, name: str) -> bool:
        """Hook of the library."""
        return name in self._tables

    def get_resource(self, name: str) -> _Original:
        """Hook of the library."""
        return _Original(self, name)

    def path(self, name: str) -> Path:
        """Where the text of a table is."""
        return self._tables[name].path

    def table(self, name: str) -> Any:
        """The library's resource of a table, of which the fields of keys are read. Raises FrictionlessException."""
        table = self._tables[name]
        link = self._folder / f"referenced-{list(self._tables).index(name)}.csv"
        if not link.is_symlink():
            link.symlink_to(table.path.absolute())
        dialect = Dialect.from_descriptor(table.dialect)
        return table_resource(self._folder, link.name, self._schema(name, table, dialect), table.encoding, dialect)

    def _schema(self, name: str, table: Referenced, dialect: Dialect) -> dict[str, Any]:
        """The fields of keys without what constrains them; the others may hold anything."""
        wanted: dict[str, Any] = {}
        for key in self._keys:
            if key.resource == name:
                wanted |= {
                    there: self._fields.get(here, {}) for here, there in zip(key.fields, key.reference, strict=True)
                }
        if table.schema is None:
            fields = [
                {**wanted.get(label, {}), "name": label} for label in read_labels(table.path, dialect, table.encoding)
            ]
            return {"fields": [_bare(field, field["name"] in wanted) for field in fields]}
        cleaned = clean_schema(table.schema)
        assert not isinstance(cleaned, Finding), "found out before"
        schema = {key: value for key, value in cleaned.schema.items() if key in ("missingValues", "fieldsMatch")}
        return schema | {"fields": [_bare(field, field["name"] in wanted) for field in cleaned.schema["fields"]]}


class _Original:
    def __init__(self, siblings: Siblings, name: str) -> None:
        self._siblings, self._name = siblings, name

    def to_copy(self) -> _Copy:
        """Hook of the library."""
        return _Copy(None if self._siblings.is_fed else self._siblings.table(self._name))


class _Copy:
    """What the library takes for the referenced resource."""

    schema = None

    def __init__(self, table: Any) -> None:
        self._table = table

    def __enter__(self) -> Self:
        if self._table is not None:
            self._table.open()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._table is not None:
            self._table.close()

    @property
    def row_stream(self) -> Iterator[_Values]:
        """Hook of the library."""
        return iter(()) if self._table is None else map(_Values, self._table.row_stream)


class _Values:
    def __init__(self, row: Any) -> None:
        self._row = row

    def get(self, name: str) -> Any:
        """Hook of the library: a value that a set can hold. One that it cannot equals nothing."""
        return findable(self._row.get(name))


def findable(value: Any) -> Any:
    """The value, or, where it has no hash, one that equals nothing: a signaling NaN, an array, an object, a moment
    whose zone is a day or more away."""
    try:
        hash(value)
    except (TypeError, ValueError):
        return float("nan")
    return value


def _bare(field: Mapping[str, Any], is_wanted: bool) -> dict[str, Any]:
    if not is_wanted:
        return {"name": field["name"], "type": "any", "missingValues": []}
    return {key: value for key, value in field.items() if key != "constraints"}
