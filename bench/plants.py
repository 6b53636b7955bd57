"""Faults planted in copies of the source, one by one: a test that should see one must fail there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("messages", "tabular", "workers", "gateway", "deploy", "tests", "bench", "examples", "docs")


@dataclass(frozen=True, slots=True)
class Plant:
    """A change of one place of the source, after which something wrong passes; the test that should see it."""

    name: str
    file: str
    sound: str
    wrong: str
    test: str


Prepare = Callable[[Path, Mapping[str, str]], None]


def missed(plants: Iterable[Plant], prepare: Prepare | None = None) -> int:
    """How many of the plants no test has seen; says each. `prepare` is called in every copy, with its variables."""
    count = 0
    for plant in plants:
        failed = _fails(plant, prepare)
        count += not failed
        print(f"{'caught' if failed else 'MISSED'} by {plant.test}: {plant.name}", flush=True)
    return count


def _fails(plant: Plant, prepare: Prepare | None) -> bool:
    """Whether the test fails on a copy that has the change, and passes its set-up."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in PACKAGES:
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        source = copy / plant.file
        text = source.read_text()
        assert text.count(plant.sound) == 1, f"{plant.file} no longer has {plant.sound!r} once"
        source.write_text(text.replace(plant.sound, plant.wrong))
        environment = os.environ | {"PYTHONPATH": folder}
        if prepare is not None:
            environment |= {"NUMBA_CACHE_DIR": str(copy / "cache")}
            prepare(copy, environment)
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", plant.test]
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
        # 1: tests failed, or their set-up did; others: they did not run.
        assert done.returncode in (0, 1), done.stdout + done.stderr
        assert " error" not in done.stdout.splitlines()[-1], done.stdout + done.stderr
        return done.returncode == 1
