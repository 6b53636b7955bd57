"""Typed tables of a wanted size, with their schema: no keys, ten kinds of columns."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

FIELDS = (
    ("id", "integer"),
    ("name", "string"),
    ("amount", "number"),
    ("day", "date"),
    ("at", "datetime"),
    ("active", "boolean"),
    ("kind", "string"),
    ("share", "number"),
    ("mail", "string"),
    ("remark", "string"),
)
SCHEMA: dict[str, Any] = {"fields": [{"name": name, "type": kind} for name, kind in FIELDS]}
WORDS = ("quiet", "river", "Ærø", "Zürich", "hedgehog", "copper", "łódka", "north", "seven", "paper")


def csv(size: int, seed: int = 0) -> Iterator[bytes]:
    """Pieces of a CSV file of at least `size` bytes: header, then rows of about 150 bytes; `seed` changes them."""
    source = random.Random(seed)
    yield ",".join(name for name, _ in FIELDS).encode() + b"\n"
    written, number = 0, 0
    while written < size:
        piece = "".join(_row(source, number + offset) for offset in range(500)).encode()
        number += 500
        written += len(piece)
        yield piece


def _row(source: random.Random, number: int) -> str:
    words = source.choices(WORDS, k=8)
    day = f"20{source.randrange(10, 30)}-0{1 + number % 9}-{10 + number % 18}"
    active = "true" if number % 3 else "false"
    return (
        f"{number},{words[0]} {words[1]},{source.randrange(10**7) / 100},{day},2024-01-01T00:00:{number % 60:02}Z,"
        f"{active},{words[2]},{source.random():.6f},{words[3]}@example.org,"
        f'"{words[4]}, {words[5]} ""{words[6]}"" {words[7]}"\n'
    )
