"""Machine code of Python functions, by numba: at set-up only, for what comes of it needs no numba to run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import cfunc, njit, types

Code = TypeVar("Code", bound=Callable[..., Any])


def inlined(function: Code) -> Code:
    """Decorator: a function that becomes part of the compiled ones that call it, and is called by nothing else.

    No reference is counted in it (`_nrt`), for arrays are only borrowed; without inlining, all arrays of a plan
    would be pushed on the stack for every cell. Together that made it eighteen times as slow.
    """
    made: Code = njit(_nrt=False, forceinline=True)(function)
    return made


def machine_code(function: Callable[..., Any]) -> tuple[str, bytes]:
    """An object file and the name in it of a function that takes an address and returns a number.

    It refers to nothing outside: it raises nothing (`error_model`), allocates nothing and calls no Python.
    """
    made = cfunc(types.int64(types.int64), _nrt=False, error_model="numpy")(function)
    return made.native_name, made._library._get_compiled_object()
