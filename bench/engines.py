"""What validation is measured against, each in a process of its own: `python -m bench.engines '{"engine": ...}'`."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.shapes import SHAPES, Shape
from tabular.hashing import hash_file

Work = Callable[[], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Task:
    """One measurement: an engine, a file of a shape, and how often in the same process: the median is told, and more
    than once means that the process is warm."""

    engine: str
    path: str
    shape: str
    repeats: int = 1


def ours(path: Path, shape: Shape) -> Work:
    """This engine, warm as a worker is."""
    import tabular
    import tabular.library
    from tabular.fast import warm

    warm()

    def work() -> dict[str, Any]:
        made = tabular.validate(path, schema=shape.schema, dialect=dialect_of(shape), encoding=shape.encoding)
        why = made.statistics.get("why", "")
        return {"report": told(made.to_dict()), "path": f"{made.statistics['path']} {why}".strip()}

    return work


def frictionless(path: Path, shape: Shape) -> Work:
    """The library by itself."""
    from frictionless import Dialect, Resource, Schema

    def work() -> dict[str, Any]:
        resource = Resource(
            path=path.name,
            basepath=str(path.parent),
            encoding=shape.encoding,
            schema=Schema.from_descriptor(shape.schema),
            dialect=Dialect.from_descriptor(dialect_of(shape)),
        )
        return {"report": told(resource.validate().to_dict()), "path": "frictionless"}

    return work


def dialect_of(shape: Shape) -> dict[str, Any]:
    return {"csv": {"delimiter": shape.delimiter}}


def told(report: dict[str, Any]) -> str:
    """A number for all that a report says, but for times."""
    kept = json.loads(json.dumps(report))
    assert all(task["stats"].get("rows") for task in kept["tasks"]), kept["errors"]
    for stats in (kept["stats"], *(task["stats"] for task in kept["tasks"])):
        stats["seconds"] = 0
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def hashing(path: Path, _shape: Shape) -> Work:
    return lambda: {"digest": hash_file(path).md5}


def unpacking(path: Path, _shape: Shape) -> Work:
    """Hashes a gzip file and inflates it, in one thread: less cannot be done by anybody who reads what is in it."""
    from zlib_ng import zlib_ng

    def work() -> dict[str, Any]:
        hashers = hashlib.md5(usedforsecurity=False), hashlib.sha256()
        inflater, size = zlib_ng.decompressobj(wbits=31), 0
        with path.open("rb", buffering=0) as file:
            while piece := file.read(1 << 20):
                for hasher in hashers:
                    hasher.update(piece)
                while piece:
                    size += len(inflater.decompress(piece, 1 << 18))
                    piece = inflater.unconsumed_tail
        return {"digest": hashers[0].hexdigest(), "size": size}

    return work


def python_csv(path: Path, shape: Shape) -> Work:
    def work() -> dict[str, Any]:
        with path.open(encoding=shape.encoding, newline="") as file:
            return {"rows": sum(1 for _ in csv.reader(file, delimiter=shape.delimiter))}

    return work


def polars_parse(path: Path, shape: Shape) -> Work:
    import polars as pl

    def work() -> dict[str, Any]:
        frame = pl.scan_csv(path, separator=shape.delimiter, infer_schema=False)
        return {"characters": frame.select(pl.all().str.len_bytes().sum()).collect(engine="streaming").row(0)}

    return work


def polars_check(path: Path, shape: Shape) -> Work:
    """The same rules in Polars' words, on one core: the number of cells at fault, of each column."""
    os.environ["POLARS_MAX_THREADS"] = "1"
    import polars as pl

    def work() -> dict[str, Any]:
        frame = pl.scan_csv(path, separator=shape.delimiter, infer_schema=False)
        found = frame.select(*_rules(pl)).collect(engine="streaming").row(0)
        assert not any(found), found
        return {"at fault": found}

    return work


def _rules(pl: Any) -> list[Any]:
    text = pl.col
    number = text("id").cast(pl.Int64, strict=False)
    amount, share = (text(name).cast(pl.Float64, strict=False) for name in ("amount", "share"))
    day = text("day").str.to_date("%Y-%m-%d", strict=False)
    at = text("at").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", strict=False)
    mail = text("mail").str.contains(r"^[a-z0-9.]+@[a-z]+\.[a-z]{2,3}$")
    rules = {
        "id": number.is_not_null() & (number >= 1),
        "name": text("name").is_not_null() & (text("name").str.len_chars() <= 60),
        "amount": text("amount").is_null() | amount.is_between(-1_000_000, 1_000_000),
        "day": text("day").is_null() | (day.is_not_null() & (day >= pl.date(2000, 1, 1))),
        "at": text("at").is_null() | at.is_not_null(),
        "active": text("active").is_in(["true", "false", "True", "False", "TRUE", "FALSE", "1", "0"]),
        "kind": text("kind").is_in(["red", "green", "blue", "grün"]),
        "share": text("share").is_null() | share.is_not_null(),
        "mail": text("mail").is_null() | mail,
    }
    counts = [(~rule).sum().alias(name) for name, rule in rules.items()]
    return [*counts, (pl.len() - number.n_unique()).cast(pl.Int64).alias("key"), (text("remark") == "\0").sum()]


def duckdb_parse(path: Path, shape: Shape) -> Work:
    import duckdb

    def work() -> dict[str, Any]:
        names = [field["name"] for field in shape.schema["fields"]]
        sums = ", ".join(f'sum(strlen("{name}"))' for name in names)
        read = f"read_csv('{path}', all_varchar=true, header=true, delim='{shape.delimiter}', quote='\"', escape='\"')"
        return {"characters": duckdb.connect().execute(f"select {sums} from {read}").fetchone()}  # noqa: S608 our file

    return work


def pyarrow_parse(path: Path, shape: Shape) -> Work:
    import pyarrow as pa
    from pyarrow import csv as arrow

    def work() -> dict[str, Any]:
        names = [field["name"] for field in shape.schema["fields"]]
        batches = arrow.open_csv(
            path,
            read_options=arrow.ReadOptions(block_size=4 << 20),
            parse_options=arrow.ParseOptions(delimiter=shape.delimiter, newlines_in_values=True),
            convert_options=arrow.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )
        return {"rows": sum(batch.num_rows for batch in batches)}

    return work


ENGINES: dict[str, Callable[[Path, Shape], Work]] = {
    "this": ours,
    "this, one core": ours,
    "frictionless": frictionless,
    "hash": hashing,
    "hash and unpack": unpacking,
    "Polars' checks, one core": polars_check,
    "Polars, parse only": polars_parse,
    "PyArrow, parse only": pyarrow_parse,
    "DuckDB, parse only": duckdb_parse,
    "Python's csv, parse only": python_csv,
}


def run(task: Task) -> dict[str, Any]:
    """Seconds of wall and CPU (medians of the repeats), MB of memory at the peak, and what the engine found."""
    if task.engine.endswith("one core"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    work = ENGINES[task.engine](Path(task.path), SHAPES[task.shape])
    if task.repeats > 1:
        work()  # what is made once in a process is made before
    walls, cpus, found = [], [], {}
    for _ in range(task.repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        found = work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))  # in kB
    times = {"wall": statistics.median(walls), "cpu": statistics.median(cpus)}
    return {**times, "peak": int(peak.split()[1]) / 1000, **found}


if __name__ == "__main__":
    print(json.dumps(run(Task(**json.loads(sys.argv[1])))))
