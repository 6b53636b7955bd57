"""Tables of random columns, and how they are written down."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.kinds.words import Words

KINDS = ("integer", "decimal", "date", "time", "text", "code", "group", "address", "boolean")
Cell = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Truth:
    """What a file is, and what a reader must find in it: `header` is joined from its rows, `rows` are data."""

    delimiter: str
    quote: str | None
    escape: str | None
    header_rows: tuple[int, ...]
    skipped: int
    comment: str | None
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Writing:
    """How cells become text. `quote` None: no cell is ever quoted; `escape`: instead of doubling."""

    delimiter: str = ","
    quote: str | None = '"'
    escape: str | None = None
    always: bool = False
    end: str = "\n"

    def line(self, cells: Sequence[str]) -> str:
        """One record, its end included."""
        return self.delimiter.join(map(self._cell, cells)) + self.end

    def _cell(self, cell: str) -> str:
        needed = any(mark in cell for mark in (self.delimiter, "\n", "\r", self.quote or "\n"))
        if self.quote is None:
            return cell if self.escape is None else cell.replace(self.delimiter, self.escape + self.delimiter)
        if not (needed or self.always):
            return cell
        inner = cell if self.escape is None else cell.replace(self.escape, self.escape * 2)
        return self.quote + inner.replace(self.quote, (self.escape or self.quote) + self.quote) + self.quote


@dataclass(slots=True)
class Table:
    """A header of one or more records, and rows."""

    header: list[list[str]]
    rows: list[list[str]] = field(default_factory=list)

    @property
    def joined(self) -> tuple[str, ...]:
        """The header's records as one, as frictionless joins them."""
        names = list(self.header[0]) if self.header else []
        for above, record in zip(self.header, self.header[1:], strict=False):
            names = [
                name if old == new else f"{name} {new}" for name, old, new in zip(names, above, record, strict=True)
            ]
        return tuple(names)


@dataclass(frozen=True, slots=True)
class Maker:
    """Random tables of some words."""

    chance: random.Random
    words: Words

    def kinds(self, count: int) -> list[str]:
        """Kinds of columns, at least one of them measured."""
        kinds = [self.chance.choice(KINDS) for _ in range(count)]
        if not {"decimal", "date", "integer"} & set(kinds):
            kinds[self.chance.randrange(count)] = self.chance.choice(("decimal", "date", "integer"))
        return kinds

    def table(self, kinds: Sequence[str], rows: int) -> Table:
        """A table of such columns, each with a name of its own."""
        header: list[str] = []
        for kind in kinds:
            name = self.chance.choice(self.words.names[kind.removesuffix(" comma")])
            header.append(name if name not in header else f"{name} {len(header)}")
        cells = [self._column(kind) for kind in kinds]
        return Table([header], [[cell() for cell in cells] for _ in range(rows)])

    def _column(self, kind: str) -> Cell:
        chance, words = self.chance, self.words
        prefix = "".join(chance.choices("ABCDEFGH", k=2))
        makers: dict[str, tuple[Cell, ...]] = {
            "integer": (lambda: str(chance.randrange(10_000)), lambda: str(chance.randrange(-50, 50))),
            "decimal": (lambda: f"{chance.uniform(-100, 1000):.2f}", lambda: f"{chance.random():.6f}"),
            "decimal comma": (lambda: f"{chance.uniform(0, 1000):.2f}".replace(".", ","),),
            "date": (self._day, lambda: "{2}.{1}.{0}".format(*self._day().split("-"))),
            "time": (
                lambda: f"{chance.randrange(24):02}:{chance.randrange(60):02}",
                lambda: f"{self._day()}T{chance.randrange(24):02}:{chance.randrange(60):02}:00",
                lambda: f"{self._day()} {chance.randrange(24):02}:{chance.randrange(60):02}:00",
            ),
            "text": (
                lambda: chance.choice(words.sentences),
                lambda: chance.choice(words.people),
                lambda: " ".join(chance.choices(words.nouns, k=chance.randrange(1, 4))),
            ),
            "code": (
                lambda: f"{prefix}-{chance.randrange(100, 1000)}",
                lambda: "".join(chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=3)),
            ),
            "group": (lambda: chance.choice(words.groups), lambda: chance.choice(words.places)),
            "address": (
                lambda: f"https://example.org/{chance.choice(words.nouns)}?id={chance.randrange(100)}&x=a,b;c",
                lambda: f"{chance.choice(words.groups)}.{chance.choice(words.groups)}@example.org",
            ),
            "boolean": (lambda: chance.choice(("true", "false")), lambda: chance.choice(("yes", "no"))),
            "json": (self._json,),
            "path": (lambda: "C:\\" + "\\".join(chance.choices(words.groups, k=2)) + ".txt",),
        }
        return chance.choice(makers[kind])

    def _day(self) -> str:
        chance = self.chance
        return f"{chance.randrange(1950, 2030)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"

    def _json(self) -> str:
        words = self.chance.sample(self.words.groups, 3)
        return json.dumps({words[0]: self.chance.randrange(100), words[1]: [words[2], 'say "x"', 1.5]})
