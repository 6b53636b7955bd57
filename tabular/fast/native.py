"""The compiled kernel in this process: loaded by LLVM's linker in a twentieth of a second, without numba."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
from llvmlite import binding

from tabular.fast import cache as kept
from tabular.fast.compile import compile_kernel
from tabular.fast.layout import (
    ADMIT_FRAME,
    COMBINE_FRAME,
    FRAME,
    GUESS_FRAME,
    MISSING_FRAME,
    SCAN_FRAME,
    TRANSCODE_FRAME,
    UTF8_FRAME,
    WRITE_FRAME,
    Accepts,
    Plan,
    Results,
)


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
        self._walk, self._utf8_until, self._combine, self._admit, self._missing, *others = entries
        self._count_records, self._guess_types, self._rewrite_records, self._write_utf8 = others

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
        arrays = (text, scratch, *plan, *accepts, *results)
        return _called(self._walk, arrays, (start, length, final), FRAME)

    def utf8_until(self, text: Any, start: int, length: int) -> tuple[int, bool]:
        """Where in `text[start:length]`, which goes on as for `walk`, the first byte is that is not part of a whole
        character, `length` where all are; and whether there is a NUL before."""
        frame = np.array([text.ctypes.data, len(text), start, length, 0], np.int64)
        assert len(frame) == UTF8_FRAME
        return self._utf8_until(frame.ctypes.data), bool(frame[4])

    def combine(self, keys: Any, columns: Any, seed: Any, pairs: Any, count: int) -> None:
        """Writes the pairs of the keys that `columns` make in the first rows of `keys`: see `lookup`."""
        _called(self._combine, (keys, columns, seed, pairs), (count,), COMBINE_FRAME)

    def admit(self, slots: Any, pairs: Any, seed: Any, held: Any, start: int, end: int, most: int) -> int:
        """Adds pairs to the hash table `slots`, which `held[0]` are in, until `most` are; how far it came."""
        return _called(self._admit, (slots, pairs, seed, held), (start, end, most), ADMIT_FRAME)

    def missing(self, slots: Any, pairs: Any, seed: Any, marks: Any, count: int) -> int:
        """Marks which of the first pairs are not in the hash table, nulls apart; how many they are."""
        return _called(self._missing, (slots, pairs, seed, marks), (count,), MISSING_FRAME)

    def count_records(self, text: Any, marks: Any, state: Any, length: int, final: bool) -> int:
        """Has the records of `text[:length]`, which goes on as for `walk`, counted into `state`; where that ended."""
        return _called(self._count_records, (text, marks, state), (0, length, final), SCAN_FRAME)

    def guess_types(
        self,
        text: Any,
        scratch: Any,
        marks: Any,
        comments: Any,
        comment: Any,
        columns: Any,
        against: Any,
        state: Any,
        length: int,
        final: bool,
    ) -> int:
        """Has the cells of `text[:length]`, which goes on as for `walk`, worked into `columns`; where that ended."""
        arrays = (text, scratch, marks, comments, comment, columns, against, state)
        return _called(self._guess_types, arrays, (0, length, final), GUESS_FRAME)

    def rewrite_records(
        self,
        text: Any,
        scratch: Any,
        marks: Any,
        comments: Any,
        comment: Any,
        out: Any,
        state: Any,
        length: int,
        final: bool,
    ) -> int:
        """Has the records of `text[:length]`, which goes on as for `walk`, written to `out`; where that ended."""
        arrays = (text, scratch, marks, comments, comment, out, state)
        return _called(self._rewrite_records, arrays, (0, length, final), WRITE_FRAME)

    def write_utf8(self, text: Any, table: Any, out: Any, length: int) -> int:
        """Has `text[:length]`, which goes on as for `walk`, written to `out` by its encoding's table: how many bytes it
        has there, `UNDEFINED` where one of its own is no character."""
        return _called(self._write_utf8, (text, table, out), (length,), TRANSCODE_FRAME)


def _called(function: Callable[[int], int], arrays: Iterable[Any], numbers: Sequence[int], size: int) -> int:
    """What a compiled function makes of the arrays and numbers."""
    # Named, so that it lives until the function is back: that runs without Python's lock, and another thread would be
    # given the memory of a frame that nobody holds, while its words are read.
    frame = _frame(arrays, numbers, size)
    return function(frame.ctypes.data)


def _frame(arrays: Iterable[Any], numbers: Sequence[int], size: int) -> Any:
    """The arguments of a compiled function: address and shape of each array, then numbers."""
    words: list[int] = []
    for array in arrays:
        assert array.flags.c_contiguous
        words += [array.ctypes.data, array.shape[0], array.shape[1] if array.ndim == 2 else 1]
    frame = np.array([*words, *numbers], np.int64)
    assert len(frame) == size
    return frame


@cache
def kernel() -> Kernel:
    """The kernel; compiled now, which takes ten seconds, where set-up did not. Raises what numba raises."""
    place = kept.found()
    return Kernel(kept.read(place) if place is not None else compile_kernel())
