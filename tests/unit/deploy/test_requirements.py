"""The locked requirements: they fit pyproject.toml and each other, every file has its hash, none names an index."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
WANTED = {
    "deploy/requirements.txt": PROJECT["dependencies"],
    "requirements.txt": PROJECT["dependencies"] + EXTRAS["embedded"],
    "requirements-dev.txt": PROJECT["dependencies"] + EXTRAS["embedded"] + EXTRAS["dev"],
    "requirements-setup.txt": ["uv"],
}
PINNED = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return {canonicalize_name(each[0]): each[1] for each in PINNED.findall((ROOT / name).read_text())}


@pytest.mark.parametrize("name", WANTED)
def test_what_the_project_asks_for_is_pinned_within_its_bounds(name: str) -> None:
    locked = pins(name)
    for wanted in map(Requirement, WANTED[name]):
        version = locked[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(version), f"{wanted} is locked as {version}: run `make lock`"


@pytest.mark.parametrize("name", WANTED)
def test_every_line_has_hashes_and_none_an_address(name: str) -> None:
    text = (ROOT / name).read_text()
    entries = text.replace("\\\n", " ").strip().splitlines()
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"https?:|file:|index|find-links|host", text.replace("--hash", ""))


def test_runtime_image_and_tests_use_the_same_versions() -> None:
    everything = pins("requirements-dev.txt")
    for name in ("deploy/requirements.txt", "requirements.txt"):
        assert pins(name).items() <= everything.items()
