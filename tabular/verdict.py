"""frictionless' report on one table: by the compiled pass where that can be taken, by the library alone where not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabular import fast
from tabular.fast.outside import OutsideEnvelope
from tabular.finding import shorten
from tabular.limits import Limits
from tabular.progress import Progress, Throttle

if TYPE_CHECKING:
    from tabular.unpacking import Unpacking


@dataclass(frozen=True, slots=True)
class Verdict:
    """`report` is frictionless' own, as a dictionary. `rows` are the data rows read for it, `invalid_rows` those of
    them with errors. `statistics` say which path was taken (`path`: fast or slow), and `why` where it was the slow one.
    `resource` is the library's, as it was read. `odd_rules` are those of `tabular.oddity` that the table breaks,
    as far as it was read; None where nobody looked."""

    report: dict[str, Any]
    rows: int
    invalid_rows: int
    statistics: dict[str, Any]
    resource: Any
    odd_rules: set[str] | None = None


class MiscountedRows(Exception):
    """Rows read are not rows valid and rows with errors: a fault of ours, after which no report can be trusted."""

    def __init__(self, read: int, **parts: int) -> None:
        told = " + ".join(f"{count:,} {name}" for name, count in parts.items())
        super().__init__(f"{read:,} rows were read, but counted were {told}")


class RowCount:
    """Counts the rows that the library makes, valid ones and others; hands them on to `on_row`."""

    def __init__(self, on_row: Callable[[Any], None] | None = None, progress: Progress | None = None) -> None:
        self.valid = self.invalid = 0
        self._on_row = on_row
        self._told = Throttle(progress)

    def __call__(self, row: Any) -> None:
        """For `on_row` of the library's `validate`."""
        if row.valid:
            self.valid += 1
        else:
            self.invalid += 1
        self._told(self.rows)
        if self._on_row is not None:
            self._on_row(row)

    @property
    def rows(self) -> int:
        """All of them."""
        return self.valid + self.invalid

    def finish(self) -> None:
        """Tells the last count."""
        self._told.finish(self.rows)


def judge(
    make: Callable[[], Any],
    path: Path,
    limits: Limits,
    on_row: Callable[[Any], None] | None = None,
    progress: Progress | None = None,
    size: int | None = None,
    unpacking: Unpacking | None = None,
) -> Verdict:
    """The verdict on the file `path`, which the resources read that `make` makes: one, or two where the pass fails.

    `size` counts in place of the file's where other files are read too; the file may still be written by `unpacking`,
    whose ArchiveRefused is raised before the library opens an archive for itself. `on_row` hears of the rows that have
    errors, and of others. Raises what frictionless raises: FrictionlessException for a schema or dialect that cannot be
    used, anything for values that cannot be compared; MiscountedRows; OSError.
    """
    if unpacking is not None:
        size = unpacking.at_least(fast.settled(limits.fast_from))
    why = fast.unfit(path.stat().st_size if size is None else size, limits.fast_from)
    if why is None:
        try:
            return fast.check(make, path, limits, on_row, progress, unpacking)
        except (MemoryError, MiscountedRows):
            raise
        except OutsideEnvelope as outside:
            why = str(outside)
        except Exception as error:  # whatever it is, frictionless alone decides what it means for the table
            why = shorten(f"{type(error).__name__}: {error}")
    if unpacking is not None:
        unpacking.finish()
    return _judge_slowly(make(), limits, on_row, progress, why)


def _judge_slowly(
    resource: Any, limits: Limits, on_row: Callable[[Any], None] | None, progress: Progress | None, why: str
) -> Verdict:
    from tabular.light import report_dict
    from tabular.lightrow import LightChecklist

    count = RowCount(on_row, progress)
    report = report_dict(resource.validate(LightChecklist(), on_row=count, limit_errors=limits.errors))
    rows = resource.stats.rows or 0
    if rows != count.rows:
        raise MiscountedRows(rows, valid=count.valid, invalid=count.invalid)
    count.finish()
    return Verdict(report, rows, count.invalid, {"path": "slow", "why": why}, resource)
