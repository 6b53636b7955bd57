"""Where the compiled kernel is kept: an object file, with a stamp over everything that it depends on in its name."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

PACKAGE = Path(__file__).parent
SOURCES = (
    "kernel",
    "cells",
    "escapes",
    "hashes",
    "layout",
    "lookup",
    "machine",
    "moments",
    "numbers",
    "text",
    "utf8",
    "vector",
    "guessing",
    "passing",
    "rewriting",
    "scanning",
    "spans",
    "transcoding",
)


@cache
def stamp() -> str:
    """Our sources, the compiler, Python and the processor, in 16 digits. Raises ImportError."""
    from llvmlite import binding

    parts = [(PACKAGE / f"{name}.py").read_bytes() for name in SOURCES]
    words = [version("numba"), version("llvmlite"), sys.version]
    words += [binding.get_process_triple(), binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()]
    return hashlib.sha256(b"\0".join([*parts, *(word.encode() for word in words)])).hexdigest()[:16]


def places() -> list[Path]:
    """Where the kernel may be: in `NUMBA_CACHE_DIR`, the package's own `__pycache__`, the user's cache."""
    told = os.environ.get("NUMBA_CACHE_DIR")
    folders = [Path(told)] if told else []
    folders += [PACKAGE / "__pycache__", Path("~/.cache/datahub-publish").expanduser()]
    return [folder / f"kernel-{stamp()}.o" for folder in folders]


def found() -> Path | None:
    """The kernel's file, None where set-up did not compile it."""
    return next((place for place in places() if place.is_file()), None)


def read(place: Path) -> list[tuple[str, bytes]]:
    """(function's name, object file), one after the other. Raises OSError."""
    functions = []
    rest = place.read_bytes()
    while rest:
        head, _, rest = rest.partition(b"\n")
        name, length = head.decode().split()
        functions.append((name, rest[: int(length)]))
        rest = rest[int(length) :]
    return functions


def keep(functions: Sequence[tuple[str, bytes]]) -> Path | None:
    """Writes the kernel to the first place that lets us, at one stroke; None where none does."""
    for place in places():
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=place.parent, prefix="kernel-", delete=False) as file:
                for name, code in functions:
                    file.write(f"{name} {len(code)}\n".encode() + code)
            Path(file.name).chmod(0o644)
            Path(file.name).replace(place)
        except OSError:
            continue
        return place
    return None
