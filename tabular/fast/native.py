"""The compiled kernel in this process: loaded by LLVM's linker in a twentieth of a second, without numba."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from llvmlite import binding

from tabular.fast import cache as kept
from tabular.fast.compile import compile_kernel
from tabular.fast.layout import FRAME, UTF8_FRAME, Accepts, Plan, Results


class Kernel:
    """Machine code, and the memory that it is in."""

    def __init__(self, functions: Sequence[tuple[str, bytes]]) -> None:
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        machine = binding.Target.from_default_triple().create_target_machine(jit=True)
        self._linker = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
        for _, code in functions:
            self._linker.add_object_file(binding.ObjectFileRef.from_data(code))
        self._linker.finalize_object()
        kind = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)  # lets go of Python's lock while it runs
        entries: list[Callable[[int], int]] = [kind(self._linker.get_function_address(name)) for name, _ in functions]
        self._walk, self._utf8_until = entries

    def walk(
        self,
        text: Any,
        scratch: Any,
        start: int,
        length: int,
        final: bool,
        plan: Plan,
        accepts: Accepts,
        results: Results,
    ) -> int:
        """Has the kernel read `text[start:length]`; where it stopped. `text` goes on for `PADDING` bytes, the first of
        them a line feed, and `scratch` is as long; `final` says that no more text follows."""
        words: list[int] = []
        for array in (text, scratch, *plan, *accepts, *results):
            assert array.flags.c_contiguous
            words += [array.ctypes.data, array.shape[0], array.shape[1] if array.ndim == 2 else 1]
        frame = np.array([*words, start, length, final], np.int64)
        assert len(frame) == FRAME
        return self._walk(frame.ctypes.data)

    def utf8_until(self, text: Any, start: int, length: int) -> int:
        """Where in `text[start:length]`, which goes on as for `walk`, the first byte is that is not part of a whole
        character; `length` where all are."""
        frame = np.array([text.ctypes.data, len(text), start, length], np.int64)
        assert len(frame) == UTF8_FRAME
        return self._utf8_until(frame.ctypes.data)


@cache
def kernel() -> Kernel:
    """The kernel; compiled now, which takes ten seconds, where set-up did not. Raises what numba raises."""
    place = kept.found()
    return Kernel(kept.read(place) if place is not None else compile_kernel())
