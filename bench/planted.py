"""Wrong accepts planted in copies of the fast path, one by one: the tests must catch each; `python -m bench.planted`"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SUITE = "tests/unit/tabular/fast"


@dataclass(frozen=True, slots=True)
class Plant:
    """A change of one place of the source, after which something wrong passes; the test that should see it."""

    name: str
    file: str
    sound: str
    wrong: str
    test: str


PLANTS = (
    Plant(
        "31 February is a date", "moments.py", "is_day &= day <= month_days(year, month)", "is_day &= day <= 31",
        "test_rules.py",
    ),
    Plant(
        "an integer of 20 digits overflows into its bounds", "numbers.py", "MOST_DIGITS = 18", "MOST_DIGITS = 20",
        "test_rules.py",
    ),
    Plant("few digits are within any bounds", "numbers.py", "return size <= most", "return True", "test_rules.py"),
    Plant(
        "a letter without its second byte is one", "utf8.py", "if followers != two << ONE:", "if followers & two != 0:",
        "test_utf8.py",
    ),
    Plant("a length is counted in bytes", "cells.py", "& 192 != 128", "& 192 != 1", "test_rules.py"),
    Plant(
        "an exclusive bound is a value that may be", "rules.py", "math.floor(bound) + 1", "math.ceil(bound)",
        "test_rules.py",
    ),
    Plant("a blank row passes", "kernel.py", " or state[NULLS] == expected", "", "test_differential.py"),
    Plant(
        "text after a closing quote is dropped", "text.py", "copied(text, close + 1, stop, scratch, size) if",
        "size if", "test_differential.py",
    ),
)  # fmt: skip


def main() -> int:
    missed = 0
    for plant in PLANTS:
        failed = _fails(plant)
        missed += not failed
        print(f"{'caught' if failed else 'MISSED'} by {plant.test}: {plant.name}", flush=True)
    return 1 if missed else 0


def _fails(plant: Plant) -> bool:
    """Whether the test fails on a copy that has the change, and passes its set-up."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("tabular", "tests", "bench"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        source = copy / "tabular" / "fast" / plant.file
        text = source.read_text()
        assert text.count(plant.sound) == 1, f"{plant.file} no longer has {plant.sound!r} once"
        source.write_text(text.replace(plant.sound, plant.wrong))
        environment = os.environ | {"PYTHONPATH": folder, "NUMBA_CACHE_DIR": str(copy / "cache")}
        subprocess.run([sys.executable, "-m", "tabular.fast.compile"], cwd=copy, env=environment, check=True)
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"{SUITE}/{plant.test}"]
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stdout + done.stderr  # 1: tests failed; others: they did not run
        return done.returncode == 1


if __name__ == "__main__":
    sys.exit(main())
