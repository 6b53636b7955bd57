"""`python -m tabular.fast.compile`: compiles the kernel at set-up, so that nobody ever waits for it."""

from __future__ import annotations

import sys
import time

from tabular.fast import cache


def compile_kernel() -> list[tuple[str, bytes]]:
    """(function's name, object file) of all that `native.Kernel` calls, kept where there is a place. Ten seconds."""
    from tabular.fast.guessing import guess_types
    from tabular.fast.kernel import walk
    from tabular.fast.lookup import admit, combine, missing
    from tabular.fast.machine import machine_code
    from tabular.fast.rewriting import rewrite_records
    from tabular.fast.scanning import count_records
    from tabular.fast.utf8 import utf8_until

    functions = [
        machine_code(function)
        for function in (walk, utf8_until, combine, admit, missing, count_records, guess_types, rewrite_records)
    ]
    cache.keep(functions)
    return functions


def main() -> int:
    """1 where it cannot be done: tables are then checked by frictionless alone."""
    started = time.perf_counter()
    try:
        if cache.found() is None:
            compile_kernel()
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
