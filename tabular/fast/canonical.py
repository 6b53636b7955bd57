"""The data rows of a CSV as canonical CSV, by the compiled pass: what `csv.writer` would write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tabular.dialect import Dialect
from tabular.fast.layout import GROWTH, PADDING, READ_FIRST, READ_HALTED, READ_ROWS, READ_STATE, READ_WRITTEN
from tabular.fast.native import kernel
from tabular.fast.outside import OutsideEnvelope
from tabular.fast.window import TextWindow, marks_of
from tabular.progress import Throttle

PIECE = 1_048_576


def write_rows(path: Path, dialect: Dialect, write: Callable[[bytes], None], told: Throttle) -> int:
    """Hands pieces of the UTF-8 text at `path` to `write`; how many rows they are. `told` is told rows. Raises
    OutsideEnvelope, perhaps after some were handed over, and OSError."""
    state = np.zeros(READ_STATE, np.int64)
    state[READ_FIRST] = dialect.first_data_row
    comments = np.array(dialect.comment_rows, np.int64)
    comment = np.frombuffer((dialect.comment_char or "").encode(), np.uint8)
    marks, out = marks_of(dialect), np.zeros(0, np.uint8)
    at = 0
    with path.open("rb", buffering=0) as file:
        window = TextWindow(file, PIECE)
        while window.move(at):
            if len(out) < GROWTH * len(window.text) + PADDING:
                out = np.zeros(GROWTH * len(window.text) + PADDING, np.uint8)
            state[READ_WRITTEN] = 0
            arrays = (window.text, window.scratch, marks, comments, comment, out, state)
            at = kernel().rewrite_records(*arrays, window.length, window.final)
            write(out[: state[READ_WRITTEN]].tobytes())
            told(int(state[READ_ROWS]))
    if state[READ_HALTED]:
        raise OutsideEnvelope("a quote that stays open")
    return int(state[READ_ROWS])
