"""What a foreign key costs: `python -m bench.keys` checks 10 million rows against 1 million keys, with and without.

Each measurement is a process of its own, with its own peak of memory; the pairs take turns.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tabular.foreignkeys import Referenced
from tabular.limits import Limits
from tabular.validation import validate_table

KINDS: dict[str, tuple[str, Callable[[int], str]]] = {
    "integer": ("integer", lambda number: str(number * 7)),
    "text": ("string", lambda number: f"CITY-{number * 7919 % 10**8:08}"),
}
OTHERS = [{"name": "name", "type": "string"}, {"name": "amount", "type": "number"}, {"name": "day", "type": "date"}]


def write(folder: Path, kind: str, rows: int, keys: int) -> None:
    """Both tables; every row of the one refers to some row of the other."""
    _, key_of = KINDS[kind]
    chance = random.Random(1)
    with (folder / "cities.csv").open("w") as file:
        file.write("id,city\n")
        file.writelines(f"{key_of(number)},city {number}\n" for number in range(keys))
    with (folder / "people.csv").open("w") as file:
        file.write("number,name,amount,day,city\n")
        for number in range(rows):
            day = f"20{number % 20 + 10}-0{number % 9 + 1}-{number % 18 + 10}"
            file.write(f"{number},name {number % 1000},{number % 10000}.25,{day},{key_of(chance.randrange(keys))}\n")


def one(folder: Path, kind: str, with_key: bool) -> dict[str, Any]:
    """One measurement in this process."""
    import tabular.library  # noqa: F401 its import is not what is measured
    from tabular.fast import warm

    warm()
    field = KINDS[kind][0]
    schema: dict[str, Any] = {
        "fields": [{"name": "number", "type": "integer"}, *OTHERS, {"name": "city", "type": field}],
    }
    cities = {"fields": [{"name": "id", "type": field}, {"name": "city", "type": "string"}]}
    if with_key:
        schema["foreignKeys"] = [{"fields": "city", "reference": {"resource": "cities", "fields": "id"}}]
    wall, cpu = time.perf_counter(), time.process_time()
    found = validate_table(
        folder / "people.csv",
        resource={"name": "people", "schema": schema},
        limits=Limits(fast_from=0),
        references={"cities": Referenced(folder / "cities.csv", {}, cities)},
    )
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert found.valid, found.report["tasks"][0]["errors"][:3]
    assert found.evidence["engine"]["path"] == "fast", found.evidence
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))  # in kB
    return {"wall": wall, "cpu": cpu, "peak": int(peak.split()[1]) / 1000, "rows": found.rows}


def measure(folder: Path, kind: str, with_key: bool) -> dict[str, Any]:
    words = [sys.executable, "-m", "bench.keys", "--one", str(folder), kind, "with" if with_key else "without"]
    said: dict[str, Any] = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.one:
        folder, kind, which = words.one
        print(json.dumps(one(Path(folder), kind, which == "with")))
        return
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), kind, words.rows, words.keys)
            size = (Path(folder) / "people.csv").stat().st_size / 1e6
            pairs = [
                (measure(Path(folder), kind, True), measure(Path(folder), kind, False)) for _ in range(words.rounds)
            ]
        for what in ("wall", "cpu"):
            ratios = sorted(mine[what] / plain[what] for mine, plain in pairs)
            spent = statistics.median(mine[what] for mine, _ in pairs)
            print(
                f"{kind:8} {words.rows:,} rows ({size:.0f} MB) against {words.keys:,} keys: {what} {spent:.1f} s,"
                f" {statistics.median(ratios):.2f}x ({ratios[0]:.2f}-{ratios[-1]:.2f}) of the check without the key"
            )
        peaks = [max(pair[index]["peak"] for pair in pairs) for index in (0, 1)]
        print(f"{kind:8} peak memory {peaks[0]:.0f} MB, without the key {peaks[1]:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
