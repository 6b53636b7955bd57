"""Random packages whose tables refer to one another and to themselves, made from a number."""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass
from typing import Any

CELLS: dict[str, list[str]] = {
    "integer": ["1", "2", "3", "007", " 4", "+2", "5", "99", "12345678901234567890", "x"],
    "number": ["1", "1.0", "2.50", "2.5", "3e0", "NaN", "inf", "4", "0.1", "x", "12345678901234567890.0"],
    "boolean": ["true", "false", "1", "0", "maybe"],
    "string": ["1", "2", "a", "b", "é", "NA", "abcdefghij", "abcdefghik", "2020", "2020-01-05", ""],
    "any": ["1", "2", "a", "b", "2020"],
    "date": ["2020-01-05", "2020-1-5", "2021-12-31", "05.01.2020"],
    "datetime": [
        "2020-01-05T00:00:00", "2020-01-05T00:00:00Z", "2020-01-05T02:00:00+02:00", "2020-01-05T00:00:00.5", "x",
    ],
    "time": ["10:11:12", "10:11:12Z", "12:11:12+02:00", "10:11:12.5", "x"],
    "year": ["2020", "0001", "1999", "+202", "x"],
    "yearmonth": ["2020-01", "2020-1", "2021-12", "x"],
    "duration": ["P1D", "PT24H", "P1Y", "P12M", "x"],
}  # fmt: skip
NUMERIC, TEXTUAL = ["integer", "number", "year", "boolean"], ["string", "any"]


@dataclass(frozen=True, slots=True)
class Package:
    """Descriptors of resources, with the bytes of each file by its name."""

    resources: list[dict[str, Any]]
    data: dict[str, bytes]
    errors: int
    piece: int


def package(seed: int) -> Package:
    """The package of a number; the same one always."""
    return _Maker(random.Random(seed)).package()


class _Maker:
    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._names = ["cities", "people", "table"][: chance.choice([2, 2, 3])]

    def _one_in(self, count: int) -> bool:
        return self._chance.randrange(count) == 0

    def package(self) -> Package:
        chance = self._chance
        schemas = {name: self._schema() for name in self._names}
        for name in self._names:
            self._refer(name, schemas)
        data = {name: self._file(schemas[name]) for name in self._names}
        resources = [
            {"name": name, "type": "table", "path": f"{name}.csv", "schema": schemas[name]} for name in self._names
        ]
        return Package(resources, data, chance.choice([1000, 1000, 5, 1]), chance.choice([64, 1000, 1_000_000]))

    def _schema(self) -> dict[str, Any]:
        chance = self._chance
        kinds = chance.choice([NUMERIC, TEXTUAL, list(CELLS)])
        fields: list[dict[str, Any]] = [
            {"name": f"f{number}", "type": chance.choice(kinds)} for number in range(chance.choice([2, 3, 4]))
        ]
        for field in fields:
            if self._one_in(6) and field["type"] != "duration":
                field["constraints"] = chance.choice([{"required": True}, {"unique": True}, {"enum": ["1", "2"]}])
                if field["type"] not in ("string", "any", "integer", "number"):
                    field["constraints"].pop("enum", None)
        schema: dict[str, Any] = {"fields": fields}
        if self._one_in(3):
            schema["missingValues"] = chance.choice([["", "NA"], ["1"], ["NA"], []])
        if self._one_in(3):
            schema["primaryKey"] = chance.sample([field["name"] for field in fields], chance.choice([1, 2]))
        return schema

    def _refer(self, name: str, schemas: dict[str, dict[str, Any]]) -> None:
        chance = self._chance
        keys = []
        for _ in range(chance.choice([0, 1, 1, 2, 3])):
            other = chance.choice([*self._names, ""])
            here, there = schemas[name]["fields"], schemas[other or name]["fields"]
            count = chance.choice([1, 1, 1, 2])
            fields, reference = chance.sample(here, count), chance.sample(there, count)
            if not self._one_in(4):  # alike, so that some rows have what they refer to
                for mine, its in zip(fields, reference, strict=True):
                    mine["type"] = its["type"]
                    mine.pop("constraints", None)
            names = [field["name"] for field in reference]
            if self._one_in(12):
                names[0] = "nowhere"
            keys.append(
                {"fields": [field["name"] for field in fields], "reference": {"resource": other, "fields": names}}
            )
        if keys:
            schemas[name]["foreignKeys"] = keys

    def _file(self, schema: dict[str, Any]) -> bytes:
        chance = self._chance
        fields = schema["fields"]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator=chance.choice(["\n", "\r\n"]))
        header = [field["name"] for field in fields]
        if self._one_in(12):
            header = chance.choice([header[:-1], header[::-1], [*header, "more"]])
        writer.writerow(header)
        tidy = chance.choice([2, 4, 100])
        for _ in range(chance.choice([0, 1, 5, 30, 300])):
            cells = [self._cell(field["type"], tidy) for field in fields]
            if self._one_in(40):
                cells = chance.choice([cells[:-1], [*cells, "extra"], [""] * len(cells), []])
            writer.writerow(cells)
        return text.getvalue().encode()

    def _cell(self, kind: str, tidy: int) -> str:
        if self._one_in(10):
            return ""
        return self._chance.choice(CELLS[kind][:tidy])
