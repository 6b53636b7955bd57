"""`python -m tabular.fast.compile`: compiles the pass into its cache, at set-up, so that nobody ever waits for it."""

from __future__ import annotations

import importlib
import sys
import time

from tabular.fast import cache


def compile_kernel() -> float:
    """Compiles what is not compiled yet; the seconds it took. Raises ImportError and OSError."""
    started = time.perf_counter()
    if not cache.is_ready():
        importlib.import_module("tabular.fast.kernel")
        cache.set_ready()
    return time.perf_counter() - started


def main() -> int:
    """1 where it cannot be done: tables are then checked by frictionless alone."""
    try:
        seconds = compile_kernel()
    except Exception as error:
        sys.stderr.write(f"Not compiled, tables are checked without the fast path: {str(error).splitlines()[0]}\n")
        return 1
    sys.stdout.write(f"The fast path is compiled ({seconds:.0f} s).\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
