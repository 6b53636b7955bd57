"""The check of one table by the fast path: a report of frictionless' making, for which it saw only what matters."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tabular.fast.foreign import Foreign
from tabular.fast.outside import OutsideEnvelope
from tabular.fast.plain import Plain, is_own_text
from tabular.fast.plan import table_of
from tabular.fast.reading import DecodedReading, DirectReading, FinishedReading, Reading
from tabular.fast.replay import Finder, Replay
from tabular.fast.source import Hashing, Source, source_of
from tabular.fast.sweep import Sweep
from tabular.library import Content, dialect_of
from tabular.light import report_dict
from tabular.lightrow import LightChecklist
from tabular.limits import Limits
from tabular.progress import Progress
from tabular.verdict import MiscountedRows, Verdict

if TYPE_CHECKING:
    from tabular.unpacking import Unpacking

NO_LIMIT = 2**62


class Engine:
    """One check of the file `path`; where it is still being written, `unpacking` does that."""

    def __init__(
        self,
        path: Path,
        limits: Limits,
        progress: Progress | None = None,
        unpacking: Unpacking | None = None,
    ) -> None:
        self._path, self._unpacking = path, unpacking
        self._limits, self._progress = limits, progress
        self._resource: Any = None
        self._hashing: Hashing | None = None
        self._sweep: Sweep | None = None
        self._invalid: set[int] = set()
        self._open = ExitStack()

    def run(self, make: Callable[[], Any], on_row: Callable[[Any], None] | None) -> Verdict:
        """The verdict of the resource that `make` makes. Raises OutsideEnvelope, MiscountedRows, or what frictionless
        raises."""

        def note(row: Any) -> None:
            if not row.valid:
                self._invalid.add(row.row_number)
            if on_row is not None:
                on_row(row)

        with self._open:
            if self._unpacking is None:  # hashing takes longest, so it begins before anything else does
                self._hashing = self._open.enter_context(closing(Hashing(self._path)))
            self._resource = resource = make()
            if resource.compression and self._unpacking is None:
                raise OutsideEnvelope("a compressed file")
            resource.dialect.feed = self._feed
            if resource.package is not None:
                resource.package.is_fed = True
            report = resource.validate(LightChecklist(), on_row=note, limit_errors=self._limits.errors)
        rows = int(resource.stats.rows or 0)
        statistics: dict[str, Any] = {"path": "none", "why": "it ended before the first row"}
        odd_rules = None
        if self._sweep is not None:
            statistics = {"path": "fast", "bad": len(self._sweep.bad), "learned": self._sweep.learned}
            odd_rules = self._sweep.odd_rules
            _check_counts(self._sweep, rows, self._invalid)
        return Verdict(report_dict(report), rows, len(self._invalid), statistics, resource, odd_rules)

    def _feed(self) -> Content:
        """What the library reads in place of the file's records; the sweep is made when it asks for the first. The
        library may stop asking, so what is open is closed by `run`."""
        dialect = dialect_of(self._resource)
        self._resource.sample.clear()  # a cell of it may be huge, and nobody asks for it any more
        self._resource.fragment.clear()
        foreign = Foreign(self._resource, self._limits.piece_bytes) if self._resource.package is not None else None
        table = table_of(self._resource, dialect, *((foreign.fields, foreign.secrets) if foreign is not None else ()))
        if self._unpacking is not None and not is_own_text(self._resource):
            self._unpacking.at_least(NO_LIMIT)
        plain = self._open.enter_context(closing(Plain(self._path, self._resource)))
        source = self._open.enter_context(closing(source_of(plain, self._limits.piece_bytes, self._unpacking)))
        limit = self._limits.errors or NO_LIMIT
        watch = foreign.watch(table, limit, self._open) if foreign is not None else None
        self._sweep = sweep = Sweep(table, source, dialect, limit, self._progress, watch)
        for numbers in sweep.key_numbers:
            self._open.callback(numbers.close)
        sweep.run()
        source.finish()
        if self._hashing is not None and not sweep.complete:
            self._hashing.stop()  # the report is one of the file's beginning, without hashes
        places = np.concatenate(sweep.places) if sweep.places else np.zeros((0, 2), np.int64)
        finder = Finder(plain, table, dialect, places)
        absent = watch.rows() if watch is not None else ()
        yield from Replay(self._resource, self._reading(plain, source), sweep, finder, dialect, absent).rows()

    def _reading(self, plain: Plain, source: Source) -> Reading:
        if self._hashing is None:
            return FinishedReading()
        if plain.is_file:
            return DirectReading(self._resource.stats, source.size, self._hashing)
        return self._open.enter_context(closing(DecodedReading(self._resource, plain, source.size, self._hashing)))


def _check_counts(sweep: Sweep, rows: int, invalid: set[int]) -> None:
    """That no row was lost or counted twice on the way. Raises MiscountedRows."""
    if sweep.rows != sweep.proven + sweep.accepted + len(sweep.bad):
        raise MiscountedRows(sweep.rows, proven=sweep.proven, accepted=sweep.accepted, bad=len(sweep.bad))
    bad = sum(place.row < rows for place in sweep.bad)
    told = sum(place.row < rows and place.record in invalid for place in sweep.bad)
    if bad != told:
        raise MiscountedRows(rows, valid=rows - bad, invalid=told)
