from __future__ import annotations

import gzip
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from frictionless import FrictionlessException, Resource, Schema

import tabular
from tabular import Limits, validate
from tabular.fast.engine import Engine
from tabular.fast.sweep import Sweep
from tabular.reference import ReferenceRefused
from tabular.verdict import MiscountedRows
from tests.unit.tabular.conftest import Write

FIELDS = [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}]
SCHEMA = {"fields": FIELDS}
V2 = "https://datapackage.org/profiles/2.0/dataresource.json"
ALWAYS, NEVER = Limits(fast_from=0), Limits(fast_from=None)
BOTH = pytest.mark.parametrize("limits", [ALWAYS, NEVER], ids=["fast", "slow"])


def rules(report: tabular.Report) -> list[str]:
    return [error["type"] for task in report.to_dict()["tasks"] for error in task["errors"]]


@BOTH
def test_the_report_is_that_of_the_library(write: Write, limits: Limits) -> None:
    path = write("id,name\n1,a\nx,b\n3\n")
    report = validate(path, schema=SCHEMA, limits=limits)
    library = Resource(path=path.name, basepath=str(path.parent), schema=Schema.from_descriptor(SCHEMA))
    expected = library.validate().to_dict()
    said = report.to_dict()
    for stats in (said["stats"], said["tasks"][0]["stats"], expected["stats"], expected["tasks"][0]["stats"]):
        stats["seconds"] = 0
    assert said == expected
    assert (report.valid, report.rows, report.valid_rows, report.invalid_rows) == (False, 3, 1, 2)
    assert report.statistics["path"] == ("fast" if limits is ALWAYS else "slow")


def test_why_the_slow_path_was_taken_is_told_apart_from_the_report(write: Write) -> None:
    path = write("id,name\n1,a\n")
    assert validate(path, schema=SCHEMA).statistics == {"path": "slow", "why": "small"}
    odd = validate(write("id§name\n1§a\n"), schema=SCHEMA, dialect={"delimiter": "§"}, limits=ALWAYS)
    assert odd.statistics == {"path": "slow", "why": "a delimiter or quote beyond ASCII"}


@pytest.mark.parametrize(
    ("name", "data", "given"),
    [
        ("t.csv", "id,name\n1,é\n".encode("utf-16"), {"encoding": "utf-16"}),
        ("t.csv", "id,name\n1,é\n".encode("latin-1"), {"encoding": "latin-1"}),
        ("t.csv", "\ufeffid;name\r1;é\r".encode(), {}),
        ("t.tsv", b'id\tname\r\n1\t"a\r\nb"\r\n', {}),
        ("t.csv.gz", gzip.compress(b"id,name\n1,a\n", mtime=0), {}),
        ("blob", b"id|name\n1|a\n", {}),
        ("t.csv", b"id,name\n1,a\\,b\n\n2,c\n", {"dialect": {"escapeChar": "\\", "skipBlankRows": True}}),
    ],
)
def test_whatever_the_file_is_in_takes_the_fast_path(tmp_path: Path, name: str, data: bytes, given: Any) -> None:
    (tmp_path / name).write_bytes(data)
    report = validate(tmp_path / name, schema=SCHEMA, limits=ALWAYS, **given)
    assert (report.valid, report.statistics["path"]) == (True, "fast"), report


@BOTH
@pytest.mark.parametrize(
    ("text", "rule", "row"),
    [("id,name\n1,a\x00b\n", "nul-byte", 2), ('id,name\n1,a\n2,"b\n', "unterminated-quote", 3)],
)
def test_what_readers_pass_fails_by_name_apart_from_the_report(
    write: Write, text: str, rule: str, row: int, limits: Limits
) -> None:
    report = validate(write(text), schema=SCHEMA, limits=limits)
    assert [(finding.rule, finding.row) for finding in report.findings] == [(rule, row)]
    assert (report.valid, report.to_dict()["valid"]) == (False, True)
    assert rule not in str(report.to_dict())


@BOTH
def test_quotes_and_escapes_that_end_well_are_no_finding(write: Write, limits: Limits) -> None:
    for text in ('id,name\n1,"a"', 'id,name\n1,"a"\r\n', 'id,name\n1,"a""', "id,name\n1,a\\", "id,name\n"):
        found = validate(write(text), schema=SCHEMA, limits=limits).findings
        assert [finding.rule for finding in found] == (["unterminated-quote"] if text.endswith('""') else []), text


def test_exclusive_bounds_and_labelled_missing_values_are_of_the_second_version(write: Write) -> None:
    field = {"name": "id", "type": "integer", "constraints": {"exclusiveMinimum": 1}}
    schema = {"fields": [field], "missingValues": [{"value": "NA", "label": "not asked"}]}
    path = write("id\n1\n2\nNA\n")
    for given in (
        {"descriptor": {"$schema": V2, "name": "t", "schema": schema}},
        {"schema": {"$schema": V2, **schema}},
    ):
        report = validate(path, **given, limits=ALWAYS)
        assert (rules(report), report.statistics["path"]) == (["constraint-error", "blank-row"], "fast")
    with pytest.raises(FrictionlessException, match="requires datapackage v2"):
        validate(path, schema={"fields": [field]})


def test_a_bomb_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"id\n" + b"1\n" * 1_000_000))
    report = validate(tmp_path / "t.csv.gz", limits=Limits(decompressed_bytes=1_000_000))
    assert [finding.rule for finding in report.findings] == ["too-large-decompressed"]
    assert not report.valid


def test_a_bomb_is_refused_though_its_errors_would_end_the_check_before(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"id\n" + b"x\n" * 1_000_000))
    limits = Limits(decompressed_bytes=1_000_000, errors=3, fast_from=0)
    report = validate(tmp_path / "t.csv.gz", schema={"fields": SCHEMA["fields"][:1]}, limits=limits)
    assert [finding.rule for finding in report.findings] == ["too-large-decompressed"]


GOOD, BAD = b"".join(b"%d,%s\n" % (number, b"%d" % number * 40) for number in range(3_000)), b"x,y,z\n" * 20
MORE_THAN_SAMPLED = b"id,name\n" + b"".join(GOOD.splitlines(keepends=True)[:400])


@pytest.mark.parametrize("errors", [5, 1_000])
@pytest.mark.parametrize("cut", [None, -1, -10_000])
@pytest.mark.parametrize("text", [b"id,name\n" + GOOD, b"id,name\n" + BAD + GOOD, b"id,name\n" + GOOD + BAD])
def test_a_table_that_is_unpacked_meanwhile_has_the_librarys_report(
    tmp_path: Path, text: bytes, cut: int | None, errors: int
) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(text, 1, mtime=0)[:cut])
    made = validate(path, schema=SCHEMA, limits=Limits(errors=errors, fast_from=0))
    resource = Resource(path=path.name, basepath=str(tmp_path), schema=Schema.from_descriptor(SCHEMA))
    assert told(made.to_dict()) == told(resource.validate(limit_errors=errors).to_dict())
    assert made.statistics["path"] == "fast" if cut is None else made.statistics["why"] == "a compressed file"


@pytest.mark.filterwarnings("ignore:Resource .compression=no")
@pytest.mark.parametrize("compression", [None, "", "no", "gz", "zip", "xz", "bad", 5])
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
@pytest.mark.parametrize("is_packed", [False, True])
def test_a_compression_that_is_told_is_the_librarys_to_understand(
    tmp_path: Path, is_packed: bool, name: str, compression: Any
) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(MORE_THAN_SAMPLED, mtime=0) if is_packed else MORE_THAN_SAMPLED)
    descriptor = {"name": "t", "path": name, "format": "csv", "schema": SCHEMA}
    descriptor |= {} if compression is None else {"compression": compression}

    paths = []

    def ours() -> dict[str, Any]:
        made = validate(path, descriptor=descriptor, limits=ALWAYS)
        paths.append(made.statistics["path"])
        return made.to_dict()

    def outcome(check: Callable[[], dict[str, Any]]) -> Any:
        try:
            return told(check())
        except Exception as refusal:
            return repr(refusal)

    reference = outcome(lambda: Resource.from_descriptor(descriptor, basepath=str(tmp_path)).validate().to_dict())
    assert outcome(ours) == reference
    if isinstance(reference, dict) and reference["valid"]:
        assert paths == ["fast"]


@pytest.mark.parametrize("errors", [1, 2, 1_000])
@pytest.mark.parametrize("header", ["id,name", "id,nom", ""])
@pytest.mark.parametrize("rows", ["1,a\n2,b\n", "1,a\nx,b\n", ""])
def test_a_first_row_after_which_the_errors_are_too_many_is_the_last(
    write: Write, header: str, rows: str, errors: int
) -> None:
    path = write(f"{header}\n{rows}")
    made = validate(path, schema=SCHEMA, limits=Limits(errors=errors, fast_from=0))
    resource = Resource(path=path.name, basepath=str(path.parent), schema=Schema.from_descriptor(SCHEMA))
    assert told(made.to_dict()) == told(resource.validate(limit_errors=errors).to_dict())


def told(report: dict[str, Any]) -> dict[str, Any]:
    """All but the times."""
    for each in (report, *report["tasks"]):
        each["stats"]["seconds"] = 0
    return report


class Canary(ThreadingHTTPServer):
    """A server that must hear of nothing."""

    asked: list[str]


@pytest.fixture
def canary() -> Iterator[Canary]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append(self.path)
            self.send_error(404)

    server = Canary(("127.0.0.1", 0), Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


REFERENCES: dict[str, Any] = {
    "schema": {"schema": "@"},
    "dialect": {"dialect": "@"},
    "profile": {"profile": "@"},
    "profile of a table": {"profile": "@", "type": "table"},
    "path": {"path": "@"},
    "paths": {"path": ["@", "@"], "extrapaths": ["@"]},
    "url": {"url": "@", "scheme": "http", "basepath": "@", "innerpath": "@"},
    "data": {"data": "@"},
    "$schema": {"$schema": "@", "schema": {"$schema": "@", **SCHEMA}, "dialect": {"$schema": "@"}},
    "field": {"schema": {"fields": ["@"]}},
    "profile of a schema": {"schema": {"profile": "@", "profiles": ["@"], "$ref": "@", **SCHEMA}},
    "jsonSchema": {"schema": {"fields": [{"name": "id", "constraints": {"jsonSchema": {"$ref": "@"}}}]}},
    "item": {"schema": {"fields": [{"name": "id", "type": "array", "arrayItem": {"$ref": "@", "type": "any"}}]}},
    "geojson": {"schema": {"fields": [{"name": "id", "type": "geojson", "$schema": "@"}]}},
    "package": {
        "schema": {
            **SCHEMA,
            "foreignKeys": [{"fields": ["id"], "reference": {"package": "@", "resource": "@", "fields": ["id"]}}],
        }
    },
    "controls": {"dialect": {"remote": {"httpSession": "@"}, "sql": {"url": "@"}, "csv": {"$ref": "@"}}},
    "resource of a package": {"package": "@", "resources": ["@"], "profiles": ["@"], "sources": [{"path": "@"}]},
}


@pytest.mark.parametrize("descriptor", REFERENCES.values(), ids=REFERENCES.keys())
@BOTH
def test_nothing_that_a_descriptor_names_is_fetched(
    write: Write, canary: Canary, descriptor: Any, limits: Limits
) -> None:
    address = f"http://127.0.0.1:{canary.server_port}/x.json"
    path = write('id,name\n1,a\n"{""$schema"": ""' + address + '""}",b\n')
    with suppress(ReferenceRefused, FrictionlessException):
        validate(path, descriptor={"name": "t", **_pointed(descriptor, address)}, limits=limits)
    assert canary.asked == []


def test_the_canary_would_have_heard(canary: Canary) -> None:
    address = f"http://127.0.0.1:{canary.server_port}/x.json"
    with pytest.raises(FrictionlessException):
        Resource.from_descriptor({"name": "t", "path": "t.csv", "profile": address})
    assert canary.asked == ["/x.json"]


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"schema": "schema.json"}, "/schema"),
        ({"dialect": "http://h/d.json"}, "/dialect"),
        ({"profile": "http://h/p.json"}, "/profile"),
        ({"schema": {"fields": [{"name": "a"}, "field.json"]}}, "/schema/fields/1"),
    ],
)
def test_a_reference_is_refused_by_its_place(write: Write, given: Any, where: str) -> None:
    with pytest.raises(ReferenceRefused, match="must not refer to") as refused:
        validate(write("a\n1\n"), descriptor={"name": "t", **given})
    assert refused.value.where == where


def test_a_name_that_reads_as_an_address_is_refused(tmp_path: Path) -> None:
    (tmp_path / "http:t.csv").write_bytes(b"a\n1\n")
    with pytest.raises(ReferenceRefused, match="the name of the file"):
        validate(tmp_path / "http:t.csv")


def _pointed(value: Any, address: str) -> Any:
    if isinstance(value, dict):
        return {key: _pointed(each, address) for key, each in value.items()}
    if isinstance(value, list):
        return [_pointed(each, address) for each in value]
    return address if value == "@" else value


def test_a_row_that_is_lost_in_the_pass_is_a_crash(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sweep, "proven", property(lambda sweep: sweep.rows - 2))
    with pytest.raises(MiscountedRows, match=r"^3 rows were read, but counted were 1 proven \+ 1 accepted \+ 0 bad$"):
        validate(write("id,name\n1,a\n+2,b\n3,c\n"), schema=SCHEMA, limits=ALWAYS)


def test_a_bad_row_in_which_the_library_finds_no_error_is_a_crash(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sweep, "_is_good", lambda *_: False)
    with pytest.raises(MiscountedRows, match=r"^2 rows were read, but counted were 1 valid \+ 0 invalid$"):
        validate(write("id,name\n1,a\n+2,b\n"), schema=SCHEMA, limits=ALWAYS)


def test_a_row_that_the_library_counts_and_does_not_tell_is_a_crash(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = Resource.validate

    def forgetful(self: Any, *args: Any, on_row: Any, **options: Any) -> Any:
        report = resource(self, *args, on_row=on_row, **options)
        self.stats.rows += 1
        return report

    monkeypatch.setattr(Resource, "validate", forgetful)
    with pytest.raises(MiscountedRows, match=r"^3 rows were read, but counted were 2 valid \+ 0 invalid$"):
        validate(write("id,name\n1,a\n2,b\n"), schema=SCHEMA, limits=NEVER)


def test_a_pass_that_fails_is_the_librarys_to_do(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr(Engine, "run", failing)
    report = validate(write("id,name\n1,a\n"), schema=SCHEMA, limits=ALWAYS)
    assert (report.valid, report.statistics) == (True, {"path": "slow", "why": "RuntimeError: broken"})


def test_another_user_of_the_library_in_this_process_is_left_alone(write: Write) -> None:
    path = write("id;name\n1;a\n")
    validate(path, schema=SCHEMA, dialect={"delimiter": ";"})
    plain = Resource(path=path.name, basepath=str(path.parent))
    assert plain.validate().to_dict()["tasks"][0]["labels"] == ["id", "name"]


def test_importing_loads_nothing_heavy() -> None:
    code = "import sys, tabular; assert not {'frictionless', 'numpy', 'numba', 'llvmlite'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
