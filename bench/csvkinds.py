"""How often a file's kind is told right, on a corpus of known truth."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from tests.kinds.cases import Case, cases
from tests.kinds.judge import PROPERTIES, judge
from tests.kinds.others import others
from tests.kinds.words import HELD_OUT, TUNING


def measure(name: str, corpus: Iterable[Case], is_telling: bool) -> None:
    """Prints shares; with `is_telling`, the files that were told wrong, too."""
    right: dict[str, list[bool]] = defaultdict(list)
    shapes: dict[str, list[bool]] = defaultdict(list)
    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        for case in corpus:
            found = judge(case, Path(folder))
            for name_, value in found.items():
                right[name_].append(value)
            shapes[case.shape].append(found["whole"])
            if is_telling and not all(found.values()):
                print(f"  {case.name}: wrong {', '.join(each for each, value in found.items() if not value)}")
    seconds = (time.process_time() - started) / len(right["whole"])
    shares = ", ".join(f"{each} {_share(right[each])}" for each in PROPERTIES if right[each])
    print(f"{name}: {len(right['whole'])} files, {1000 * seconds:.0f} ms CPU each; {shares}")
    weak = {shape: values for shape, values in shapes.items() if not all(values)}
    print("  less than all of: " + ", ".join(f"{shape} {_share(values)}" for shape, values in weak.items()))


def _share(values: list[bool]) -> str:
    return f"{100 * sum(values) / len(values):.1f} %"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=40, help="files of every shape")
    parser.add_argument("--tell", action="store_true", help="name the files that were told wrong")
    words = parser.parse_args()
    measure("tuning", [*cases(TUNING, 1, words.each), *others(TUNING, 1)], words.tell)
    measure("held out", [*cases(HELD_OUT, 2, words.each), *others(HELD_OUT, 2)], words.tell)


if __name__ == "__main__":
    main()
