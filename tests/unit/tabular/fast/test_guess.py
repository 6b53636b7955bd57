"""The compiled inference says what the plain one says, of any cells, in pieces of any size."""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tabular.dialect import Dialect
from tabular.fast import guess_columns
from tabular.inference import KINDS, infer_schema
from tabular.limits import Limits
from tabular.progress import Throttle

PLAIN, FAST = Limits(fast_from=None), Limits(fast_from=0)
WORDS = """
0 -0 1 -7 00 01 -01 999999999999999999 1000000000000000000 1. .5 0.5 -0.5 00.5 1_0 +1 12,5 NaN - --1 1-
1.5e3 1e10 1E-2 1e+07 1e100 1e 1.5e-10 1999 2000 0999 3000 1999.0 19990
true false True False TRUE FALSE tRUE trUE FALSe t truth fals TRUe falSE
2020-01-01 2020-02-29 2021-02-29 1900-02-29 2000-02-29 2020-13-01 2020-00-10 2020-04-31
0000-01-01 0001-01-01 9999-12-31 2020-1-01 2020-01-1 20200101 2020/01/01 2020-01-01x
2020-01-01T00:00:00 2020-01-01T23:59:59Z 2020-01-01T24:00:00 2020-01-01T12:60:00 2020-01-01T12:00:60
2020-01-01T00:00:00.1 2020-01-01T00:00:00.123456+02:00 2020-01-01T00:00:00.1234567 2020-01-01T00:00:00.
2020-01-01T00:00:00+23:59 2020-01-01T00:00:00+24:00 2020-01-01T00:00:00-05:75 2020-01-01T00:00:00-23:99
2020-01-01T00:00:00+0200 2020-01-01T00:00:00z 2020-01-01t00:00:00 2020-01-01T00:00 2020-02-30T00:00:00
00:00:00 23:59:59 24:00:00 12:60:00 12:00:60 1:00:00 12:00 12:00:00.5 12-00-00 1a:00:00
"""
CELLS = (
    *WORDS.split(),
    *("", " 1", "1 ", "1" * 40, "0." + "3" * 30, "0." + "3" * 31),
    *("2020-01-01 00:00:00", "2020-01-01 00:00:00Z", "2020-01-01 25:00:00", "2020-01-01  0:00:00"),
    *("é", "\u0661\u0662", "\uff11\uff12", "2020-01-0\uff11", "x" * 300),
    *("a\nb", 'say "x"', "1\n", "\n1", "''", '"', "#1", "// x"),
)


@pytest.mark.parametrize("cell", CELLS)
def test_each_cell_is_of_the_same_types(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "t"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["year"], [cell]])
    guesses, rows = guess_columns(path, Dialect(), 1, Limits(), Throttle(None))
    wanted = {index for index, kind in enumerate(KINDS) if cell and kind.test(cell)}
    assert (set(guesses[0].passed), rows) == (wanted, 1)
    assert set(guesses[0].failed) == (set(range(len(KINDS))) - wanted if cell else set())


def test_every_string_of_digits_and_marks_is_of_the_same_types(tmp_path: Path) -> None:
    path = tmp_path / "t"
    seen: Counter[int] = Counter()
    for seed in range(1_200):
        chance = random.Random(seed)
        cell = list(chance.choice([cell for cell in CELLS if cell.isascii() and cell.isprintable()] or ["1"]) or "1")
        for _ in range(chance.randrange(3)):
            cell[chance.randrange(len(cell))] = chance.choice("0123456789-+:.TZe tfaé")
        text = "".join(cell).replace('"', "")
        path.write_text(f'year\n"{text}"\n', encoding="utf-8")
        guesses, _ = guess_columns(path, Dialect(), 1, Limits(), Throttle(None))
        wanted = {index for index, kind in enumerate(KINDS) if text and kind.test(text)}
        assert guesses[0].passed == wanted, text
        seen.update(wanted)
    assert all(seen[index] > 2 for index in range(len(KINDS))), seen


@pytest.mark.parametrize("piece", [1, 13, 4_096])
def test_both_inferences_agree_on_any_table(tmp_path: Path, piece: int) -> None:
    path = tmp_path / "t"
    kinds: Counter[str] = Counter()
    for seed in range(120):
        chance = random.Random(f"{piece} {seed}")
        dialect = Dialect(
            delimiter=chance.choice(",;\t"),
            quote_char=chance.choice('""\''),
            header_rows=chance.choice(((1,), (1,), (), (2,), (1, 2))),
            comment_char=chance.choice((None, None, "#", "//")),
            comment_rows=chance.choice(((), (), (4, 7))),
            skip_initial_space=chance.random() < 0.2,
        )
        path.write_bytes(_table(chance, dialect))
        plain = infer_schema(path, dialect, limits=PLAIN)
        fast = infer_schema(path, dialect, limits=replace(FAST, piece_bytes=piece))
        assert fast == plain, (seed, dialect, path.read_bytes())
        kinds.update(field["type"] for field in plain.schema["fields"])
    assert len(kinds) >= 6, kinds


def _table(chance: random.Random, dialect: Dialect) -> bytes:
    """Columns that are mostly of one kind; ragged rows, blank lines, comments, text after closing quotes."""
    width = chance.randrange(1, 6)
    pools = [chance.sample(CELLS, chance.randrange(1, 4)) for _ in range(width)]
    text = io.StringIO(newline="")
    writer = csv.writer(
        text,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote_char,
        lineterminator=chance.choice(("\n", "\r\n", "\r")),
        quoting=chance.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)),
    )
    writer.writerow(chance.choice(("year", "Jahr 2", "name", "")) for _ in range(width))
    for _ in range(chance.randrange(0, 25)):
        row = [chance.choice(pool) for pool in pools]
        writer.writerow(row[: chance.randrange(width + 1)] if chance.random() < 0.1 else row)
        if chance.random() < 0.05:
            text.write(chance.choice(("\n", "#1\n", "// x\n", '"1"2\n', "'1'2\n", '"4"\n')))
    return text.getvalue().encode()


def test_a_quote_that_stays_open_and_bytes_that_are_no_text_are_left_to_the_plain_one(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_bytes(b'a,b\n1,"2\n3,4\n')
    assert infer_schema(path, Dialect(), limits=FAST) == infer_schema(path, Dialect(), limits=PLAIN)
    path.write_bytes(b"a,b\n1,\xff\n")
    with pytest.raises(UnicodeDecodeError):
        infer_schema(path, Dialect(), limits=FAST)
