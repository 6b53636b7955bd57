"""A published descriptor decides nothing about where files land on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.client.failures import ServerFailure
from gateway.client.fetched import FetchedPackage

SHA = "a" * 64


def resource(path: str, **more: Any) -> dict[str, Any]:
    return {"name": "r", "path": path, "bytes": 1, "hash": f"sha256:{SHA}", **more}


@pytest.mark.parametrize(
    ("path", "local"),
    [
        ("http://s/o/d/1/r/towns.csv", "data/towns.csv"),
        ("http://s/o/d/1/r/..%2F..%2Fetc%2Fpasswd", "data/_.._etc_passwd"),
        ("http://s/o/d/1/r/%2Fetc%2Fpasswd", "data/_etc_passwd"),
        ("http://s/o/d/1/r/..", "data/file"),
        ("http://s/o/d/1/r/..%5C..%5Cx", "data/_.._x"),
        ("http://s/o/d/1/r/.bashrc", "data/bashrc"),
        ("http://s/o/d/1/r/a%00b%0A.csv", "data/a_b_.csv"),
        ("http://s/o/d/1/r/", "data/r"),
    ],
)
def test_file_name_leads_nowhere_else(path: str, local: str) -> None:
    assert [file.path for file in FetchedPackage({"resources": [resource(path)]}).files] == [local]


def test_names_that_a_file_system_takes_for_one_are_kept_apart() -> None:
    resources = [resource("http://s/r/a.csv"), resource("http://s/r/A.csv"), resource("http://s/x/a.csv")]
    paths = [file.path for file in FetchedPackage({"resources": resources}).files]
    assert paths == ["data/a.csv", "data/1-A.csv", "data/2-a.csv"]


def test_files_come_from_the_server_that_was_asked() -> None:
    [file] = FetchedPackage({"resources": [resource("https://elsewhere.example/o/d/1/r/a.csv?x=1")]}).files
    assert file.address == "/o/d/1/r/a.csv?x=1"


@pytest.mark.parametrize(
    "wrong",
    [
        {"bytes": None},
        {"hash": None},
        {"hash": "d41d8cd98f00b204e9800998ecf8427e"},
        {"path": None},
        {"bytes": "x"},
        {"path": "@evil.example/x"},
        {"path": "http://s"},
        {"path": "http://[::1"},
    ],
)
def test_file_that_cannot_be_proven_is_not_fetched(wrong: dict[str, Any]) -> None:
    with pytest.raises(ServerFailure, match="SHA-256 of resource 0"):
        FetchedPackage({"resources": [resource("http://s/r/a.csv") | wrong]})


def test_readme_becomes_a_file_and_paths_local(tmp_path: Path) -> None:
    FetchedPackage({"name": "d", "readme": "# Łódź\n", "resources": [resource("http://s/r/a.csv")]}).write(tmp_path)
    descriptor = json.loads((tmp_path / "datapackage.json").read_text())
    assert "readme" not in descriptor
    assert descriptor["resources"][0]["path"] == "data/a.csv"
    assert (tmp_path / "README.md").read_text() == "# Łódź\n"
