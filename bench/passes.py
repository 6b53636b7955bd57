"""CPU of the passes over a whole file that are no validation, beside md5: compiled, and as the reference does them."""

from __future__ import annotations

import argparse
import hashlib
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.tables import csv
from tabular import dump, fast
from tabular.dialect import Dialect
from tabular.dump import write_canonical
from tabular.inference import infer_schema
from tabular.limits import Limits
from tabular.scan import scan

SEMICOLON = {"delimiter": ";"}


def md5(path: Path) -> None:
    hasher = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            hasher.update(piece)


def rewrite(path: Path, least: int | None) -> None:
    kept, dump.UNBOUNDED = dump.UNBOUNDED, replace(dump.UNBOUNDED, fast_from=least)
    try:
        write_canonical(path, "utf-8", SEMICOLON, path.with_suffix(".out"))
    finally:
        dump.UNBOUNDED = kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=200_000_000, help="bytes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--reference", action="store_true", help="also without the compiled pass: minutes")
    words = parser.parse_args()
    fast.warm()
    with tempfile.TemporaryDirectory() as folder:
        path, other = Path(folder) / "comma.csv", Path(folder) / "semicolon.csv"
        with path.open("wb") as file, other.open("wb") as twin:
            for piece in csv(words.size):
                file.write(piece)
                twin.write(piece.replace(b",", b";"))
        passes: dict[str, Callable[[], object]] = {"md5": lambda: md5(path)}
        for name, least in (("", 0), (", reference", None))[: 1 + words.reference]:
            limits = Limits(fast_from=least)
            passes[f"scan{name}"] = lambda limits=limits: scan(path, Dialect(), limits)  # type: ignore[misc]
            passes[f"infer{name}"] = lambda limits=limits: infer_schema(path, Dialect(), limits=limits)  # type: ignore[misc]
            passes[f"rewrite, hashes too{name}"] = lambda least=least: rewrite(other, least)  # type: ignore[misc]
        taken: dict[str, list[float]] = defaultdict(list)
        for _ in range(words.rounds):
            for name, work in passes.items():
                started = time.process_time()
                work()
                taken[name].append(time.process_time() - started)
        for name, seconds in taken.items():
            ratio = statistics.median(mine / other for mine, other in zip(seconds, taken["md5"], strict=True))
            speed = words.size / 1e6 / statistics.median(seconds)
            print(f"{name:32} {speed:6.0f} MB/cpu-s, {ratio:6.2f} times md5's CPU")


if __name__ == "__main__":
    main()
