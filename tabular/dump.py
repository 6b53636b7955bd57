"""The published form of a table: canonical CSV, and a preview.

Canonical is UTF-8 without a byte order mark, comma, `"` doubled inside quotes, a header in the first record. A file
that is so already is published byte for byte, whatever ends its lines. Another one is rewritten with CRLF, as
RFC 4180 and the default dialect of the standard have it. Cells are never changed, formulas and blanks included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from tabular import fast
from tabular.dialect import Dialect
from tabular.finding import shorten
from tabular.hashing import hash_file
from tabular.limits import Limits
from tabular.progress import Progress, Throttle
from tabular.rows import read_data, read_labels
from tabular.scan import Scan, scan
from tabular.sink import CsvSink

MARK = b"\xef\xbb\xbf"
UNBOUNDED = Limits(cell_bytes=2**40, row_bytes=2**40, columns=2**40)


@dataclass(frozen=True, slots=True)
class Canonical:
    """What is published. When `unchanged`, nothing was written to the destination: the file given is it."""

    size: int
    sha256: str
    md5: str
    rows: int
    unchanged: bool

    def to_dict(self) -> dict[str, Any]:
        """JSON object of everything."""
        return asdict(self)


class RowsLost(Exception):
    """Rows written and rows read differ: a fault of ours, never of the data."""


def write_canonical(
    path: Path,
    encoding: str,
    dialect: Mapping[str, Any] | None,
    destination: Path,
    *,
    field_names: Sequence[str] = (),
    progress: Progress | None = None,
    hashed: Progress | None = None,
) -> Canonical:
    """The canonical form of the CSV at `path`, written to `destination` unless the file is canonical already.

    `rows` are data rows. A file without a header gets `field_names` as one. `progress` is told rows, `hashed` the
    bytes of a file that is canonical already. Raises OSError, UnicodeDecodeError, and RowsLost.
    """
    kind = Dialect.from_descriptor(dialect)
    if _is_canonical(path, encoding, kind):
        return _unchanged(path, kind, hashed)
    try:
        with destination.open("wb") as out:
            return _rewrite(path, encoding, kind, out, field_names, progress)
    except BaseException:
        destination.unlink(missing_ok=True)
        raise


def preview(
    path: Path,
    encoding: str = "utf-8",
    dialect: Mapping[str, Any] | None = None,
    *,
    rows: int = 100,
    columns: int = 200,
    cell: int = 500,
) -> dict[str, Any]:
    """The header and the first rows, for a page: `{"header", "rows", "more_rows", "more_columns", "cut_cells"}`.

    Cells are cut to `cell` characters and rows to `columns`; the last three say whether anything was left out.
    """
    kind = Dialect.from_descriptor(dialect)
    header = read_labels(path, kind, encoding)
    shown: list[list[str]] = []
    more = False
    for _, cells in read_data(path, kind, encoding):
        if len(shown) == rows:
            more = True
            break
        shown.append(cells)
    everything = [header, *shown]
    return {
        "header": [shorten(text, cell) for text in header[:columns]],
        "rows": [[shorten(text, cell) for text in cells[:columns]] for cells in shown],
        "more_rows": more,
        "more_columns": any(len(cells) > columns for cells in everything),
        "cut_cells": any(len(text) > cell for cells in everything for text in cells),
    }


def _is_canonical(path: Path, encoding: str, dialect: Dialect) -> bool:
    with path.open("rb") as file:
        return encoding == "utf-8" and dialect.is_canonical and file.read(len(MARK)) != MARK


def _unchanged(path: Path, dialect: Dialect, progress: Progress | None) -> Canonical:
    digest = hash_file(path, progress)
    scanned = scan(path, dialect, UNBOUNDED, progress)
    if not isinstance(scanned, Scan):
        raise RowsLost(scanned.message)
    rows = max(0, scanned.records - 1)
    return Canonical(digest.size, digest.sha256, digest.md5, rows, True)


def _rewrite(
    path: Path, encoding: str, dialect: Dialect, out: BinaryIO, names: Sequence[str], progress: Progress | None
) -> Canonical:
    sink = CsvSink(out)
    header = read_labels(path, dialect, encoding) or list(names)
    if header:
        sink.write_record(header)
    told = Throttle(progress)
    rows = _write_fast(path, encoding, dialect, sink, told)
    if rows is None:
        rows = _write_rows(path, encoding, dialect, sink, told)
    told.finish(rows)
    digest = sink.finish()
    return Canonical(digest.size, digest.sha256, digest.md5, rows, False)


def _write_fast(path: Path, encoding: str, dialect: Dialect, sink: CsvSink, told: Throttle) -> int | None:
    """Has the compiled pass write all rows; None, and nothing is written, where it cannot."""
    if encoding != "utf-8" or fast.unfit(path.stat().st_size, UNBOUNDED.fast_from) is not None:
        return None
    place = sink.place()
    try:
        return fast.write_rows(path, dialect, sink.write_piece, told)
    except (OSError, MemoryError):
        raise
    except Exception:  # whatever keeps the pass from it, the reader tells
        sink.go_back(place)
        return None


def _write_rows(path: Path, encoding: str, dialect: Dialect, sink: CsvSink, told: Throttle) -> int:
    """The same with `csv`: the reference."""
    before, rows = sink.records, 0
    for _, cells in read_data(path, dialect, encoding):
        sink.write_record(cells)
        rows += 1
        told(rows)
    if sink.records - before != rows:
        raise RowsLost(f"{rows} rows were read and {sink.records - before} written")
    return rows
