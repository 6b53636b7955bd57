"""Where the compiled kernel is kept, and whether it is there.

numba's own places have two faults for us: a folder that cannot be written is not read either (an image run by a plain
user), and a change in a module that the kernel calls goes unnoticed. So this is a place of our own, with a stamp over
all of the sources.
"""

from __future__ import annotations

import hashlib
import os
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

PACKAGE = Path(__file__).parent
SOURCES = ("kernel.py", "cells.py", "layout.py", "vector.py", "machine.py")


@cache
def stamp() -> str:
    """What a compiled kernel depends on: our sources, the compiler, Python, the processor. Raises ImportError."""
    from llvmlite import binding

    parts = [(PACKAGE / name).read_bytes() for name in SOURCES]
    words = [version("numba"), version("llvmlite"), sys.version]
    words += [binding.get_process_triple(), binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()]
    return hashlib.sha256(b"\0".join([*parts, *(word.encode() for word in words)])).hexdigest()


def _marker(folder: Path) -> Path:
    return folder / f"kernel-{stamp()[:16]}.ready"


def _folders() -> list[Path]:
    told = os.environ.get("NUMBA_CACHE_DIR")
    mine = [PACKAGE / "__pycache__", Path("~/.cache/datahub-publish/kernel").expanduser()]
    return [Path(told) / "tabular", *mine] if told else mine


def _can_write(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def folder() -> Path | None:
    """The folder that has the kernel, or else the first that can be written: `NUMBA_CACHE_DIR`, the package's own
    `__pycache__`, the user's cache. None where there is no such."""
    ready = (each for each in _folders() if _marker(each).exists())
    return next(ready, None) or next(filter(_can_write, _folders()), None)


def is_ready() -> bool:
    """Whether the kernel is there and need not be compiled."""
    return any(_marker(each).exists() for each in _folders())


def set_ready() -> None:
    """Says so, after it was compiled. Raises OSError."""
    place = folder()
    if place is not None:
        _marker(place).touch()


class KernelPlace:
    """A cache locator in numba's sense: `NUMBA_CACHE_LOCATOR_CLASSES` names such classes."""

    def __init__(self, place: Path) -> None:
        self._place = place

    @classmethod
    def from_function(cls, _function: Any, _file: str) -> Self | None:
        """Hook of numba; None: nothing can be kept."""
        place = folder()
        return None if place is None else cls(place)

    def ensure_cache_path(self) -> None:
        """Hook of numba: the folder may be one that can only be read, when it has the kernel."""

    def get_cache_path(self) -> str:
        """Hook of numba."""
        return str(self._place)

    def get_source_stamp(self) -> str:
        """Hook of numba: another stamp makes what is kept stale."""
        return stamp()

    def get_disambiguator(self) -> str:
        """Hook of numba."""
        return stamp()[:8]
