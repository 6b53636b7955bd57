"""Reading workbooks: a sheet as canonical CSV by us, beside what python-calamine and openpyxl take to read its cells.

`python -m bench.workbooks`. Each reading is a process of its own; medians of the rounds, which take turns.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from tests.workbooks import ODF, ODS_TYPE, ods_row

CALLS = {
    "ours, to CSV": (
        "from tabular.workbook import open_workbook; from tabular import Limits",
        "open_workbook(path, None, path.with_suffix('.csv'), Limits())",
    ),
    "python-calamine": (
        "from python_calamine import CalamineWorkbook",
        "CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()",
    ),
    "openpyxl": (
        "from openpyxl import load_workbook",
        "[None for _ in load_workbook(path, read_only=True).worksheets[0].iter_rows(values_only=True)]",
    ),
}
"""What is imported, and what is measured."""
MEASURE = """
import sys, time
from pathlib import Path
path = Path(sys.argv[1])
{imports}
started = time.process_time()
{call}
print(time.process_time() - started)
"""


def rows(count: int) -> Iterator[list[Any]]:
    """Ten columns: whole numbers, decimals, days (of ODS as texts), texts of which some come again, yes and no."""
    chance = random.Random(1)
    yield [f"column {number}" for number in range(10)]
    for number in range(count):
        day = date(2020, 1, 1) + timedelta(days=number % 2_000)
        decimals = [round(chance.uniform(0, 1_000), 2) for _ in range(3)]
        texts = [f"text {number}", f"town {number % 500}", chance.choice(["yes", "no", None])]
        yield [number, chance.randrange(10**6), *decimals, day, *texts, number % 2 == 0]


def write_xlsx(path: Path, count: int) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("data")
    for row in rows(count):
        sheet.append(row)
    book.save(path)


def write_ods(path: Path, count: int) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", ODS_TYPE, zipfile.ZIP_STORED)
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        with archive.open("content.xml", "w", force_zip64=True) as file:
            file.write(f"<office:document-content {ODF}><office:body><office:spreadsheet>".encode())
            file.write(b'<table:table table:name="data">')
            for row in rows(count):
                file.write(ods_row(*row).encode())
            file.write(b"</table:table></office:spreadsheet></office:body></office:document-content>")


def measure(path: Path, engine: str) -> float:
    """Seconds of processor time, without the imports."""
    imports, call = CALLS[engine]
    program = MEASURE.format(imports=imports, call=call)
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, check=True)
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for suffix, write, engines in (("xlsx", write_xlsx, list(CALLS)), ("ods", write_ods, list(CALLS)[:2])):
            path = Path(folder) / f"table.{suffix}"
            write(path, words.rows)
            print(f"{suffix}, {words.rows:,} rows of ten columns, {path.stat().st_size / 1e6:.1f} MB")
            _tell(path, engines, words.rounds)


def _tell(path: Path, engines: Sequence[str], rounds: int) -> None:
    taken: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for name in engines:
            taken[name].append(measure(path, name))
    for name, measured in taken.items():
        ratio = statistics.median(own / other for own, other in zip(taken[engines[0]], measured, strict=True))
        print(f"  {name:16} {statistics.median(measured):6.2f} cpu-s; ours takes {ratio:.2f} times its processor time")


if __name__ == "__main__":
    main()
