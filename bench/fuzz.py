"""Random tables checked by frictionless and by us: no difference is allowed; `python -m bench.fuzz -n 999`"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.unit.tabular.fast.cases import Case, case
from tests.unit.tabular.fast.differential import Compared, compare

TOLD = 1_000
"""Tables after which it says how far it is: a campaign that is cut short has been worth something."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=1_000, help="tables")
    parser.add_argument("--first", type=int, default=0, help="the number of the first table; each is made from its own")
    parser.add_argument("--keep", type=Path, help="a folder for the tables that differ")
    words = parser.parse_args()
    paths: Counter[str] = Counter()
    why: Counter[str] = Counter()
    different = 0
    started = time.perf_counter()
    for seed in range(words.first, words.first + words.n):
        made = case(seed)
        with tempfile.TemporaryDirectory() as folder:
            try:
                compared = compare(Path(folder), made)
            except Exception as error:  # a crash is a difference: one side said nothing
                compared = Compared(repr(error), None, "crashed", "")
        paths[compared.path] += 1
        why[compared.why] += compared.path == "slow"
        if not compared.same:
            different += 1
            print(f"table {seed} differs ({compared.path})", flush=True)
            if words.keep:
                _keep(words.keep, seed, made, compared)
        if (seed + 1 - words.first) % TOLD == 0:
            _tell(seed + 1 - words.first, different, paths, why, time.perf_counter() - started)
    _tell(words.n, different, paths, why, time.perf_counter() - started)
    return 1 if different else 0


def _keep(folder: Path, seed: int, made: Case, compared: Compared) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{seed}.{made.name}").write_bytes(made.data)
    said = [made.descriptor, made.is_told, made.errors, made.piece, compared.why, compared.ours, compared.reference]
    (folder / f"{seed}.json").write_text(json.dumps(said, indent=1, default=str))


def _tell(tables: int, different: int, paths: Counter[str], why: Counter[str], seconds: float) -> None:
    """The share of the fast path is of the tables whose rows were looked at."""
    print(f"{tables:,} tables in {seconds:,.0f} s, {different:,} differ", flush=True)
    reported = max(paths["fast"] + paths["slow"], 1)
    print(
        f"fast {paths['fast']:,} ({paths['fast'] / reported:.1%}), slow {paths['slow']:,}, raised {paths['raised']:,}"
    )
    for reason, count in why.most_common(20):
        if count:
            print(f"  {count:6,} {reason}")


if __name__ == "__main__":
    sys.exit(main())
