"""The tables that validation is measured on: ten typed columns with constraints and keys, of any size and shape."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "integer", "constraints": {"required": True, "unique": True, "minimum": 1}},
        {"name": "name", "type": "string", "constraints": {"required": True, "maxLength": 60}},
        {"name": "amount", "type": "number", "constraints": {"minimum": -1_000_000, "maximum": 1_000_000}},
        {"name": "day", "type": "date", "constraints": {"minimum": "2000-01-01"}},
        {"name": "at", "type": "datetime"},
        {"name": "active", "type": "boolean"},
        {"name": "kind", "type": "string", "constraints": {"enum": ["red", "green", "blue", "grün"]}},
        {"name": "share", "type": "number"},
        {"name": "mail", "type": "string", "constraints": {"pattern": "[a-z0-9.]+@[a-z]+\\.[a-z]{2,3}"}},
        {"name": "remark", "type": "string"},
    ],
    "primaryKey": ["id"],
}
WIDE: dict[str, Any] = {"fields": [{"name": f"c{number}", "type": "integer"} for number in range(5_000)]}
WORDS = ("quiet", "river", "Ærø", "Zürich", "hedgehog", "copper", "crème", "north", "seven", "paper", "of", "a", "line")
POOL = 20_000
"""Rows that differ in more than their number."""
Spoil = Callable[[random.Random, list[str]], list[str] | None]


def clean(_chance: random.Random, _cells: list[str]) -> list[str] | None:
    return None


def light(chance: random.Random, cells: list[str]) -> list[str] | None:
    """One row of 20,000 is wrong in some way."""
    if chance.random() > 0.00005:
        return None
    wrong = cells.copy()
    wrong[chance.randrange(9)] = "x?"
    return chance.choice([wrong, cells[:-1], [*cells, "more"], [""] * 10, ["1", *cells[1:]]])


def heavy(chance: random.Random, cells: list[str]) -> list[str] | None:
    """One row of 100 is wrong: the limit of errors comes early."""
    return None if chance.random() > 0.01 else [*cells[:2], "x?", *cells[3:]]


def unpadded(_chance: random.Random, cells: list[str]) -> list[str] | None:
    """Four of five rows have a date that is right but not written as dates are."""
    year, month, day = cells[3].split("-")
    return [*cells[:3], f"{year}-{int(month)}-{int(day)}", *cells[4:]]


def scientific(_chance: random.Random, cells: list[str]) -> list[str] | None:
    """Four of five rows have an amount that only the library can read: `-3.2e+04`."""
    return [*cells[:2], f"{float(cells[2]):.1e}", *cells[3:]] if int(cells[0]) % 5 else None


@dataclass(frozen=True, slots=True)
class Shape:
    """How a table is written, and what it is checked with."""

    says: str
    spoil: Spoil = clean
    delimiter: str = ","
    end: str = "\n"
    encoding: str = "utf-8"
    suffix: str = ""
    is_wide: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        return WIDE if self.is_wide else SCHEMA


SHAPES: dict[str, Shape] = {
    "clean": Shape("clean"),
    "light": Shape("lightly dirty: one row of 20,000", light),
    "heavy": Shape("heavily dirty: one row of 100, ends at the limit of 1,000 errors", heavy),
    "unpadded": Shape("unpadded dates in 4 of 5 rows", unpadded),
    "suspects": Shape("amounts as `-3.2e+04` in 4 of 5 rows, so all of them are suspects at first", scientific),
    "latin": Shape("`;`, CRLF, Latin-1 (decoding included)", clean, ";", "\r\n", "iso-8859-1"),
    "gzip": Shape("gzip (decompression included)", suffix=".gz"),
    "bom": Shape("BOM", encoding="utf-8-sig"),
    "wide": Shape("5,000 integer columns", is_wide=True),
}


def write(path: Path, shape: Shape, size: int) -> None:
    """Writes a file of at least `size` bytes of text; the same one always."""
    with path.open("wb") if not shape.suffix else gzip.open(path, "wb", compresslevel=1) as file:
        file.writelines((_wide if shape.is_wide else _rows)(shape, size))


def _rows(shape: Shape, size: int) -> Iterator[bytes]:
    chance = random.Random(1)
    pool = [_cells(chance, number) for number in range(POOL if size > 5_000_000 else 500)]
    parts = [_line(["\0", *cells[1:8], "\0", cells[9]], shape).split("\0") for cells in pool]
    yield _line([field["name"] for field in SCHEMA["fields"]], shape).encode(shape.encoding)
    encoding = "utf-8" if shape.encoding == "utf-8-sig" else shape.encoding
    written = number = 0
    while written < size:
        lines = []
        for _ in range(min(2_000, max(1, size // 300))):
            number += 1
            before, between, after = parts[number % len(parts)]
            mail = f"user{number}@example.org"
            cells = pool[number % len(pool)]
            wrong = (
                shape.spoil(chance, [str(number), *cells[1:8], mail, cells[9]]) if shape.spoil is not clean else None
            )
            lines.append(f"{before}{number}{between}{mail}{after}" if wrong is None else _line(wrong, shape))
        piece = "".join(lines).encode(encoding)
        written += len(piece)
        yield piece


def _wide(shape: Shape, size: int) -> Iterator[bytes]:
    chance = random.Random(1)
    yield _line([field["name"] for field in WIDE["fields"]], shape).encode()
    lines = [
        _line([str(chance.randrange(10**6)) for _ in WIDE["fields"]], shape).encode()
        for _ in range(min(50, size // 9**4))
    ]
    for number in range(size // len(lines[0])):
        yield lines[number % len(lines)]


def _cells(chance: random.Random, number: int) -> list[str]:
    words = chance.choices(WORDS, k=6)
    when = f"20{chance.randrange(10, 30)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"
    share = f"{chance.random():.6f}" if number % 7 else ""
    remark = f'{words[2]}, {words[3]} "{words[4]}"\n{words[5]}' if number % 5 == 0 else " ".join(words)
    return [
        "",
        f"{words[0]} {words[1]}",
        f"{chance.randrange(-(10**7), 10**7) / 100}",
        when,
        f"{when}T12:{number % 60:02}:00Z",
        "true" if number % 3 else "false",
        ("red", "green", "blue", "grün")[number % 4],
        share,
        "",
        remark,
    ]


def _line(cells: list[str], shape: Shape) -> str:
    return shape.delimiter.join(_quoted(cell, shape.delimiter) for cell in cells) + shape.end


def _quoted(cell: str, delimiter: str) -> str:
    if any(character in cell for character in (delimiter, '"', "\n")):
        return '"' + cell.replace('"', '""') + '"'
    return cell
