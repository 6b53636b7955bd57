"""How far a CSV is harmless, by the compiled pass: what `tabular.scan` need not read itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tabular.dialect import Dialect
from tabular.fast.layout import (
    COUNTED,
    COUNTED_STATE,
    FIRST_SLIP,
    HALTED,
    LARGEST_CELL,
    LARGEST_ROW,
    MOST_COLUMNS,
    SLIPS,
)
from tabular.fast.native import kernel
from tabular.fast.window import Window, marks_of
from tabular.limits import Limits
from tabular.progress import Throttle

MARGIN = 4
"""Bytes within which the record's own reader decides whether it is too large."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Of the records before byte `offset`: how many, how many with text after a closing quote, the first of those."""

    offset: int
    records: int
    slips: int
    first_slip: int | None


def count_harmless(path: Path, dialect: Dialect, limits: Limits, told: Throttle) -> Counts:
    """Reads the file until a record may be harmful; `told` is told bytes. Raises OutsideEnvelope and OSError."""
    marks = marks_of(dialect)
    state = np.zeros(COUNTED_STATE, np.int64)
    state[LARGEST_CELL], state[LARGEST_ROW] = limits.cell_bytes, limits.row_bytes - MARGIN
    state[MOST_COLUMNS] = limits.columns
    at = 0
    with path.open("rb", buffering=0) as file:
        window = Window(file, limits.piece_bytes)
        while not state[HALTED] and window.move(at):
            nul = window.text[: window.length].tobytes().find(b"\0")
            length = window.length if nul < 0 else nul
            at = kernel().count_records(window.text, marks, state, length, window.final and nul < 0)
            told(window.base + at)
            if nul >= 0:
                break
    slips = int(state[SLIPS])
    return Counts(window.base + at, int(state[COUNTED]), slips, int(state[FIRST_SLIP]) or None)
