"""What the campaigns of planted faults change is still there, once, and so are the tests that should see it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench import planted, unguarded
from bench.plants import ROOT, Plant


@pytest.mark.parametrize("plant", [*unguarded.PLANTS, *planted.PLANTS], ids=lambda plant: plant.name)
def test_a_plant_finds_its_place_and_its_test(plant: Plant) -> None:
    assert (ROOT / plant.file).read_text("utf-8").count(plant.sound) == 1
    file, _, test = plant.test.partition("::")
    named = re.escape(test.partition("[")[0])
    assert re.search(rf"def {named}\(" if test else "def test_", (ROOT / Path(file)).read_text("utf-8"))
