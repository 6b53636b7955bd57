"""Descriptors as people write them, and as people break them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.client.descriptor import find_descriptor, read_descriptor
from gateway.client.failures import RequestFailure

YAML = """\
name: towns
created: 2024-01-01
version: 1.0
resources:
  - {name: towns, path: towns.csv}
"""


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal(path: Path) -> str:
    with pytest.raises(RequestFailure) as caught:
        read_descriptor(path)
    return str(caught.value)


def test_json_and_yaml_give_the_same_value_and_dates_stay_texts(tmp_path: Path) -> None:
    wanted = {
        "name": "towns",
        "created": "2024-01-01",
        "version": 1.0,
        "resources": [{"name": "towns", "path": "towns.csv"}],
    }
    assert read_descriptor(write(tmp_path, "datapackage.yaml", YAML)) == wanted
    assert read_descriptor(write(tmp_path, "datapackage.yml", YAML)) == wanted
    assert read_descriptor(write(tmp_path, "datapackage.json", json.dumps(wanted))) == wanted


def test_readme_is_inlined_unless_the_descriptor_has_one(tmp_path: Path) -> None:
    write(tmp_path, "README.md", "\ufeff# Łódź\n")
    assert read_descriptor(write(tmp_path, "datapackage.json", '{"name": "a"}'))["readme"] == "# Łódź\n"
    own = '{"name": "a", "readme": "mine"}'
    assert read_descriptor(write(tmp_path, "datapackage.json", own))["readme"] == "mine"


def test_readme_that_is_a_link_out_of_the_package_is_refused(tmp_path: Path) -> None:
    secret = write(tmp_path, "secret", "not for the world")
    package = tmp_path / "package"
    package.mkdir()
    (package / "README.md").symlink_to(secret)
    assert "link out of the package" in refusal(write(package, "datapackage.json", '{"name": "a"}'))


def test_readme_in_another_encoding_is_refused_with_the_place(tmp_path: Path) -> None:
    write(tmp_path, "README.md", b"abc\xff")
    assert "README.md is not UTF-8 at byte 3" in refusal(write(tmp_path, "datapackage.json", '{"name": "a"}'))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"name": "a",}', "not JSON: "),
        ('{"name": NaN}', "NaN is not a JSON value"),
        ('{"name": "a", "name": "b"}', "'name' comes twice"),
        ("[" * 100_000, "nested deeper than"),
        ("[]", "an object"),
        (b'{"name": "\xff"}', "not UTF-8 at byte 10"),
    ],
)
def test_broken_json_is_told_with_file_and_reason(tmp_path: Path, text: str | bytes, told: str) -> None:
    message = refusal(write(tmp_path, "datapackage.json", text))
    assert message.startswith(f"{tmp_path}/datapackage.json: ")
    assert told in message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: [a", "not YAML: "),
        ("a: b: c", "line 1, column 5"),
        ("name: !!python/object/apply:os.system ['touch /tmp/owned']", "not YAML: could not determine a constructor"),
        ("name: .nan", "cannot be said in JSON"),
        ("name: &a [*a]", "cannot be said in JSON"),
        ("name: !!set {a, b}", "cannot be said in JSON"),
        ("\x00", "not YAML"),
        ("[" * 5000, "not YAML"),
    ],
)
def test_broken_yaml_is_told_with_file_and_reason(tmp_path: Path, text: str, told: str) -> None:
    assert told in refusal(write(tmp_path, "datapackage.yaml", text))


def test_yaml_that_grows_beyond_all_bounds_is_refused_before_it_does(tmp_path: Path) -> None:
    laughs = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    laughs += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    assert "grows beyond" in refusal(write(tmp_path, "datapackage.yaml", "\n".join(laughs)))


def test_folder_without_a_descriptor_or_with_two_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestFailure, match="has no datapackage"):
        find_descriptor(tmp_path)
    write(tmp_path, "datapackage.json", "{}")
    write(tmp_path, "datapackage.yml", "{}")
    with pytest.raises(RequestFailure, match=r"datapackage\.json and datapackage\.yml"):
        find_descriptor(tmp_path)
