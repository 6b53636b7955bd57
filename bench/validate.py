"""Validation against frictionless, against hashing alone and against peers, as Markdown: `python -m bench.validate`.

Every measurement is a process of its own, timed after its imports, warm as a worker is; all engines take turns, round
by round. The report of this engine must be frictionless' own in everything but times: one that differs is exit code 1.

`--shape clean --size 1000000000 --reference kept.json` keeps frictionless' measurement, which takes six minutes there,
for the next run of the same machine.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.engines import ENGINES, Task
from bench.shapes import SHAPES, write

Found = dict[str, Any]
ONCE = 300_000_000
"""Bytes from which frictionless is measured once, not in every round."""
MAIN = ("this", "frictionless", "hash")
UNPACKING = "hash and unpack"
SMALL = (1_000, 10_000, 100_000, 1_000_000)
PLAN = [*((name, 100_000_000) for name in SHAPES), ("clean", 1_000_000_000), *(("clean", size) for size in SMALL)]


@dataclass(slots=True)
class Kept:
    """Measurements of frictionless that are not made anew, in a file."""

    place: Path | None

    def get(self, key: str) -> Found | None:
        return self._all().get(key)

    def put(self, key: str, found: Found) -> None:
        if self.place is not None:
            self.place.write_text(json.dumps(self._all() | {key: found}, indent=1))

    def _all(self) -> dict[str, Found]:
        return json.loads(self.place.read_text()) if self.place is not None and self.place.exists() else {}


@dataclass(slots=True)
class Compared:
    """All measurements of one file, engine by engine in the order of rounds."""

    shape: str
    size: int
    taken: dict[str, list[Found]]
    single: bool = False

    @property
    def same(self) -> bool:
        """Whether all reports are one."""
        return (
            len({each["report"] for name in ("this", "this, one core", "frictionless") for each in self.of(name)}) < 2
        )

    def of(self, engine: str) -> list[Found]:
        return self.taken.get(engine, [])

    def median(self, engine: str, key: str) -> float:
        return float(statistics.median(each[key] for each in self.of(engine)))

    def times(self, slower: str, faster: str, key: str) -> str:
        """How many times as long the one takes: the median of the rounds, and their range."""
        pairs = zip(self._each_round(slower, len(self.of(faster))), self.of(faster), strict=True)
        ratios = [one[key] / other[key] for one, other in pairs]
        return f"{_short(statistics.median(ratios))} ({_short(min(ratios))}-{_short(max(ratios))})"

    def speed(self, engine: str, key: str) -> str:
        speeds = [self.size / 1e6 / each[key] for each in self.of(engine)]
        return f"{_short(statistics.median(speeds))} ({_short(min(speeds))}-{_short(max(speeds))})"

    def _each_round(self, engine: str, rounds: int) -> list[Found]:
        found = self.of(engine)
        return found if len(found) == rounds else [found[0]] * rounds


def _short(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def measure(task: Task) -> Found:
    """One measurement in a process of its own."""
    words = [sys.executable, "-m", "bench.engines", json.dumps(asdict(task))]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{task.engine} failed on {task.shape}:\n{done.stderr[-2000:]}")
    found: Found = json.loads(done.stdout)
    return found


def compare(shape: str, size: int, engines: Sequence[str], rounds: int, folder: Path, kept: Kept) -> Compared:
    """Writes the file and has all engines take turns at it."""
    path = folder / f"{shape}.csv{SHAPES[shape].suffix}"
    write(path, SHAPES[shape], size)
    repeats = max(3, min(25, 1_000_000 // size)) if size <= 1_000_000 else 1
    compared = Compared(shape, size, {name: [] for name in engines}, size >= ONCE)
    if compared.single and (found := kept.get(f"{shape} {size}")):
        compared.taken["frictionless"].append(found)
    for _ in range(rounds):
        for name in engines:
            if name == "frictionless" and compared.single and compared.of(name):
                continue
            found = measure(Task(name, str(path), shape, repeats))
            compared.taken[name].append(found)
            if name == "frictionless" and compared.single:
                kept.put(f"{shape} {size}", found)
    compared.size = size if SHAPES[shape].suffix else path.stat().st_size
    path.unlink()
    return compared


def row(made: Compared) -> str:
    """A file's row in the table of files."""
    hashed = made.times("hash", "this", "wall")
    if made.of(UNPACKING):
        hashed += f" of the compressed file's; {made.times(UNPACKING, 'this', 'wall')} with its unpacking"
    size = f"{made.size / 1e6:,.0f} MB" if made.size >= 5e5 else f"{made.size / 1e3:,.0f} KB"
    cells = [
        f"{SHAPES[made.shape].says}, {size}",
        made.speed("this", "wall"),
        made.times("frictionless", "this", "wall") + (" *" if made.single else ""),
        made.times("frictionless", "this", "cpu"),
        hashed,
        f"{made.median('this', 'peak'):.0f} / {made.median('frictionless', 'peak'):.0f}",
        made.of("this")[0]["path"],
    ]
    return f"| {' | '.join(cells)} |"


def peers(made: Compared) -> Iterator[str]:
    """The table of engines for one file."""
    yield f"\nAll on the clean file of {made.size / 1e6:,.0f} MB:\n"
    yield "| engine | MB/s | MB per CPU second | peak MB | time beside this engine's |"
    yield "| --- | --- | --- | --- | --- |"
    for name in made.taken:
        ratio = made.times(name, "this", "wall") if name != "this" else "1"
        speeds = f"{made.speed(name, 'wall')} | {made.speed(name, 'cpu')}"
        yield f"| {name} | {speeds} | {made.median(name, 'peak'):.0f} | {ratio} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", action="append", choices=SHAPES, help="only these; may be given several times")
    parser.add_argument("--size", type=int, action="append", help="bytes; may be given several times")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true", help="this engine, frictionless and hashing only")
    parser.add_argument("--reference", type=Path, help="a file that keeps frictionless' time for 300 MB and more")
    words = parser.parse_args()
    plan = [(name, size) for name, size in PLAN if words.shape is None or name in words.shape]
    if words.size:
        plan = [(name, size) for size in words.size for name in words.shape or SHAPES]
    made: list[Compared] = []
    with tempfile.TemporaryDirectory(prefix="bench-validate-") as folder:
        print(
            "| file | MB/s | times frictionless | in CPU | share of hashing's speed | peak MB, frictionless' | path |"
        )
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for shape, size in plan:
            everyone = shape == "clean" and size >= 10_000_000 and not words.no_peers
            engines = tuple(name for name in ENGINES if name != UNPACKING) if everyone else MAIN
            engines += (UNPACKING,) if SHAPES[shape].suffix else ()
            made.append(compare(shape, size, engines, words.rounds, Path(folder), Kept(words.reference)))
            print(row(made[-1]), flush=True)
            if not made[-1].same:
                print(f"The reports on {shape} differ.", file=sys.stderr)
                return 1
    for each in made:
        if len(each.taken) > len(MAIN) + 1:
            print("\n".join(peers(each)))
    paths = Counter(found["path"].partition(" ")[0] for each in made for found in each.of("this"))
    print(f"\nMedians and ranges of {words.rounds} rounds, in which all take turns; every report is frictionless' own.")
    print(f"Paths taken: {dict(paths)}. *: frictionless was measured once.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
