"""The keys of a referenced table, by a sweep over its file; where that cannot be, by the library's rows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from tabular.fast.keyset import KeySet
from tabular.fast.native import kernel
from tabular.fast.outside import OutsideEnvelope
from tabular.fast.pairs import Secrets
from tabular.fast.plain import Plain
from tabular.fast.plan import Table, table_of
from tabular.fast.source import source_of
from tabular.fast.sweep import KEPT_ROWS, Sweep
from tabular.library import dialect_of

NO_LIMIT = 2**62


class Gathering:
    """Adds the keys that a sweep meets to sets. `columns` are those of each key among the watched ones."""

    is_decided = False

    def __init__(self, columns: Sequence[Any], sets: Sequence[KeySet], secrets: Secrets) -> None:
        self._columns, self._sets = columns, sets
        self._seed = np.array(secrets.words, np.uint64)
        self._pairs = np.empty((KEPT_ROWS, 2), np.int64)

    def take(self, keys: Any, count: int, first_row: int) -> None:
        """The next rows of the sweep."""
        for columns, held in zip(self._columns, self._sets, strict=True):
            kernel().combine(keys, columns, self._seed, self._pairs, count)
            held.add(self._pairs, count)


def gather(
    resource: Any, path: Path, keys: Sequence[tuple[str, ...]], secrets: Secrets, sets: Sequence[KeySet], piece: int
) -> None:
    """Adds the keys of the table at `path`, which is `resource`, to a set for each; a field that the table has not is
    null. Raises what the library raises, and TypeError for values of a type that has no pairs."""
    fields = list(dict.fromkeys(name for key in keys for name in key))
    with resource:
        try:
            dialect = dialect_of(resource)
            table = table_of(resource, dialect, fields, secrets)
            watch = Gathering(watched_columns(resource, table, keys), sets, secrets)
            with closing(source_of(Plain(path, resource), piece)) as source:
                Sweep(table, source, dialect, NO_LIMIT, watch=watch, keeps_bad=False).run()
        except OutsideEnvelope:  # sets may have some of the keys by now: nothing is ever taken out
            _by_rows(resource, keys, secrets, sets)


def watched_columns(resource: Any, table: Table, keys: Sequence[tuple[str, ...]]) -> list[Any]:
    """For each key the places of its fields among the watched columns; -1 where the table has no such field."""
    names = [field.name for field in resource.header.get_expected_fields()]
    places = {names[column]: place for place, column in enumerate(table.watched)}
    return [np.array([places.get(name, -1) for name in key], np.int64) for key in keys]


def _by_rows(resource: Any, keys: Sequence[tuple[str, ...]], secrets: Secrets, sets: Sequence[KeySet]) -> None:
    held: list[list[tuple[int, int]]] = [[] for _ in keys]
    for row in resource.row_stream:
        for key, pairs in zip(keys, held, strict=True):
            pairs.append(secrets.of_key([row.get(name) for name in key]))
        if len(held[0]) >= KEPT_ROWS:
            _hand_over(held, sets)
    _hand_over(held, sets)


def _hand_over(held: list[list[tuple[int, int]]], sets: Sequence[KeySet]) -> None:
    for pairs, keys in zip(held, sets, strict=True):
        if pairs:
            keys.add(np.array(pairs, np.int64), len(pairs))
            pairs.clear()
