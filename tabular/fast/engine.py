"""The check of one table by the fast path: a report of frictionless' making, for which it saw only what matters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tabular.dialect import Dialect
from tabular.fast.outside import OutsideEnvelope
from tabular.fast.plan import table_of
from tabular.fast.replay import Content, FedDialect, Finder, Replay
from tabular.fast.source import Source
from tabular.fast.sweep import Sweep
from tabular.library import table_resource
from tabular.limits import Limits
from tabular.progress import Progress


@dataclass(frozen=True, slots=True)
class Checked:
    """A report as frictionless makes it, the data rows read for it, and what the pass has to say of itself."""

    report: dict[str, Any]
    rows: int
    statistics: dict[str, Any]


class Engine:
    """One check of the file `name` in `folder`."""

    def __init__(
        self,
        folder: Path,
        name: str,
        schema: Mapping[str, Any],
        encoding: str,
        dialect: Dialect,
        limits: Limits,
        progress: Progress | None = None,
    ) -> None:
        if encoding.lower().replace("_", "-") not in ("utf-8", "utf8", "utf-8-sig"):
            raise OutsideEnvelope(f"the encoding {encoding}")
        self._path = folder / name
        self._dialect, self._limits, self._progress = dialect, limits, progress
        self._resource = table_resource(folder, name, dict(schema), encoding, dialect, FedDialect)
        self._resource.dialect.feed = self._feed
        self._sweep: Sweep | None = None
        self._open = ExitStack()

    def run(self, on_row: Callable[[Any], None]) -> Checked:
        """The report. Raises OutsideEnvelope, or what frictionless raises."""
        with self._open:
            report = self._resource.validate(on_row=on_row, limit_errors=self._limits.errors)
        statistics: dict[str, Any] = {"path": "slow", "why": "it ended before the first row"}
        if self._sweep is not None:
            statistics = {"path": "fast", "bad": len(self._sweep.bad), "learned": self._sweep.learned}
        return Checked(report.to_descriptor(), int(self._resource.stats.rows or 0), statistics)

    def _feed(self) -> Content:
        """What the library reads in place of the file's records; the sweep is made when it asks for the first. The
        library may stop asking, so what is open is closed by `run`."""
        table = table_of(self._resource, self._dialect)
        source = Source(self._path, self._limits.piece_bytes)
        self._open.callback(source.close)
        self._sweep = sweep = Sweep(table, source, self._dialect, self._limits.errors, self._progress)
        for numbers in sweep.keys:
            self._open.callback(numbers.close)
        sweep.run()
        places = np.concatenate(sweep.places) if sweep.places else np.zeros((0, 2), np.int64)
        finder = Finder(self._path, table, self._dialect, places)
        self._open.callback(finder.close)
        yield from Replay(self._resource, source, sweep, finder, self._dialect).rows()
