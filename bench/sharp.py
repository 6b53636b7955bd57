"""Files that are made to take long, and how long they take: `python -m bench.sharp`. Seconds of processor time."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tabular.csvkind import detect_kind
from tabular.strictjson import StrictJSONError, parse
from tabular.validation import validate_table


def cells() -> Iterator[tuple[str, bytes]]:
    """Tables with a cell of 50 MB."""
    for name, cell in (
        ("bare", b"line " * 10_000_000),
        ("in quotes", b'"' + b"line " * 10_000_000 + b'"'),
        ("in quotes, 10 million lines", b'"' + b"line\n" * 10_000_000 + b'"'),
    ):
        for row, ahead in (("first", b""), ("second", b"1,2\n")):
            yield f"a cell of 50 MB in the {row} row, {name}", b"a,b\n" + ahead + b"3," + cell + b"\n5,6\n"


def told(name: str, call: Callable[[], Any]) -> None:
    """Prints what the call takes, and the rule that it ends in, if any."""
    started = time.process_time()
    found = call()
    print(f"{name}: {time.process_time() - started:.2f} s, {found}", flush=True)


def peak(path: Path) -> int:
    """The memory, in MB, of a process that checks the table; what it was started from is not counted, as it would be by
    `getrusage`."""
    asked = "import sys, tabular; tabular.validate(sys.argv[1]); print(open('/proc/self/status').read())"
    done = subprocess.run([sys.executable, "-c", asked, path], capture_output=True, check=True, text=True)
    peak = next(line for line in done.stdout.splitlines() if line.startswith("VmHWM"))  # in kB
    return int(peak.split()[1]) // 1_000


def depth() -> str:
    try:
        parse(b"[" * 100_000)
    except StrictJSONError as refusal:
        return str(refusal)
    return "taken"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        for name, content in cells():
            path.write_bytes(content)
            told(name, lambda: getattr(detect_kind(path), "finding", None))
            told(f"{name}, checked with nothing told, MB at the peak", lambda: peak(path))
        path.write_text("id,name\n" + ("1," + ' "a' * 200_000 + "\n") * 3)
        schema = {"fields": [{"name": "id"}, {"name": "name"}]}
        told("text that keeps csv.Sniffer for hours", lambda: validate_table(path, resource={"schema": schema}).valid)
    told("JSON of 100,000 levels", depth)


if __name__ == "__main__":
    main()
