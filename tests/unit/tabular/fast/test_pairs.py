"""Pairs of numbers against Python's own equality, which is what frictionless looks keys up by."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from frictionless import Schema

from tabular.dialect import Dialect
from tabular.fast.accept import AcceptSet, hashed
from tabular.fast.keyset import KeySet
from tabular.fast.layout import FIRST, FOREIGN, FOUND, PADDING, ROW
from tabular.fast.native import kernel
from tabular.fast.pairs import NEVER, NULL_PAIR, PRIME, Pair, Secrets
from tabular.fast.plan import Table, build_plan, preload
from tabular.fast.rules import rule_of
from tabular.fast.sweep import fresh_results
from tests.unit.tabular.fast.cases import CELLS
from tests.unit.tabular.fast.test_rules import calendar, mutants

FIELDS: list[dict[str, Any]] = [
    {"type": "integer"}, {"type": "number"}, {"type": "number", "decimalChar": ","}, {"type": "boolean"},
    {"type": "string"}, {"type": "string", "format": "email"}, {"type": "any"}, {"type": "date"},
    {"type": "date", "format": "%d/%m/%Y"}, {"type": "datetime"}, {"type": "time"}, {"type": "year"},
    {"type": "yearmonth"}, {"type": "integer", "constraints": {"enum": [1, 7, "42"]}},
]  # fmt: skip
EAST = timezone(timedelta(hours=2))
VALUES: list[Any] = [
    0, 1, True, False, -1, 5, 10**17, 10**18, 10**19, 2**61 + 4, 1.0, 0.5, Decimal("0.50"), Decimal("-0"), 100,
    Decimal("1E2"), Decimal("1e5000"), Decimal("Infinity"), float("inf"), Decimal("-Infinity"), Decimal("0.1"), 0.1,
    Decimal.from_float(0.1),
    "", "1", "a", "abcdefg", "abcdefgh", "abcdefga........", "é", "\udc80", "2020", 2020, date(2020, 1, 5),
    datetime(2020, 1, 5), datetime(2020, 1, 5, tzinfo=UTC), datetime(2020, 1, 5, 2, tzinfo=EAST),  # noqa: DTZ001
    datetime(2020, 1, 5, 0, 0, 0, 5), datetime(1, 1, 1, tzinfo=EAST), datetime(9999, 12, 31, 23, tzinfo=UTC),  # noqa: DTZ001
    time(10, 11), time(10, 11, tzinfo=UTC), time(12, 11, tzinfo=EAST), time(10, 11, 0, 1), (2020, 1), (2020, 2), (1, 1),
    (10**20, 1),
]  # fmt: skip


def watched(field: dict[str, Any], cells: Sequence[str], secrets: Secrets) -> tuple[Table, dict[str, Pair]]:
    """The kernel's pairs of the cells that it proves."""
    made = Schema.from_descriptor({"fields": [{"name": "f", **field}]}).fields[0]
    rule = rule_of(made, FOREIGN)
    plan = build_plan([rule], [], Dialect(header_rows=()), watched=[0])
    table = Table([rule], [made.create_cell_reader()], [], plan, AcceptSet(secrets.words), (0,), secrets)
    preload(table, 0)
    text = "".join('"' + cell.replace('"', '""') + '"\n' for cell in cells).encode()
    buffer = np.full(len(text) + PADDING, 10, np.uint8)
    buffer[: len(text)] = np.frombuffer(text, np.uint8)
    results = fresh_results(2, len(cells) + 2)
    results.state[FIRST] = 1
    scratch = np.zeros(len(buffer), np.uint8)
    end = kernel().walk(buffer, scratch, 0, len(text), True, plan, table.accepts.arrays, results)
    assert end == len(text)
    suspects = {int(entry[ROW]) for entry in results.suspects[: results.state[FOUND]]}
    pairs = results.keys[:, : len(cells)].T.tolist()
    return table, {cell: tuple(pairs[row]) for row, cell in enumerate(cells) if row not in suspects}


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_kernel_gives_a_value_the_pair_that_python_gives_it(field: dict[str, Any]) -> None:
    chance, secrets = random.Random(5), Secrets()
    cells = mutants(chance, CELLS[field["type"]], 3_000)
    if field["type"] in ("date", "datetime", "time", "yearmonth"):
        cells += calendar(chance)
    table, proven = watched(field, cells, secrets)
    for cell, pair in proven.items():
        assert pair == secrets.of(table.readers[0](cell)[0]), cell
    assert len(proven) > 20 or field["type"] in ("boolean", "year", "integer") or "format" in field


def test_values_share_a_pair_exactly_where_they_are_equal() -> None:
    secrets = Secrets()
    for one, other in itertools.product(VALUES, repeat=2):
        assert (secrets.of(one) == secrets.of(other)) == (one == other), (one, other)


def test_what_equals_nothing_is_never_a_key() -> None:
    secrets = Secrets()
    assert {secrets.of(Decimal(text)) for text in ("NaN", "sNaN", "-NaN7")} == {NEVER}
    assert secrets.of_key([1, float("nan")]) == NEVER
    assert secrets.of(None) == secrets.of_key([None, None]) == NULL_PAIR
    keys = KeySet(secrets)
    keys.add(np.array([NEVER, NULL_PAIR], np.int64), 2)
    assert len(keys) == 0
    assert NEVER not in keys
    assert keys.missing(np.array([NEVER, NULL_PAIR], np.int64), 2).tolist() == [0]


def test_value_without_a_pair_is_refused() -> None:
    with pytest.raises(TypeError):
        Secrets().of(timedelta(1))


def test_texts_that_the_short_hash_confuses_have_pairs_of_their_own() -> None:
    """They differ in bit 62 of a word, and in bits 62 and 33 of the next: whatever the seed, half of the time."""
    one, other = b"abcdefgaijklmnop", b"abcdefg!ijklono0"
    assert any(hashed(one, seed) == hashed(other, seed) for seed in range(100))
    for _ in range(100):
        secrets = Secrets()
        assert not set(secrets.of_text(one)) & set(secrets.of_text(other))
        assert all(0 <= number < PRIME for number in secrets.of_text(one))


def test_keys_of_several_values_have_the_pair_that_python_gives_them() -> None:
    secrets, chance = Secrets(), random.Random(3)
    rows = [[chance.choice([None, 1, 2, "a", Decimal("1.5"), float("nan")]) for _ in range(3)] for _ in range(500)]
    parts = np.zeros((6, 600), np.int64)
    for row, values in enumerate(rows):
        for column, value in enumerate(values):
            parts[2 * column : 2 * column + 2, row] = secrets.of(value)
    for columns in ([0], [2], [0, 1], [2, 0, 1], [1, -1], [-1]):
        pairs = np.zeros((600, 2), np.int64)
        kernel().combine(parts, np.array(columns, np.int64), np.array(secrets.words, np.uint64), pairs, len(rows))
        for row, values in enumerate(rows):
            key = [values[column] if column >= 0 else None for column in columns]
            assert tuple(pairs[row].tolist()) == secrets.of_key(key), key


@pytest.mark.parametrize(("count", "most"), [(0, 1 << 21), (1_000, 1 << 21), (50_000, 1 << 21), (50_000, 2_048)])
def test_set_of_keys_is_a_set(count: int, most: int) -> None:
    chance = np.random.default_rng(1)
    pairs = chance.integers(-(10**6), 10**6, (count, 2))
    pairs[:, 1] //= 400_000
    pairs[: count // 3, 0] //= 1_000  # many firsts come with several checks
    keys = KeySet(Secrets(), most)
    for at in range(0, count, 777):
        keys.add(np.ascontiguousarray(pairs[at : at + 777]), len(pairs[at : at + 777]))
    known = set(map(tuple, pairs.tolist()))
    assert keys.spilled == (most < 10_000)
    assert len(keys) >= len(known) if keys.spilled else len(keys) == len(known)
    asked = np.concatenate([pairs, chance.integers(-(10**6), 10**6, (2_000, 2)), pairs + np.array([0, 1])])
    asked = np.ascontiguousarray(asked)
    absent = set(keys.missing(asked, len(asked)).tolist())
    assert absent == {row for row, pair in enumerate(asked.tolist()) if tuple(pair) not in known}
    for pair in asked[:: max(len(asked) // 50, 1)].tolist():
        assert (tuple(pair) in keys) == (tuple(pair) in known)
    keys.close()
