from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tabular.check import TableCheck, check_table
from tests.unit.tabular.conftest import Write

PACKAGES = Path(__file__).parents[2] / "data" / "packages"


def resources() -> list[tuple[Path, dict[str, Any]]]:
    found: list[tuple[Path, dict[str, Any]]] = []
    for path in sorted(PACKAGES.glob("*/datapackage.*")):
        descriptor = yaml.safe_load(path.read_text("utf-8"))
        found.extend((path.parent / resource["path"], resource) for resource in descriptor["resources"])
    return found


def check(file: Path, /, **resource: Any) -> TableCheck:
    workdir = file.parent / "work"
    workdir.mkdir(exist_ok=True)
    return check_table(file, {"name": "t", "path": file.name} | resource, workdir)


@pytest.mark.parametrize(
    ("path", "resource"), resources(), ids=lambda value: value.name if isinstance(value, Path) else ""
)
def test_real_packages_are_valid_with_and_without_their_schema(
    path: Path, resource: dict[str, Any], tmp_path: Path
) -> None:
    expected = {"country-codes.csv": 249, "gdp.csv": 13_979, "top-economies.csv": 230, "constituents.csv": 503}
    told: list[tuple[str, int]] = []
    result = check_table(path, resource, tmp_path, progress=lambda stage, done: told.append((stage, done)))
    assert result.valid, result.to_dict()
    assert result.validation is not None
    assert result.validation.rows == expected.get(path.name, 11)
    assert told[-1] == ("validate", result.validation.rows)
    bare = {key: value for key, value in resource.items() if key != "schema"}
    inferred = check_table(path, bare, tmp_path)
    assert inferred.valid, inferred.to_dict()
    json.dumps(inferred.to_dict())


def test_a_semicolon_file_in_latin1_and_gzip_goes_all_the_way(write: Write) -> None:
    text = "id;ville;prix\n" + "1;Besançon;1,5\n2;Orléans;2,5\n" * 20
    result = check(write(gzip.compress(text.encode("latin-1")), "villes.csv.gz"))
    assert result.valid, result.to_dict()
    details = result.to_dict()
    assert details["opened"]["compression"] == "gzip"
    assert (details["encoding"]["encoding"], details["encoding"]["certain"]) == ("cp1252", False)
    assert details["kind"]["dialect"]["delimiter"] == ";"
    assert details["validation"]["rows"] == 40


@pytest.mark.parametrize(
    ("content", "resource", "stage", "rule"),
    [
        (b"", {}, "csvkind", "empty-file"),
        (b"\x89PNG\r\n\x1a\n\0", {}, "encoding", "not-csv"),
        (b"<html>", {}, "csvkind", "not-csv"),
        ("a\né\n".encode("cp1252"), {"encoding": "utf-8"}, "encoding", "encoding-error"),
        (b"a,b\n1,\0\n", {}, "csvkind", "nul-byte"),
        (b'a,b\n"1,2\n', {}, "csvkind", "unterminated-quote"),
        (b"a,b\n", {"path": "a.csv.gz"}, "load", "corrupt-archive"),
        (b"a,b\n", {"schema": "http://x/y"}, "validate", "remote-reference"),
    ],
)
def test_each_refusal_names_its_stage_and_rule(
    write: Write, content: bytes, resource: dict[str, Any], stage: str, rule: str
) -> None:
    result = check(write(content), **resource)
    assert (result.valid, result.stage, result.findings[0].rule) == (False, stage, rule)
    assert json.loads(json.dumps(result.to_dict()))["findings"][0]["rule"] == rule


def test_an_invalid_cell_is_in_the_report(write: Write) -> None:
    schema = {"fields": [{"name": "a", "type": "integer"}]}
    result = check(write("a\n1\nx\n"), schema=schema)
    assert (result.valid, result.findings) == (False, ())
    assert result.validation is not None
    assert result.validation.errors_total == 1


def test_importing_costs_nothing() -> None:
    code = "import sys, tabular.check, tabular.profile, tabular.dump, tabular.strictjson; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"frictionless", "charset_normalizer", "jsonschema", "asyncio", "requests"} & set(loaded)


MARKS = [
    b"a,b\n",
    b"1;2\n",
    b'"',
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\r",
    b"{",
    b"<a>",
    b"sep=;\n",
    b"\xe9",
    b"2020-01-01,1.5\n",
]
pieces = st.sampled_from(MARKS)
kinds = st.sampled_from(
    ["integer", "number", "date", "datetime", "year", "boolean", "string", "any", "geopoint", "array"]
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    content=st.lists(pieces | st.binary(max_size=8), max_size=8).map(b"".join),
    declared=st.sampled_from([None, "utf-8", "ISO-8859-2", "utf-16", "shift_jis", "nonsense", ""]),
    kind=st.none() | kinds,
)
def test_whatever_the_bytes_the_answer_is_a_result(
    tmp_path: Path, content: bytes, declared: str | None, kind: str | None
) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    schema = {"schema": {"fields": [{"name": "a", "type": kind}, {"name": "b", "type": "string"}]}} if kind else {}
    result = check(path, encoding=declared, **schema)
    json.dumps(result.to_dict())
    assert result.valid or result.findings or result.to_dict()["validation"]["errors_total"]
