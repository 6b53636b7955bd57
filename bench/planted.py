"""Wrong accepts planted in copies of the fast path, one by one: the tests must catch each; `python -m bench.planted`"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.plants import Plant, missed

FAST, SUITE = "tabular/fast", "tests/unit/tabular/fast"

PLANTS = (
    Plant(
        "31 February is a date", f"{FAST}/moments.py", "is_day &= day <= month_days(year, month)",
        "is_day &= day <= 31", f"{SUITE}/test_rules.py",
    ),
    Plant(
        "a date may be followed by anything", f"{FAST}/moments.py", "if at == end else np.int64(-1)", "",
        f"{SUITE}/test_rules.py",
    ),
    Plant(
        "a year may have one digit", f"{FAST}/moments.py", "or (width == 4 and after < at + 4)", "",
        f"{SUITE}/test_rules.py",
    ),
    Plant(
        "a time of the default format may be without its zeros", f"{FAST}/rules.py", "not is_iso and", "",
        f"{SUITE}/test_rules.py",
    ),
    Plant(
        "an integer of 20 digits overflows into its bounds", f"{FAST}/numbers.py", "MOST_DIGITS = 18",
        "MOST_DIGITS = 20", f"{SUITE}/test_rules.py",
    ),
    Plant(
        "few digits are within any bounds", f"{FAST}/numbers.py", "return size <= most", "return True",
        f"{SUITE}/test_rules.py",
    ),
    Plant(
        "a letter without its second byte is one", f"{FAST}/utf8.py", "if followers != two << ONE:",
        "if followers & two != 0:", f"{SUITE}/test_utf8.py",
    ),
    Plant(
        "a length is counted in bytes", f"{FAST}/cells.py", "& 192 != 128", "& 192 != 1", f"{SUITE}/test_rules.py",
    ),
    Plant(
        "an exclusive bound is a value that may be", f"{FAST}/rules.py", "math.floor(bound) + 1", "math.ceil(bound)",
        f"{SUITE}/test_rules.py",
    ),
    Plant(
        "a blank row passes", f"{FAST}/kernel.py", " or state[NULLS] == expected", "", f"{SUITE}/test_differential.py",
    ),
    Plant(
        "text after a closing quote is dropped", f"{FAST}/text.py", "copied(text, close + 1, stop, scratch, size) if",
        "size if", f"{SUITE}/test_differential.py",
    ),
    Plant(
        "what a pattern has beside characters says nothing", "tabular/expression.py",
        "raise TooMuch\n\n    def _repeat", "return node\n\n    def _repeat", f"{SUITE}/test_pattern.py",
    ),
    Plant(
        "a newline at the end of a cell is never the pattern's own", "tabular/patterns.py",
        "state.is_end or (newline and state[ord(\"\\n\")].is_end)", "state.is_end",
        "tests/unit/tabular/test_patterns.py",
    ),
)  # fmt: skip


def main() -> int:
    return 1 if missed(PLANTS, _compile) else 0


def _compile(copy: Path, environment: Mapping[str, str]) -> None:
    subprocess.run([sys.executable, "-m", "tabular.fast.compile"], cwd=copy, env=dict(environment), check=True)


if __name__ == "__main__":
    sys.exit(main())
