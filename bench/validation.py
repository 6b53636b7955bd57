"""Validation by the compiled pass against frictionless alone, in pairs: `python -m bench.validation --size 100000000`.

Each measurement is a process of its own, with its own peak of memory; times are taken after the imports, and the whole
process' is told too. A report that differs ends the run: no speed counts without it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tabular.hashing import hash_file
from tabular.limits import Limits
from tabular.validation import validate_table

SCHEMA: dict[str, Any] = {
    "fields": [
        {"name": "id", "type": "integer", "constraints": {"required": True, "unique": True, "minimum": 1}},
        {"name": "name", "type": "string", "constraints": {"required": True, "maxLength": 60}},
        {"name": "amount", "type": "number", "constraints": {"minimum": -1_000_000, "maximum": 1_000_000}},
        {"name": "day", "type": "date", "constraints": {"minimum": "2000-01-01"}},
        {"name": "at", "type": "datetime"},
        {"name": "active", "type": "boolean"},
        {"name": "kind", "type": "string", "constraints": {"enum": ["red", "green", "blue", "grün"]}},
        {"name": "share", "type": "number"},
        {"name": "mail", "type": "string", "constraints": {"pattern": "[a-z0-9.]+@[a-z]+\\.[a-z]{2,3}"}},
        {"name": "remark", "type": "string"},
    ],
    "primaryKey": ["id"],
}
WORDS = ("quiet", "river", "Ærø", "Zürich", "hedgehog", "copper", "łódka", "north", "seven", "paper", "of", "a", "line")
Spoil = Callable[[random.Random, list[str]], list[str]]


def clean(_chance: random.Random, cells: list[str]) -> list[str]:
    return cells


def dirty(chance: random.Random, cells: list[str]) -> list[str]:
    """One row of 20,000 is wrong in some way."""
    if chance.random() > 0.00005:
        return cells
    wrong = cells.copy()
    wrong[chance.randrange(9)] = "x?"
    return chance.choice([wrong, cells[:-1], [*cells, "more"], [""] * 10, ["1", *cells[1:]]])


def heavy(chance: random.Random, cells: list[str]) -> list[str]:
    """One row of 100 is wrong: the limit of errors comes early."""
    return cells if chance.random() > 0.01 else [*cells[:2], "x?", *cells[3:]]


def unpadded(_chance: random.Random, cells: list[str]) -> list[str]:
    """Most rows have a date that is right but not written as dates are."""
    year, month, day = cells[3].split("-")
    return [*cells[:3], f"{year}-{int(month)}-{int(day)}", *cells[4:]]


SHAPES: dict[str, tuple[Spoil, str, str]] = {
    "clean": (clean, ",", "\n"),
    "dirty": (dirty, ",", "\n"),
    "heavy": (heavy, ",", "\n"),
    "unpadded": (unpadded, ",", "\n"),
    "semicolon": (clean, ";", "\r\n"),
}


def rows(size: int, spoil: Spoil, delimiter: str, end: str) -> Iterator[bytes]:
    """Pieces of a file of at least `size` bytes; the same ones always."""
    chance = random.Random(1)
    yield (delimiter.join(field["name"] for field in SCHEMA["fields"]) + end).encode()
    written = number = 0
    while written < size:
        lines = []
        for _ in range(2_000):
            number += 1
            lines.append(delimiter.join(_quoted(cell, delimiter) for cell in spoil(chance, _row(chance, number))) + end)
        piece = "".join(lines).encode()
        written += len(piece)
        yield piece


def _row(chance: random.Random, number: int) -> list[str]:
    words = chance.choices(WORDS, k=6)
    when = f"20{chance.randrange(10, 30)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"
    share = f"{chance.random():.6f}" if number % 7 else ""
    remark = f'{words[2]}, {words[3]} "{words[4]}"\n{words[5]}' if number % 5 == 0 else " ".join(words)
    return [
        str(number),
        f"{words[0]} {words[1]}",
        f"{chance.randrange(-(10**7), 10**7) / 100}",
        when,
        f"{when}T12:{number % 60:02}:00Z",
        "true" if number % 3 else "false",
        ("red", "green", "blue", "grün")[number % 4],
        share,
        f"user{number}@example.org",
        remark,
    ]


def _quoted(cell: str, delimiter: str) -> str:
    if any(character in cell for character in (delimiter, '"', "\n")):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def one(path: Path, engine: str, delimiter: str) -> dict[str, Any]:
    """One measurement in this process."""
    if engine == "hash":
        return _timed(lambda: (hash_file(path).md5, "hash"))
    if engine == "fast":
        from tabular.fast import warm

        warm()
    limits = Limits(fast_from=0 if engine == "fast" else None)

    def check() -> tuple[str, str]:
        validation = validate_table(
            path, resource={"name": "t", "schema": SCHEMA}, dialect={"delimiter": delimiter}, limits=limits
        )
        report = validation.report
        for stats in (report["stats"], *(task["stats"] for task in report["tasks"])):
            stats["seconds"] = 0
        told = json.dumps([report, validation.rows], sort_keys=True)
        engine = validation.evidence["engine"]
        return hashlib.sha256(told.encode()).hexdigest(), f"{engine['path']} {engine.get('why', '')}".strip()

    import tabular.library  # noqa: F401 its import is not what is measured

    return _timed(check)


def _timed(work: Callable[[], tuple[str, str]]) -> dict[str, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    digest, path = work()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))  # in kB
    return {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "peak": int(peak.split()[1]) / 1000,
        "digest": digest,
        "path": path,
    }


def measure(path: Path, engine: str, delimiter: str) -> dict[str, Any]:
    """One measurement in a process of its own; `whole` is the process' wall time."""
    started = time.perf_counter()
    words = [sys.executable, "-m", "bench.validation", "--one", str(path), engine, delimiter]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return {**json.loads(said), "whole": time.perf_counter() - started}


def compare(name: str, size: int, rounds: int, folder: Path) -> Counter[str]:
    spoil, delimiter, end = SHAPES[name]
    path = folder / f"{name}.csv"
    with path.open("wb") as file:
        file.writelines(rows(size, spoil, delimiter, end))
    taken: dict[str, list[dict[str, Any]]] = {"fast": [], "slow": [], "hash": []}
    for _ in range(rounds):
        for engine, found in taken.items():
            found.append(measure(path, engine, delimiter))
    if len({each["digest"] for each in taken["fast"] + taken["slow"]}) != 1:
        sys.exit(f"{name}: the reports differ")
    fast, slow, hashing = (taken[engine] for engine in ("fast", "slow", "hash"))
    megabytes = path.stat().st_size / 1e6
    print(
        f"{name:10} {megabytes:6.1f} MB | wall {_ratio(slow, fast, 'wall')} cpu {_ratio(slow, fast, 'cpu')} process"
        f" {_ratio(slow, fast, 'whole')} | fast {megabytes / _median(fast, 'wall'):5.0f} MB/s,"
        f" {megabytes / _median(fast, 'cpu'):5.0f} MB/cpu-s, hashing {_ratio(hashing, fast, 'wall')} |"
        f" peak {_median(fast, 'peak'):.0f} MB, alone {_median(slow, 'peak'):.0f} MB | {fast[0]['path']}",
        flush=True,
    )
    path.unlink()
    return Counter(each["path"].partition(" ")[0] for each in fast)


def _median(found: list[dict[str, Any]], key: str) -> float:
    return float(statistics.median(each[key] for each in found))


def _ratio(one: list[dict[str, Any]], other: list[dict[str, Any]], key: str) -> str:
    """How many times longer the one takes: the median of the pairs, and their range."""
    ratios = [mine[key] / theirs[key] for mine, theirs in zip(one, other, strict=True)]
    return f"{statistics.median(ratios):.2f}x ({min(ratios):.2f}-{max(ratios):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, action="append", help="bytes; may be given several times")
    parser.add_argument("--shape", action="append", choices=SHAPES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.one:
        path, engine, delimiter = words.one
        print(json.dumps(one(Path(path), engine, delimiter)))
        return
    paths: Counter[str] = Counter()
    print("times that frictionless alone takes of the pass' time (median of pairs, range); every report is identical")
    with tempfile.TemporaryDirectory() as folder:
        for size in words.size or [100_000, 10_000_000, 100_000_000]:
            for name in words.shape or SHAPES:
                paths += compare(name, size, words.rounds, Path(folder))
    print(f"paths taken: {dict(paths)}")


if __name__ == "__main__":
    main()
