"""The kind of a file is told right on a corpus whose words nothing was tuned on; `bench.csvkinds` has all of it."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from tabular.csvkind import CsvKind, detect_kind
from tests.kinds.cases import cases
from tests.kinds.judge import judge
from tests.kinds.others import others
from tests.kinds.words import HELD_OUT

PROMISED = 0.97


def test_of_a_corpus_97_percent_are_told_right_and_read_as_they_were_written(tmp_path: Path) -> None:
    right: dict[str, list[bool]] = defaultdict(list)
    wrong = []
    for case in [*cases(HELD_OUT, 3, 6), *others(HELD_OUT, 3)]:
        found = judge(case, tmp_path)
        for name, value in found.items():
            right[name].append(value)
        if not found["whole"]:
            wrong.append(case.name)
    shares = {name: sum(values) / len(values) for name, values in right.items()}
    assert min(shares.values()) >= PROMISED, (shares, wrong)


@pytest.mark.parametrize("package", ["country-codes", "gdp", "s-and-p-500-companies"])
def test_real_tables_are_plain_csv(package: str) -> None:
    folder = Path(__file__).parents[2] / "data" / "packages" / package / "data"
    for path in folder.glob("*.csv"):
        told = detect_kind(path)
        assert isinstance(told, CsvKind), told
        assert (told.dialect["delimiter"], told.header_rows) == (",", (1,))
        assert "notes" not in told.evidence
