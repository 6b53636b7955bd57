"""The types that the columns of a CSV may have, by the compiled pass: what `tabular.inference` would find itself."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tabular.dialect import Dialect
from tabular.fast.layout import (
    AGAINST,
    FAILED,
    GUESS,
    KIND_COUNT,
    PASSED,
    READ_BASE,
    READ_FIRST,
    READ_HALTED,
    READ_ROWS,
    READ_STATE,
)
from tabular.fast.native import kernel
from tabular.fast.outside import OutsideEnvelope
from tabular.fast.window import TextWindow, marks_of
from tabular.progress import Throttle
from tabular.rows import reader


@dataclass(frozen=True, slots=True)
class Guess:
    """Of one column: the types that some cell passed for, by their position among the kinds, and the first cell that
    did not, with its record's number."""

    passed: frozenset[int]
    failed: dict[int, tuple[int, str]]


def guess_columns(path: Path, dialect: Dialect, columns: int, piece: int, told: Throttle) -> tuple[list[Guess], int]:
    """The columns of the UTF-8 text at `path`, and how many rows it has; `told` is told rows. Raises OutsideEnvelope
    and OSError."""
    found = np.zeros((columns, GUESS), np.int64)
    against = np.zeros((columns * KIND_COUNT, AGAINST), np.int64)
    state = np.zeros(READ_STATE, np.int64)
    state[READ_FIRST] = dialect.first_data_row
    comments = np.array(dialect.comment_rows, np.int64)
    comment = np.frombuffer((dialect.comment_char or "").encode(), np.uint8)
    arrays = (marks_of(dialect), comments, comment, found, against, state)
    at = 0
    with path.open("rb", buffering=0) as file:
        window = TextWindow(file, piece)
        while window.move(at):
            state[READ_BASE] = window.base
            at = kernel().guess_types(window.text, window.scratch, *arrays, window.length, window.final)
            told(int(state[READ_ROWS]))
    if state[READ_HALTED]:
        raise OutsideEnvelope("a quote that stays open")
    return _guesses(path, dialect, found, against), int(state[READ_ROWS])


def _guesses(path: Path, dialect: Dialect, found: Any, against: Any) -> list[Guess]:
    guesses = []
    with path.open("rb") as file:
        for column, (passed, failed) in enumerate(zip(found[:, PASSED], found[:, FAILED], strict=True)):
            kinds = range(KIND_COUNT)
            told = {}
            for kind in kinds:
                if passed & failed & (1 << kind):  # only what some cells are and another is not is ever told
                    number, offset = map(int, against[column * KIND_COUNT + kind])
                    told[kind] = (number, _cell(file, offset, column, dialect))
                elif failed & (1 << kind):
                    told[kind] = (0, "")
            guesses.append(Guess(frozenset(kind for kind in kinds if passed & (1 << kind)), told))
    return guesses


def _cell(file: Any, offset: int, column: int, dialect: Dialect) -> str:
    file.seek(offset)
    lines = io.TextIOWrapper(file, "utf-8", newline="")
    try:
        return next(reader(lines, dialect))[column]
    finally:
        lines.detach()
