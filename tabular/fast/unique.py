"""The numbers of a table's unique keys, by a sweep over its file."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from tabular.fast.accept import signed
from tabular.fast.gather import NO_LIMIT, watched_columns
from tabular.fast.keys import KeyNumbers
from tabular.fast.layout import NO_KEY
from tabular.fast.native import kernel
from tabular.fast.pairs import Secrets
from tabular.fast.plain import Plain
from tabular.fast.plan import table_of
from tabular.fast.source import source_of
from tabular.fast.sweep import KEPT_ROWS, Sweep
from tabular.library import dialect_of
from tabular.progress import Progress


class Numbering:
    """Hands the numbers of the keys that a sweep meets to `numbers`; `columns` are those of each key among the watched
    ones. A key with a null in it, or with what equals nothing, has none."""

    is_decided = False

    def __init__(self, columns: Sequence[Any], numbers: Sequence[KeyNumbers], secret: Secrets) -> None:
        self._columns, self._numbers = columns, numbers
        self._seed = np.array(secret.words, np.uint64)
        self._pairs = np.empty((KEPT_ROWS, 2), np.int64)
        self._factor = np.int64(signed(secret.seed | 1))

    def take(self, keys: Any, count: int, first_row: int) -> None:
        """The next rows of the sweep."""
        for columns, numbers in zip(self._columns, self._numbers, strict=True):
            kernel().combine(keys, columns, self._seed, self._pairs, count)
            made = self._pairs[:count, 0] + self._pairs[:count, 1] * self._factor
            for column in columns.tolist():
                made[keys[2 * column, :count] == NO_KEY if column >= 0 else slice(None)] = NO_KEY
            numbers.add(made)


def key_numbers(
    resource: Any, path: Path, keys: Sequence[tuple[str, ...]], piece: int, progress: Progress | None
) -> list[KeyNumbers]:
    """The numbers of each key in the table at `path`, which the library has opened as `resource`. Raises
    OutsideEnvelope, and what the library raises."""
    secret = Secrets()
    dialect = dialect_of(resource)
    table = table_of(resource, dialect, list(dict.fromkeys(name for key in keys for name in key)), secret)
    numbers = [KeyNumbers() for _ in keys]
    watch = Numbering(watched_columns(resource, table, keys), numbers, secret)
    with closing(source_of(Plain(path, resource), piece)) as source:
        Sweep(table, source, dialect, NO_LIMIT, progress, watch, keeps_bad=False).run()
    return numbers
