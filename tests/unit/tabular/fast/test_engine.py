from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tabular.fast import cache, unfit
from tabular.limits import Limits
from tabular.validation import Validation, validate_table
from tests.unit.tabular.conftest import Write

FIELDS = [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}]
ALWAYS = Limits(fast_from=0)


def check(path: Path, limits: Limits = ALWAYS, dialect: dict[str, Any] | None = None, **schema: Any) -> Validation:
    resource = {"name": "t", "schema": {"fields": FIELDS, **schema}}
    return validate_table(path, resource=resource, dialect=dialect, limits=limits)


def rules(validation: Validation) -> list[tuple[str, int]]:
    return [(error["type"], error["rowNumber"]) for task in validation.report["tasks"] for error in task["errors"]]


def test_the_path_that_was_taken_is_evidence_and_not_in_the_report(write: Write) -> None:
    path = write("id,name\n1,a\nx,b\n")
    fast, slow = check(path), check(path, Limits(fast_from=None))
    assert fast.evidence["engine"] == {"path": "fast", "bad": 1, "learned": 0}
    assert slow.evidence["engine"] == {"path": "slow", "why": "small"}
    assert "engine" not in str(fast.report)
    assert rules(fast) == rules(slow) == [("type-error", 3)]


def test_small_tables_are_not_worth_loading_the_pass(write: Write) -> None:
    assert check(write("id,name\n1,a\n"), Limits()).evidence["engine"] == {"path": "slow", "why": "small"}


@pytest.mark.parametrize(
    ("content", "dialect", "why"),
    [
        (b"id,name\n" + b"1,a\n" * 3_000 + b"1,\xff\n", {}, "bytes that are not UTF-8"),
        (b"id,name\n" + b"1,a\n" * 3_000 + b"1,\xc3\n", {}, "bytes that are not UTF-8"),
        (b"id,name\n" + b"1,a\n" * 3_000 + b"1,\xe2\x82", {}, "bytes that are not UTF-8"),
        (b"id,name\n1,\xff\n", {}, "before the first row"),
        (b"id,name\n1,a\n", {"escapeChar": ","}, "something else"),
        ("id§name\n1§a\n".encode(), {"delimiter": "§"}, "beyond ASCII"),
    ],
)
def test_what_is_outside_goes_to_the_library_and_says_why(
    write: Write, content: bytes, dialect: dict[str, Any], why: str
) -> None:
    engine = check(write(content), dialect=dialect).evidence["engine"]
    assert engine["path"] == ("none" if "before" in why else "slow")
    assert why in engine["why"]


def test_a_foreign_key_into_the_table_itself_is_checked_on_both_paths(write: Write) -> None:
    path = write("id,name\n1,2\n2,1\n3,4\n")
    key = {"fields": ["name"], "reference": {"resource": "", "fields": ["id"]}}
    fields = [{"name": "id", "type": "integer"}, {"name": "name", "type": "integer"}]
    for limits in (ALWAYS, Limits(fast_from=None)):
        assert rules(check(path, limits, fields=fields, foreignKeys=[key])) == [("foreign-key", 4)]


def test_a_key_that_comes_again_after_a_million_rows_is_found(write: Write) -> None:
    rows = 1_000_000
    path = write("id,name\n" + "".join(f"{number * 7919 % 1_000_003},a\n" for number in range(rows)) + "7919,b\n")
    found = check(path, primaryKey="id")
    assert rules(found) == [("primary-key", rows + 2)]
    assert found.report["tasks"][0]["errors"][0]["note"] == "the same as in the row at position 3"
    assert (found.rows, found.evidence["engine"]["path"]) == (rows + 1, "fast")


def test_a_primary_key_that_is_unique_besides_is_told_of_twice(write: Write) -> None:
    fields = [{"name": "id", "type": "integer", "constraints": {"unique": True}}, {"name": "name", "type": "string"}]
    path = write("id,name\n" + "".join(f"{row},a\n" for row in [*range(70_000), 69_999, 3, 3]))
    found = check(path, fields=fields, primaryKey="id")
    rows = [70_002, 70_003, 70_004]
    assert rules(found) == [(rule, row) for row in rows for rule in ("unique-error", "primary-key")]
    assert found.evidence["engine"] == {"path": "fast", "bad": 0, "learned": 0}


def test_a_table_full_of_errors_is_left_at_the_limit(write: Write) -> None:
    told: list[int] = []
    path = write("id,name\n" + "x,a\n" * 500_000)
    resource = {"name": "t", "schema": {"fields": FIELDS}}
    found = validate_table(path, resource=resource, limits=ALWAYS, progress=told.append)
    assert (found.rows, found.errors_total, found.truncated) == (1_000, 1_000, True)
    assert max(told) < 100_000


def test_a_key_that_is_always_the_same_is_left_at_the_limit(write: Write) -> None:
    found = check(write("id,name\n" + "1,a\n" * 200_000), primaryKey="id")
    assert (found.rows, found.errors_total, found.truncated) == (1_001, 1_000, True)


def test_unusual_cells_are_learned_and_then_pass(write: Write) -> None:
    found = check(write("id,name\n" + "+1,a\n+2,b\n" * 50_000))
    assert found.valid
    assert found.evidence["engine"] == {"path": "fast", "bad": 0, "learned": 2}


def test_a_cell_of_many_megabytes_is_read_in_one_piece(write: Write) -> None:
    found = check(write('id,name\n1,"' + "x" * 20_000_000 + '"\n2,b\n'))
    assert (found.valid, found.rows, found.evidence["engine"]["path"]) == (True, 2, "fast")


def test_importing_and_small_tables_load_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id\n1\n")
    code = (
        "import sys; from pathlib import Path; from tabular.validation import validate_table\n"
        f"assert validate_table(Path({str(tmp_path / 't.csv')!r}), resource={{'name': 't'}}).valid\n"
        "assert not {'numba', 'numpy', 'llvmlite'} & set(sys.modules), 'heavy'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[4])


def test_the_pass_runs_without_the_compiler(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id\n" + "1\n" * 100)
    code = (
        "import sys; from pathlib import Path\n"
        "from tabular.limits import Limits; from tabular.validation import validate_table\n"
        f"path, limits = Path({str(tmp_path / 't.csv')!r}), Limits(fast_from=0)\n"
        "found = validate_table(path, resource={'name': 't'}, limits=limits)\n"
        "assert found.evidence['engine']['path'] == 'fast', found.evidence\n"
        "assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[4])


def test_without_a_compiled_kernel_tables_are_checked_by_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "places", lambda: [Path("/nowhere/kernel.o")])
    assert unfit(50_000_000, 0) == "not compiled"


def test_a_change_in_anything_compiled_is_another_kernel() -> None:
    compiled = {path.stem for path in cache.PACKAGE.glob("*.py") if "tabular.fast.machine import" in path.read_text()}
    assert compiled - {"compile"} <= set(cache.SOURCES)
    assert {"layout", "machine", "vector"} <= set(cache.SOURCES)


def test_a_place_that_cannot_be_written_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, refused: Callable[[], Path]
) -> None:
    places = [refused() / "kernel.o", tmp_path / "deep" / "kernel.o"]
    monkeypatch.setattr(cache, "places", lambda: places)
    assert cache.keep([("walk", b"code\n"), ("other", b"")]) == places[1]
    assert cache.read(places[1]) == [("walk", b"code\n"), ("other", b"")]
    assert cache.found() == places[1]
    assert [each.name for each in places[1].parent.iterdir()] == ["kernel.o"]


@pytest.fixture
def refused(tmp_path: Path) -> Callable[[], Path]:
    """A folder in which nobody, root included, can make a file: it is a file itself."""

    def make() -> Path:
        place = tmp_path / "file"
        place.write_bytes(b"")
        return place

    return make


def test_it_runs_in_a_child_with_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id\n" + "".join(f"{number}\n" for number in range(300_000)))
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (800_000_000, 800_000_000))\n"
        "from pathlib import Path; from tabular.limits import Limits; from tabular.validation import validate_table\n"
        "schema = {'fields': [{'name': 'id', 'type': 'integer', 'constraints': {'unique': True}}]}\n"
        f"path, limits = Path({str(path)!r}), Limits(fast_from=0)\n"
        "found = validate_table(path, resource={'name': 't', 'schema': schema}, limits=limits)\n"
        "assert found.valid and found.evidence['engine']['path'] == 'fast', found.evidence\n"
        "peak = next(line for line in Path('/proc/self/status').read_text().splitlines() if line.startswith('VmHWM'))\n"
        "assert int(peak.split()[1]) < 200_000, peak"
    )
    environment = {"PATH": os.defpath, "PYTHONPATH": str(Path(__file__).parents[4])}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=tmp_path)


@pytest.mark.parametrize("ahead", [b"", b"1,2\n"], ids=["first row", "second row"])
def test_a_huge_cell_is_checked_in_300_mb(tmp_path: Path, ahead: bytes) -> None:
    path = tmp_path / "t.csv"
    with path.open("wb") as file:
        file.write(b"id,name\n" + ahead + b"3,")
        file.writelines([b"line " * 10_000] * 1_000)
        file.write(b"\n5,6\n")
    code = (
        f"import tabular; made = tabular.validate({str(path)!r}, schema={{'fields': {FIELDS!r}}})\n"
        "assert made.valid and made.statistics['path'] == 'fast', made.statistics\n"
        "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "assert int(peak.split()[1]) < 300_000, peak"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[4])


def test_after_a_rehearsal_a_check_imports_nothing_more(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,day,at\n" + "".join(f"{number},2026-1-1,2026-01-01 00:00:00\n" for number in range(1_000)))
    code = (
        "import gc, sys, tabular; from tabular import fast\n"
        "assert fast.warm() and gc.get_freeze_count() and sys.getswitchinterval() <= fast.LOCK_AFTER\n"
        "before = set(sys.modules)\n"
        "kinds = {'id': 'integer', 'day': 'date', 'at': 'datetime'}\n"
        "fields = [{'name': name, 'type': kind} for name, kind in kinds.items()]\n"
        f"made = tabular.validate({str(path)!r}, schema={{'fields': fields}})\n"
        "assert made.valid and made.statistics['path'] == 'fast', made.statistics\n"
        "assert set(sys.modules) == before, set(sys.modules) - before"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[4])
