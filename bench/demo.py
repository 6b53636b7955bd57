"""`make demo` in a state of its own, from the first start to the end: `python -m bench.demo`.

The first time makes the cluster and the buckets; the promise of 6 s is for those after it. Some arithmetic is timed
before each, so that runs of machines that are not equally fast, or not equally busy, can be compared.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOOPS = 10_000_000


def yardstick() -> float:
    """Seconds that this Python needs for ten million additions."""
    started = time.perf_counter()
    total = 0
    for number in range(LOOPS):
        total += number
    return time.perf_counter() - started


def demo(state: Path) -> float:
    """Seconds from the command to its end, everything stopped again. Exits with its output when it fails."""
    environment = {**os.environ, "DH_STATE": str(state), "DH_PORT": "0"}
    started = time.perf_counter()
    done = subprocess.run(
        ("make", "demo"),
        check=False,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="starts after the first")
    words = parser.parse_args()
    print("| start | seconds | ten million additions, seconds |")
    print("| --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="bench-demo-") as folder:
        for number in range(words.rounds + 1):
            pace = yardstick()
            print(f"| {number + 1} | {demo(Path(folder)):.1f} | {pace:.2f} |", flush=True)


if __name__ == "__main__":
    main()
