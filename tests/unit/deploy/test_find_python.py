"""Which Python `make setup` takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "deploy" / "find-python.sh"
SYSTEMS = Path("/usr/bin/python3")


def found(path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """What the script says where only the programs of one folder are on PATH."""
    return subprocess.run(
        ["/bin/sh", str(SCRIPT)], env={"PATH": str(path), **variables}, capture_output=True, text=True, check=False
    )


def refused(folder: Path) -> Path:
    """A folder with a Python that is too old."""
    for name in ("python3", "python3.11"):
        program = folder / name
        program.write_text("#!/bin/sh\nexit 1\n")
        program.chmod(0o755)
    return folder


def test_the_one_that_is_asked_for_comes_first(tmp_path: Path) -> None:
    assert found(refused(tmp_path), PYTHON=sys.executable).stdout.strip() == sys.executable


def test_one_that_is_too_old_is_passed_over(tmp_path: Path) -> None:
    good = refused(tmp_path) / "python3.12"
    good.symlink_to(sys.executable)
    said = found(tmp_path, PYTHON=str(tmp_path / "python3"))
    assert said.returncode == 0
    assert said.stdout.strip() in (str(SYSTEMS), "python3.12")


def test_without_any_it_says_what_to_install(tmp_path: Path) -> None:
    said = found(refused(tmp_path))
    if said.returncode:
        assert "apt-get install python3-venv" in said.stderr
    else:  # the system's own is found though PATH does not lead to it
        assert said.stdout.strip() == str(SYSTEMS)
