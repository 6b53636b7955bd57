"""The compiled rewriting writes what `csv.writer` writes, in pieces of any size."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from tabular import dump
from tabular.dialect import Dialect
from tabular.dump import UNBOUNDED, write_canonical
from tabular.fast import canonical

DIALECTS = (
    Dialect(delimiter=";"),
    Dialect(delimiter=";", quote_char="'", header_rows=()),
    Dialect(delimiter="\t", quote_char="", header_rows=(2,)),
    Dialect(delimiter=" ", skip_initial_space=True),
    Dialect(comment_char="#", comment_rows=(3,)),
)
MARKS = ("é", '"', '""', "\r", "\r\n", " ", "#", "'x'", '"a\n;b"', '"q"z', "''")


@pytest.mark.parametrize("piece", [1, 7, 64, 4_096])
def test_both_write_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    path, out = tmp_path / "in", tmp_path / "out"
    monkeypatch.setattr(canonical, "PIECE", piece)
    fell_back = 0
    for seed in range(400):
        chance = random.Random(f"{piece} {seed}")
        dialect = chance.choice(DIALECTS)
        marks = [
            dialect.delimiter,
            "\n",
            "ab",
            ",",
            "é",
            '"',
            '""',
            "\r",
            "\r\n",
            " ",
            "#",
            "'x'",
            '"a\n;b"',
            '"q"z',
            "''",
        ]
        text = "".join(chance.choices(marks, [6, 5, 5, 2] + [1] * 11, k=chance.randrange(1, 120)))
        path.write_bytes(b"a,b\n" + text.encode())
        written = {}
        for least in (None, 0):
            monkeypatch.setattr(dump, "UNBOUNDED", replace(UNBOUNDED, fast_from=least))
            made = write_canonical(path, "utf-8", dialect.to_descriptor(), out)
            written[least] = (made, out.read_bytes())
        assert written[0] == written[None], (seed, dialect, path.read_bytes())
        fell_back += text.count('"') % 2
    assert fell_back < 400


def test_what_is_no_text_is_told_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump, "UNBOUNDED", replace(UNBOUNDED, fast_from=0))
    path = tmp_path / "in"
    path.write_bytes(b"a;b\n1;\xff\n")
    with pytest.raises(UnicodeDecodeError):
        write_canonical(path, "utf-8", {"delimiter": ";"}, tmp_path / "out")
    assert not (tmp_path / "out").exists()
