"""Random tables checked by both paths of the validation: no difference is allowed; `python -m bench.fuzz -n 999`"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.unit.tabular.fast.cases import case
from tests.unit.tabular.fast.differential import compare


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=1_000, help="tables")
    parser.add_argument("--first", type=int, default=0, help="the number of the first table; each is made from its own")
    parser.add_argument("--keep", type=Path, help="a folder for the tables that differ")
    words = parser.parse_args()
    counts: Counter[str] = Counter()
    why: Counter[str] = Counter()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(words.first, words.first + words.n):
            made = case(seed)
            compared = compare(Path(folder) / "table.csv", made)
            counts[compared.path] += 1
            why[compared.why] += compared.path == "slow"
            if not compared.same:
                counts["different"] += 1
                print(f"table {seed} differs", flush=True)
                if words.keep:
                    words.keep.mkdir(exist_ok=True)
                    (words.keep / f"{seed}.csv").write_bytes(made.data)
                    (words.keep / f"{seed}.json").write_text(
                        json.dumps([repr(made), compared.fast, compared.slow], indent=1)
                    )
    print(f"{words.n} tables in {time.perf_counter() - started:.0f} s: {dict(counts)}")
    for reason, count in why.most_common(12):
        print(f"  {count:6} {reason}")
    return 1 if counts["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
