"""The two decorators that make machine code of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import config, njit

from tabular.fast.cache import KernelPlace, folder

Code = TypeVar("Code", bound=Callable[..., Any])


def inlined(function: Code) -> Code:
    """Decorator: a function that becomes part of the compiled ones that call it, and is called by nothing else.

    No reference is counted in it (`_nrt`), for arrays are only borrowed; without inlining, all arrays of a plan
    would be pushed on the stack for every cell. Together that made it eighteen times as slow.
    """
    made: Code = njit(_nrt=False, forceinline=True)(function)
    return made


def compiled(signature: Any) -> Callable[[Callable[..., Any]], Any]:
    """Decorator: the function as machine code, from the cache or else compiled on the spot, which takes ten seconds."""

    def decorate(function: Callable[..., Any]) -> Any:
        before = config.CACHE_LOCATOR_CLASSES
        config.CACHE_LOCATOR_CLASSES = f"{KernelPlace.__module__}.{KernelPlace.__name__}"
        try:
            kept = folder() is not None
            return njit(signature, cache=kept, nogil=True, _nrt=False)(function)
        finally:
            config.CACHE_LOCATOR_CLASSES = before

    return decorate
