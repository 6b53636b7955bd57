"""Where the files of a package may be, and what a lone table becomes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.client.failures import RequestFailure
from gateway.client.package import open_package, slug


def package(folder: Path, *resources: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "datapackage.json").write_text(json.dumps({"name": "p", "resources": list(resources)}))
    return folder


def problems(folder: Path) -> str:
    with pytest.raises(RequestFailure) as caught:
        open_package(folder).files()
    return str(caught.value)


def test_files_are_found_beside_the_descriptor(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a b.csv").write_text("x\n")
    (tmp_path / "c.txt").write_text("y\n")
    folder = package(tmp_path, {"name": "a", "path": "data/a b.csv"}, {"name": "c", "path": ["c.txt"]})
    assert [file.path for file in open_package(folder).files()] == ["data/a b.csv", "c.txt"]
    assert [file.location for file in open_package(folder / "datapackage.json").files()] == [
        tmp_path / "data" / "a b.csv",
        tmp_path / "c.txt",
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../secret",
        "a/../../secret",
        "..\\secret",
        "C:\\x",
        "file:///etc/passwd",
        "~/x",
        "http://x/y",
        "",
    ],
)
def test_paths_that_lead_out_of_the_package_are_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_text("x")
    assert "resource a: " in problems(package(tmp_path / "p", {"name": "a", "path": path}))


def test_link_out_of_the_package_is_refused_and_one_inside_is_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    folder = package(tmp_path / "p", {"name": "a", "path": "a.csv"})
    (folder / "a.csv").symlink_to(tmp_path / "secret")
    assert "link out of the package" in problems(folder)
    (folder / "a.csv").unlink()
    (folder / "real.csv").write_text("x\n")
    (folder / "a.csv").symlink_to("real.csv")
    assert [file.location.name for file in open_package(folder).files()] == ["real.csv"]


def test_folder_behind_a_link_out_of_the_package_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.csv").write_text("x")
    folder = package(tmp_path / "p", {"name": "a", "path": "data/a.csv"})
    (folder / "data").symlink_to(tmp_path / "outside")
    assert "link out of the package" in problems(folder)


def test_every_missing_file_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    folder = package(tmp_path, {"name": "a", "path": "a.csv"}, {"name": "b", "path": "folder.csv"})
    told = problems(folder).splitlines()
    assert told[0].startswith("resource a: the file 'a.csv' does not exist")
    assert told[1] == "resource b: 'folder.csv' is not a file"


def test_schema_in_a_file_of_its_own_is_written_into_the_descriptor(tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text('{"fields": [{"name": "id"}]}')
    (tmp_path / "outside.json").write_text("{}")
    folder = package(tmp_path, {"name": "a", "path": "a.csv", "schema": "schema.json"})
    assert open_package(folder).resources[0]["schema"] == {"fields": [{"name": "id"}]}
    remote = package(tmp_path, {"name": "a", "path": "a.csv", "schema": "https://example.com/schema.json"})
    assert open_package(remote).resources[0]["schema"] == "https://example.com/schema.json"


def test_lone_table_is_a_package_named_after_its_file(tmp_path: Path) -> None:
    table = tmp_path / "Größe der Städte 2024.csv.gz"
    table.write_bytes(b"")
    made = open_package(table)
    assert made.name == "groe-der-stadte-2024"
    assert made.resources == [
        {"name": "groe-der-stadte-2024", "path": "Größe der Städte 2024.csv.gz", "profile": "tabular-data-resource"}
    ]
    assert [file.location for file in made.files()] == [table]
    completed = made.completed([{"schema": {"fields": []}}])
    assert completed.resources[0]["schema"] == {"fields": []}


def test_own_descriptor_is_not_completed(tmp_path: Path) -> None:
    made = open_package(package(tmp_path, {"name": "a", "path": "a.csv"}))
    assert made.completed([{"schema": {"fields": []}}]) == made
    assert made.renamed("other").name == "other"


def test_what_does_not_exist_is_said(tmp_path: Path) -> None:
    with pytest.raises(RequestFailure, match="does not exist"):
        open_package(tmp_path / "nothing")


@pytest.mark.parametrize(("text", "name"), [("Łódź", "odz"), ("...", "table"), ("日本", "table"), ("A_b.c", "a_b.c")])
def test_slug_makes_a_name_of_anything(text: str, name: str) -> None:
    assert slug(text) == name
