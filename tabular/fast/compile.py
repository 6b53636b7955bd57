"""`python -m tabular.fast.compile`: compiles the kernel at set-up, so that nobody ever waits for it."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context

from tabular.fast import cache

FUNCTIONS = (
    "kernel.walk",  # longer than all others together, so it comes first
    "utf8.utf8_until",
    "lookup.combine",
    "lookup.admit",
    "lookup.missing",
    "scanning.count_records",
    "guessing.guess_types",
    "rewriting.rewrite_records",
    "transcoding.write_utf8",
)
"""What `native.Kernel` calls, in its order."""


def compile_kernel(processes: int = 1) -> list[tuple[str, bytes]]:
    """(function's name, object file) of `FUNCTIONS`, kept where there is a place. Half a minute of processor time."""
    if processes == 1:
        functions = [_compiled(place) for place in FUNCTIONS]
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            functions = list(pool.map(_compiled, FUNCTIONS))
    cache.keep(functions)
    return functions


def _compiled(place: str) -> tuple[str, bytes]:
    from tabular.fast.machine import machine_code

    module, _, function = place.partition(".")
    return machine_code(getattr(import_module(f"tabular.fast.{module}"), function))


def main() -> int:
    """1 where it cannot be done: tables are then checked by frictionless alone."""
    started = time.perf_counter()
    try:
        if cache.found() is None:
            compile_kernel(processes=2)
    except Exception as error:
        reason = str(error).partition("\n")[0]
        sys.stderr.write(f"Not compiled, tables are checked without the fast path: {reason}\n")
        return 1
    if cache.found() is None:
        sys.stderr.write("There is no place to keep the compiled fast path; NUMBA_CACHE_DIR may name one.\n")
        return 1
    sys.stdout.write(f"The fast path is compiled ({time.perf_counter() - started:.0f} s).\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
