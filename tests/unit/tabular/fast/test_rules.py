"""Every accept rule against frictionless' own cell reader: what the kernel lets pass, the reader must have accepted."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import frictionless.fields
import numpy as np
import pytest
from frictionless import Schema, system

from tabular.dialect import Dialect
from tabular.fast.accept import AcceptSet
from tabular.fast.layout import FIRST, FOUND, NO_KEY, PADDING, ROW
from tabular.fast.native import kernel
from tabular.fast.plan import Key, Reader, Table, build_plan, preload
from tabular.fast.rules import Rule, part_of, rule_of
from tabular.fast.sweep import fresh_results
from tests.unit.tabular.fast.cases import CELLS, FORMATS, STRINGS

SIGNS = [*"0123456789", *"+-.,:/TZ eE_", "\t", "\n", "\xa0", "٣", "é", "a", "x", "%", "$", "'", "nan", "00", "-1"]


@dataclass(frozen=True, slots=True)
class Column:
    """One field, alone in its table, as the pass sees it."""

    rule: Rule
    reader: Reader
    accepts: AcceptSet

    @classmethod
    def of(cls, descriptor: dict[str, Any], keyed: bool = False, missing: tuple[str, ...] = ("",)) -> Column:
        field = Schema.from_descriptor(
            {"fields": [{"name": "f", **descriptor}], "missingValues": list(missing)}, datapackage_version="v2"
        ).fields[0]
        rule = rule_of(field, keyed)
        keys = [Key((0,), False)] if keyed else []
        plan = build_plan([rule], keys, Dialect(header_rows=()))
        table = Table([rule], [field.create_cell_reader()], keys, plan, AcceptSet())
        preload(table, 0)
        return cls(rule, table.readers[0], table.accepts)

    def passed(self, cells: list[str], quote: str = '"') -> tuple[set[int], list[int]]:
        """The numbers of the cells that are proven, and all their keys."""
        keys = [Key((0,), False)] if self.rule.keyed else []
        plan = build_plan([self.rule], keys, Dialect(header_rows=()))
        text = "".join(quote + cell.replace('"', '""') + quote + "\n" for cell in cells).encode()
        buffer = np.full(len(text) + PADDING, 10, np.uint8)
        buffer[: len(text)] = np.frombuffer(text, np.uint8)
        results = fresh_results(len(keys), len(cells) + 2)
        results.state[FIRST] = 1
        end = kernel().walk(
            buffer, np.zeros(len(buffer), np.uint8), 0, len(text), True, plan, self.accepts.arrays, results
        )
        assert end == len(text)
        suspects = {int(entry[ROW]) for entry in results.suspects[: results.state[FOUND]]}
        numbers = results.keys[0, : len(cells)].tolist() if keys else []
        return set(range(len(cells))) - suspects, numbers


def mutants(chance: random.Random, cells: Iterable[str], count: int) -> list[str]:
    """Cells and what becomes of them when characters are lost, added, doubled or replaced."""
    made = list(cells)
    sources = list(made)
    while len(made) < count:
        cell = chance.choice(sources)
        for _ in range(chance.choice([1, 1, 2, 3])):
            at = chance.randrange(len(cell) + 1)
            cell = cell[:at] + chance.choice([*SIGNS, ""]) + cell[at + chance.randrange(2) :]
        made.append(cell)
    return made


def neighbours(bound: Any) -> list[str]:
    """Texts of the bound, just below and just above it, and of what would be it modulo 2 ** 64."""
    try:
        value = Decimal(str(bound))
    except ArithmeticError:
        return [str(bound)]
    if not value.is_finite():
        return [str(bound)]
    steps: list[Any] = [0, 1, -1, "0.1", "-0.1", "1e-17", 2**64, -(2**64), 2**63, 10**18]
    return [str(bound), *(format(value + Decimal(step), "f") for step in steps)]


def days() -> Iterator[tuple[str, str, str]]:
    """Year, month, day at and around every edge of the calendar."""
    for year in ("0000", "0001", "1900", "2000", "2023", "2024", "9999"):
        for month in range(14):
            for day in (0, 1, 28, 29, 30, 31, 32):
                yield year, f"{month:02}", f"{day:02}"


def calendar(chance: random.Random) -> list[str]:
    """Dates and times in several shapes, with clocks and zones at and around the edges of what there is."""
    made = []
    for year, month, day in days():
        clock = ":".join(f"{chance.choice([0, 9, 10, 23, 24, 59, 60, 61]):02}" for _ in range(3))
        zone = chance.choice(["", "", "Z", "+00:00", "-23:59", "+24:00", ".5", ".123456Z", ".1234567", "+0100", "z"])
        made += [f"{year}-{month}-{day}", f"{day}/{month}/{year}", f"{year}{month}{day}", f"{year}-{month}"]
        made += [f"{year}-{month}-{day}T00:00:00", f"{year}-{month}-{day} 23:59:59"]
        made += [f"{year}-{month}-28T{clock}{zone}", f"{clock}{zone}", clock]
        made += [f"{year}-{int(month)}-{int(day)}", f"{int(day)}/{int(month)}/{year}", f"{year}-{int(month)}"]
        made += [f"{year}-{int(month)}-{day} {clock.replace('0', '', 1)}", f"{year}{int(month)}{int(day)}"]
    return made


FIELDS: list[dict[str, Any]] = [
    {"type": "integer"},
    {"type": "integer", "bareNumber": False},
    {"type": "integer", "constraints": {"minimum": 0, "maximum": "50"}},
    {"type": "integer", "constraints": {"enum": [1, 7, "42"]}},
    {"type": "number"},
    {"type": "number", "bareNumber": False},
    {"type": "number", "decimalChar": ","},
    {"type": "number", "groupChar": ","},
    {"type": "number", "groupChar": " ", "decimalChar": ","},
    {"type": "number", "groupChar": "1"},
    {"type": "number", "decimalChar": "1"},
    {"type": "number", "constraints": {"minimum": "0.10", "maximum": 42}},
    {"type": "number", "constraints": {"minimum": "-2.25", "maximum": "99999999999999999.95"}},
    {"type": "number", "constraints": {"minimum": "1e30"}},
    {"type": "number", "constraints": {"maximum": "1e30"}},
    {"type": "boolean"},
    {"type": "boolean", "trueValues": ["yes", "1"], "falseValues": ["no"]},
    {"type": "string"},
    {"type": "string", "constraints": {"minLength": 2, "maxLength": 4}},
    {"type": "string", "constraints": {"maxLength": 0}},
    {"type": "string", "constraints": {"pattern": "[a-z]{1,3}|x.*"}},
    {"type": "string", "constraints": {"pattern": "^[a-z]{1,3}$"}},
    {"type": "string", "constraints": {"pattern": "^(a|ab)+|[0-9]+$"}},
    {"type": "string", "constraints": {"pattern": r"\d+(\.\d+)?"}},
    {"type": "string", "constraints": {"pattern": r"[^\W\d]*\s?.{0,2}"}},
    {"type": "string", "constraints": {"pattern": r"[\w@. -]{3,30}"}},
    {"type": "string", "constraints": {"enum": ["a", "abc", "déjà"]}},
    {"type": "string", "format": "email"},
    {"type": "string", "format": "uuid"},
    {"type": "any"},
    {"type": "date"},
    {"type": "date", "format": "%d/%m/%Y"},
    {"type": "date", "format": "%Y%m%d"},
    {"type": "date", "format": "%Y-%m-%d %H:%M:%S"},
    {"type": "date", "format": "any"},
    {"type": "date", "constraints": {"minimum": "2000-02-29", "maximum": "2023-12-31"}},
    {"type": "datetime"},
    {"type": "datetime", "format": "%Y-%m-%d %H:%M:%S"},
    {"type": "datetime", "format": "%d/%m/%Y"},
    {"type": "datetime", "constraints": {"minimum": "2000-01-01T00:00:00", "maximum": "2023-12-31T23:59:59"}},
    {"type": "time"},
    {"type": "time", "format": "%H:%M"},
    {"type": "time", "constraints": {"minimum": "09:09:09", "maximum": "23:00:00"}},
    {"type": "year"},
    {"type": "year", "constraints": {"minimum": 1900, "maximum": "2020"}},
    {"type": "yearmonth"},
    {"type": "yearmonth", "constraints": {"minimum": "2000-02"}},
    {"type": "duration"},
    {"type": "geopoint"},
]


EDGES: dict[str, list[Any]] = {
    "integer": [0, "7", "-1", 999999999999999999, "9223372036854775807", "-9223372036854775808", "1" + "0" * 30],
    "number": ["0", "1.5", "-2.25", "0.10", "99999999999999999.9", "1e-20", "-1e30", "NaN", "Infinity"],
    "date": ["2020-02-29", "0001-01-01", "9999-12-31"],
    "datetime": ["2020-01-05T10:11:12", "2020-01-05T10:11:12.5", "2020-01-05T10:11:12Z", "2020-01-05T10:11:12+02:00"],
    "time": ["10:11:12", "23:59:59", "10:11:12.5", "10:11:12Z"],
    "year": [2020, "0000", "9999"],
    "yearmonth": ["2020-01", "0001-12"],
}
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
PATTERNS = ["[a-z]+", "a|b", ".*", "[^x]{2,3}", "(ab)?c", "é+", r"\\d+"]
LISTED: dict[str, list[Any]] = {"boolean": [True, "0"], "any": ["1", "x,y"], "string": ["a", "déjà", ""]}


def values_of(kind: str, constraint: str) -> list[Any]:
    """Values of a constraint to try, at the edges of what the kernel can prove."""
    if constraint in BOUNDS:
        return EDGES[kind]
    if constraint == "enum":
        return [LISTED.get(kind) or EDGES.get(kind) or CELLS[kind][:3]]
    others: dict[str, list[Any]] = {
        "required": [True],
        "minLength": [0, 1, 2],
        "maxLength": [0, 1, 4],
        "pattern": PATTERNS,
    }
    return others[constraint]


def every_field() -> Iterator[dict[str, Any]]:
    """Every type in every format with every constraint that the library knows for it."""
    for kind in CELLS:
        for format in sorted(
            {*FORMATS.get(kind, ["default"])} - {"wkt"}
        ):  # the library reads that with another library
            yield {"type": kind, "format": format}
            for constraint in system.select_field_class(kind).supported_constraints:
                for value in values_of(kind, constraint):
                    yield {"type": kind, "format": format, "constraints": {constraint: value}}


EVERY = list(every_field())


def test_every_type_of_the_library_is_among_them() -> None:
    known = {name for name in vars(frictionless.fields) if name.endswith("Field")}
    assert {f"{kind.capitalize()}Field" for kind in CELLS} == known


@pytest.mark.parametrize("field", EVERY, ids=str)
def test_whatever_is_asked_of_a_field_what_is_proven_is_accepted(field: dict[str, Any]) -> None:
    column = Column.of(field)
    cells = candidates(field, 600)
    for index in column.passed(cells)[0]:
        _, notes = column.reader(cells[index])
        assert not notes, cells[index]


@pytest.mark.parametrize("field", FIELDS, ids=str)
@pytest.mark.parametrize("missing", [("",), ("", "1", "2020-01-05", "abc"), ()], ids=["blank", "listed", "none"])
def test_what_is_proven_is_accepted_by_the_library(field: dict[str, Any], missing: tuple[str, ...]) -> None:
    column = Column.of(field, missing=missing)
    for cell, value, notes in proven(column, field):
        assert not notes, cell
        assert value is not None, cell


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_a_key_has_the_number_of_its_value(field: dict[str, Any]) -> None:
    column = Column.of(field, keyed=True)
    cells = candidates(field)
    passed, numbers = column.passed(cells)
    for index in passed:
        value, _ = column.reader(cells[index])
        number = part_of(column.rule, value, lambda text: column.accepts.number(text, column.accepts.seed))
        assert numbers[index] == number, cells[index]
        assert number != NO_KEY


@pytest.mark.parametrize("field", [{"type": "integer"}, {"type": "number"}, {"type": "date"}, {"type": "datetime"},
                                   {"type": "string"}, {"type": "time"}, {"type": "yearmonth"}], ids=str)  # fmt: skip
def test_equal_values_have_equal_numbers_however_they_are_written(field: dict[str, Any]) -> None:
    column = Column.of(field, keyed=True)
    numbers: dict[Any, int] = {}
    for cell in candidates(field):
        value, _ = column.reader(cell)
        if value is None or "nan" in str(value).lower():
            continue
        number = part_of(column.rule, value, lambda text: column.accepts.number(text, column.accepts.seed))
        assert numbers.setdefault(value, number) == number, cell


@pytest.mark.parametrize("kind", ["integer", "number"])
@pytest.mark.parametrize("name", BOUNDS)
def test_what_has_few_digits_is_within_its_bounds(kind: str, name: str) -> None:
    edges = sorted({sign * (10**power + step) for power in range(19) for step in (-1, 0, 1) for sign in (1, -1)})
    cells = [f"{edge}{tail}" for edge in edges for tail in ("", ".0", ".9", ".99999", ".", "x", "-")]
    cells += ["-0", "-0.0", "00", "007", "-", "--1", "1-", ".5", "-.5", "1.2.3", "1,5", "1" * 19, "0." + "9" * 17]
    for bound in edges:
        column = Column.of({"type": kind, "constraints": {name: bound}})
        passed = column.passed(cells, "")[0]
        assert passed == column.passed(cells)[0]
        for index in passed:
            assert not column.reader(cells[index])[1], (bound, cells[index])


@pytest.mark.parametrize(
    ("field", "cells"),
    [
        ({"type": "integer"}, ["0", "-1", "999999999999999999", "007"]),
        ({"type": "number"}, ["1", "1.50", "-0.001", "0000"]),
        ({"type": "number", "decimalChar": ","}, ["1,5"]),
        ({"type": "integer", "constraints": {"minimum": 1, "maximum": 3}}, ["1", "2", "3"]),
        ({"type": "number", "constraints": {"minimum": "0.1"}}, ["0.1", "0.10", "1"]),
        ({"type": "date"}, ["2020-02-29", "2020-1-05", "2020-01-5", "2020-2-9"]),
        ({"type": "date", "format": "%d.%m.%Y"}, ["29.02.2020", "1.2.2020"]),
        ({"type": "datetime", "format": "%d/%m/%Y %H:%M"}, ["1/2/2020 3:04", "29/02/2020 13:4"]),
        ({"type": "datetime"}, ["2020-02-29T10:11:12", "2020-02-29T10:11:12.5Z", "2020-02-29T10:11:12+02:00"]),
        ({"type": "time"}, ["10:11:12"]),
        ({"type": "year"}, ["2020"]),
        ({"type": "yearmonth"}, ["2020-12", "2020-1"]),
        ({"type": "boolean"}, ["true", "0"]),
        ({"type": "string", "constraints": {"pattern": "[a-z]+@[a-z]+"}}, ["me@there"]),
        ({"type": "string", "constraints": {"minLength": 2, "maxLength": 2}}, ["ab", "日本", "éé"]),
        ({"type": "string", "constraints": {"enum": ["a", "é"]}}, ["a", "é"]),
    ],
    ids=str,
)
def test_common_cells_are_proven_without_the_library(field: dict[str, Any], cells: list[str]) -> None:
    assert Column.of(field).passed(cells)[0] == set(range(len(cells)))


def candidates(field: dict[str, Any], count: int = 2_000) -> list[str]:
    """Cells for a field; the same ones in every run."""
    chance = random.Random(str(field))
    kind = field["type"]
    constraints = field.get("constraints") or {}
    bounds = [near for name in BOUNDS if name in constraints for near in neighbours(constraints[name])]
    own = [*CELLS[kind], *STRINGS.get(field.get("format", ""), []), *constraints.get("enum", []), *bounds]
    dates = calendar(chance) if kind in ("date", "datetime", "time", "year", "yearmonth") else []
    return [*dates, *mutants(chance, [*map(str, own), *CELLS["string"], *dates[::40]], count)]


def proven(column: Column, field: dict[str, Any]) -> Iterable[tuple[str, Any, Any]]:
    """(cell, value, notes) of the library, for each cell that the kernel lets pass."""
    cells = candidates(field)
    for index in column.passed(cells)[0]:
        yield (cells[index], *column.reader(cells[index]))
