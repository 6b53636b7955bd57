"""The foreign keys of a table that the pass reads: the rows whose key is not in the table that it refers to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from tabular.fast.gather import gather, watched_columns
from tabular.fast.keyset import MOST, KeySet
from tabular.fast.native import kernel
from tabular.fast.pairs import Secrets
from tabular.fast.plan import Table
from tabular.fast.rowset import RowSet
from tabular.fast.sweep import KEPT_ROWS
from tabular.foreignkeys import ForeignKey

Target = tuple[str, tuple[str, ...]]
"""The name of a resource and fields of it."""


class Foreign:
    """Looks up the `keys` of `resource`, which the library has opened, in the tables of its siblings."""

    def __init__(self, resource: Any, piece: int) -> None:
        self.secrets = Secrets()
        self._resource, self._siblings, self._piece = resource, resource.package, piece
        names = {field.name for field in resource.header.get_expected_fields()}
        given = [
            ForeignKey(tuple(key["fields"]), key["reference"]["resource"], tuple(key["reference"]["fields"]))
            for key in resource.schema.foreign_keys
        ]
        # The library passes over a key whose fields the file has not.
        self.keys = [key for key in given if names >= set(key.fields)]
        self.fields = tuple(dict.fromkeys(name for key in self.keys for name in key.fields))

    def watch(self, table: Table, limit: int, stack: ExitStack) -> Absences:
        """Reads the other tables, and puts what is in them where the library looks; the watch of the sweep."""
        found = self._gather(stack)
        for (name, fields), keys in found.items():
            self._resource.lookup[name][fields] = _Present(keys, self.secrets)
        columns = watched_columns(self._resource, table, [key.fields for key in self.keys])
        sets = [found[key.resource, key.reference] for key in self.keys]
        return Absences(columns, sets, self.secrets, limit)

    def _gather(self, stack: ExitStack) -> dict[Target, KeySet]:
        targets = list(dict.fromkeys((key.resource, key.reference) for key in self.keys))
        most = MOST // max(len(targets), 1)
        sets = {target: KeySet(self.secrets, most) for target in targets}
        for keys in sets.values():
            stack.callback(keys.close)
        for name in dict.fromkeys(name for name, _ in targets):
            mine = [target for target in targets if target[0] == name]
            gather(
                self._siblings.table(name),
                self._siblings.path(name),
                [fields for _, fields in mine],
                self.secrets,
                [sets[target] for target in mine],
                self._piece,
            )
        return sets


class Absences:
    """Watches a sweep for rows whose key is in no row of the table that it refers to; null keys refer to none.

    `counts` are all such rows of each key, and `bad_rows` those of any.
    """

    def __init__(self, columns: Sequence[Any], sets: Sequence[KeySet], secrets: Secrets, limit: int) -> None:
        self._columns, self._sets, self._limit = columns, sets, limit
        self._seed = np.array(secrets.words, np.uint64)
        self._pairs = np.empty((KEPT_ROWS, 2), np.int64)
        self._rows: list[list[Any]] = [[] for _ in sets]
        self.counts = [0] * len(sets)
        self.bad_rows = RowSet()

    @property
    def is_decided(self) -> bool:
        """Whether the rows of one key alone are as many as errors are reported."""
        return any(count >= self._limit for count in self.counts)

    def take(self, keys: Any, count: int, first_row: int) -> None:
        """The next rows of the sweep."""
        for index, (columns, held) in enumerate(zip(self._columns, self._sets, strict=True)):
            kernel().combine(keys, columns, self._seed, self._pairs, count)
            rows = held.missing(self._pairs, count) + first_row
            if len(rows) and self.counts[index] < self._limit:
                self._rows[index].append(rows[: self._limit])
            self.counts[index] += len(rows)
            self.bad_rows.add(rows)

    def rows(self) -> list[Iterator[int]]:
        """Of each key the first rows, in order, to the limit and a few beyond it."""
        return [iter(np.concatenate(rows).tolist()) if rows else iter(()) for rows in self._rows]


class _Present:
    """What the library takes for the set of keys of a table."""

    def __init__(self, keys: KeySet, secrets: Secrets) -> None:
        self._keys, self._secrets = keys, secrets

    def __contains__(self, values: tuple[Any, ...]) -> bool:
        return self._secrets.of_key(values) in self._keys
