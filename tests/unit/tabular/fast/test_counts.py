"""The compiled scan says what the plain one says, of any bytes, in pieces of any size."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tabular.dialect import Dialect
from tabular.fast import count_harmless
from tabular.finding import Finding
from tabular.limits import Limits
from tabular.progress import Throttle
from tabular.scan import Scan, scan

LOOSE = Limits(cell_bytes=60, row_bytes=150, columns=12)
DIALECTS = (
    Dialect(),
    Dialect(delimiter=";", quote_char="'"),
    Dialect(delimiter="\t", quote_char=""),
    Dialect(delimiter=" ", skip_initial_space=True),
    Dialect(skip_initial_space=True),
    Dialect(delimiter="§"),
    Dialect(escape_char="\\", double_quote=False),
)


def text_of(chance: random.Random, dialect: Dialect) -> bytes:
    """Mostly records, with quotes, blanks, line ends and a few NUL bytes where they hurt."""
    common = [dialect.delimiter, "\n", "ab", "1", "é"]
    rare = ['"', '""', "\r", "\r\n", " ", dialect.quote_char, '"x"', '"a\nb"', "\\", '"q"z', "x" * 40, "'"]
    weights = [6] * len(common) + [1] * len(rare)
    text = "".join(chance.choices(common + rare, weights, k=chance.randrange(1, 160)))
    if chance.random() < 0.1:
        at = chance.randrange(len(text))
        text = text[:at] + "\0" + text[at:]
    return text.encode()


@pytest.mark.parametrize("piece", [1, 7, 64, 4_096])
def test_both_scans_agree_on_any_bytes(tmp_path: Path, piece: int) -> None:
    path = tmp_path / "t"
    told: Counter[str] = Counter()
    for seed in range(600):
        chance = random.Random(f"{piece} {seed}")
        dialect = chance.choice(DIALECTS)
        path.write_bytes(text_of(chance, dialect))
        plain = scan(path, dialect, replace(LOOSE, fast_from=None))
        fast = scan(path, dialect, replace(LOOSE, fast_from=0, piece_bytes=piece))
        assert fast == plain, (seed, path.read_bytes(), dialect)
        told[plain.rule if isinstance(plain, Finding) else "stray" if plain.stray_quotes else "clean"] += 1
    assert min(told[rule] for rule in ("clean", "stray", "unterminated-quote", "nul-byte", "cell-too-large")) > 2, told


def test_the_pass_itself_comes_to_the_end_of_a_clean_file(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_bytes(b'a,b\r\n"x,""y""",2\r\n"z"z,"3\n4"\n' * 1_000)
    counts = count_harmless(path, Dialect(), Limits(piece_bytes=1_000), Throttle(None))
    assert (counts.offset, counts.records, counts.slips, counts.first_slip) == (path.stat().st_size, 3_000, 1_000, 3)
    assert scan(path, Dialect(), Limits(fast_from=0)) == Scan(3_000, 1_000, 3)


def test_a_finding_late_in_a_file_has_its_place(tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.write_bytes(b'a,b\n"x\r\ny",2\r\n' * 5_000 + b'3,"4\n')
    finding = scan(path, Dialect(), Limits(fast_from=0, piece_bytes=999))
    assert isinstance(finding, Finding)
    assert (finding.rule, finding.row, finding.line) == ("unterminated-quote", 10_001, 15_001)
    assert finding.byte_offset == path.stat().st_size - 5
