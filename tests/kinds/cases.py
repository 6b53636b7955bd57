"""The corpus' CSV files: each shape is a way in which real files differ from the plain one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.kinds import dirty, shapes
from tests.kinds.tables import Maker, Truth
from tests.kinds.words import Words


@dataclass(frozen=True, slots=True)
class Case:
    """A file: `truth` says what it is; of one that is no CSV, by a noun."""

    name: str
    shape: str
    content: bytes
    truth: Truth | str


Shape = Callable[[Maker], tuple[str, Truth]]

SHAPES: tuple[Shape, ...] = (
    shapes.plain,
    shapes.all_quoted,
    shapes.single_quoted,
    shapes.never_quoted,
    shapes.escaped,
    dirty.escaped_delimiters,
    shapes.doubled,
    shapes.decimal_comma,
    shapes.one_column,
    shapes.tiny,
    shapes.header_only,
    shapes.sparse,
    shapes.wide,
    shapes.ragged,
    dirty.preamble,
    dirty.padded_preamble,
    dirty.comments,
    dirty.marked_header,
    dirty.footer,
    dirty.blank_lines,
    dirty.units,
    dirty.headless_numbers,
    dirty.headless_mixed,
    dirty.headless_text,
    dirty.separator_line,
    dirty.mixed_ends,
    dirty.newlines,
    dirty.addresses,
    dirty.year_names,
    dirty.spaced,
    dirty.blanks,
)


def cases(words: Words, seed: int, each: int) -> Iterator[Case]:
    """`each` files of every shape; the same ones for the same seed."""
    for shape in SHAPES:
        for number in range(each):
            chance = random.Random(f"{seed} {shape.__name__} {number}")
            text, truth = shape(Maker(chance, words))
            yield Case(f"{shape.__name__}-{number}", shape.__name__, text.encode(), truth)
