from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.unit.tabular.fast.cases import case
from tests.unit.tabular.fast.differential import compare

TABLES, BATCHES = 2_000, 20


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_tables_have_the_report_of_the_reference_library(tmp_path: Path, batch: int) -> None:
    paths: Counter[str] = Counter()
    for seed in range(batch, TABLES, BATCHES):
        folder = tmp_path / str(seed)
        folder.mkdir()
        compared = compare(folder, case(seed))
        assert compared.ours == compared.reference, f"table {seed}"
        paths[compared.path] += 1
    assert paths["fast"] > 0.85 * (paths["fast"] + paths["slow"])
