"""Fast accept, slow explain: a compiled pass over the bytes of a CSV proves rows clean; frictionless explains the rest.

What is accepted here is a strict subset of what frictionless accepts. A row that cannot be proven is *suspect* and goes
to frictionless' own cell readers; the rows that they find at fault, and those whose keys may come twice, go through its
own row logic, so that the report is its own. Nothing is imported until a table is large enough to be worth it.
"""

from __future__ import annotations

import gc
import gzip
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabular.dialect import Dialect
from tabular.limits import Limits
from tabular.progress import Progress, Throttle

if TYPE_CHECKING:
    from tabular.counting import Counting
    from tabular.fast.counts import Counts
    from tabular.fast.guess import Guess
    from tabular.unpacking import Unpacking
    from tabular.verdict import Verdict

WARM = 8_192
"""Bytes from which the pass pays once it is loaded in this process."""
WORTH_COMPILING = 200_000_000
"""Bytes of a table for which frictionless would take longer than the compiler, where set-up did not compile."""
LOCK_AFTER = 0.0001
"""Seconds for which a thread that hashes waits for Python's lock, while the library sets up and holds it; it is done
with it at once. With Python's own 5 ms it waits half of that time."""
REHEARSED = {
    "integer": "1",
    "number": "1.5",
    "string": "x",
    "boolean": "true",
    "date": "2026-1-1",
    "datetime": "2026-01-01 00:00:00",
}
"""A cell of each common type; moments in forms for which the library's own reader is asked."""


def unfit(size: int, least: int | None) -> str | None:
    """Why a table of so many bytes is not given to the pass, or None; from `least` on it is, None is never."""
    if least is None or size < least:
        is_loaded = "tabular.fast.native" in sys.modules
        if least is None or not is_loaded or size < WARM:
            return "small"
    from tabular.fast import cache

    try:
        return None if cache.found() or size >= WORTH_COMPILING else "not compiled"
    except ImportError:
        return "no compiler"


def settled(least: int | None) -> int:
    """Bytes from which on `unfit` says the same of every table."""
    from tabular.fast import cache

    if least is None:
        return 0
    try:
        return max(least, WARM if cache.found() else WORTH_COMPILING)
    except ImportError:
        return max(least, WARM)


def warm() -> bool:
    """Loads the pass, if it is compiled, and has it check a small table, for libraries import much only when they are
    used: in the process that others are forked from, so that none of them has to. What is loaded by then is left out of
    Python's searches for garbage, which were a fifth of a check of 5,000 columns; and threads no longer wait for each
    other as long. Whether it did; never raises, for tables can be checked without it."""
    try:
        from tabular.fast import cache

        if cache.found() is None:
            return False
        _rehearse()
        sys.setswitchinterval(LOCK_AFTER)
        gc.collect()
        gc.freeze()
    except Exception:  # whatever keeps it from working here is told, as the reason, where a table needs it
        return False
    return True


def _rehearse() -> None:
    from tabular.report import validate

    fields = [{"name": kind, "type": kind} for kind in REHEARSED]
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table.csv"
        table.write_text("\n".join(map(",".join, (REHEARSED, REHEARSED.values()))))
        validate(table, schema={"fields": fields}, limits=Limits(fast_from=0))
        packed = table.with_suffix(".csv.gz")
        packed.write_bytes(gzip.compress(table.read_bytes()))
        validate(packed, schema={"fields": fields}, limits=Limits(fast_from=0))


def check(
    make: Callable[[], Any],
    path: Path,
    limits: Limits,
    on_row: Callable[[Any], None] | None,
    progress: Progress | None,
    unpacking: Unpacking | None = None,
) -> Verdict:
    """The verdict on the file `path`, which a resource reads that `make` makes, and `unpacking` may still write;
    `on_row` hears of the rows that have errors, and of others. Raises OutsideEnvelope, and whatever frictionless or the
    system raise."""
    from tabular.fast.engine import Engine

    return Engine(path, limits, progress, unpacking).run(make, on_row)


def count(path: Path, table: Any, dialect: Dialect, counting: Counting, progress: Progress | None) -> None:
    """Counts the errors of the rows of a UTF-8 file, `table` being its resource that frictionless has opened. Raises
    OutsideEnvelope, and whatever frictionless or the system raise."""
    from tabular.fast.rowcount import RowCount

    with ExitStack() as stack:
        RowCount(path, table, dialect, counting, progress, stack).run()


def count_harmless(path: Path, dialect: Dialect, limits: Limits, told: Throttle) -> Counts:
    """How far the file is harmless; `told` is told bytes. Raises OutsideEnvelope, OSError, and what numba raises."""
    from tabular.fast.counts import count_harmless

    return count_harmless(path, dialect, limits, told)


def guess_columns(
    path: Path, dialect: Dialect, columns: int, limits: Limits, told: Throttle
) -> tuple[list[Guess], int]:
    """The types that so many columns of a UTF-8 text may have, and how many rows it has; `told` is told rows. Raises
    OutsideEnvelope, OSError, and what numba raises."""
    from tabular.fast.guess import guess_columns

    return guess_columns(path, dialect, columns, limits.piece_bytes, told)


def write_rows(path: Path, dialect: Dialect, write: Callable[[bytes], None], told: Throttle) -> int:
    """Hands the data rows of a UTF-8 text to `write` as canonical CSV, in pieces; how many they are. Raises
    OutsideEnvelope, perhaps after some were handed over, OSError, and what numba raises."""
    from tabular.fast.canonical import write_rows

    return write_rows(path, dialect, write, told)
