"""Why a record exceeds every bound: a huge cell, a forgotten quote, too many columns, or just too much."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

from tabular.dialect import Dialect
from tabular.finding import Finding
from tabular.limits import Limits

PIECE = 1_048_576


def explain_overlong(path: Path, start: int, row: int, line: int, dialect: Dialect, limits: Limits) -> Finding:
    """The finding for the record at byte `start`, looking at no more than the limit of a row, and for the quote's
    end at the rest of the file in pieces. Raises OSError."""
    with path.open("rb") as file:
        file.seek(start)
        window = file.read(limits.row_bytes + 1)
        walk = _Cells(window, dialect)
        largest, open_quote = walk.run(limits.columns)
        if walk.count > limits.columns:
            message = f"Row {row:,} has more than {limits.columns:,} columns, the limit."
            return Finding("too-many-columns", message, row, line, start)
        if open_quote is not None and not _closes_well(file, start + open_quote + 1, dialect):
            message = (
                f"Row {row:,} (line {line:,}) opens a quote that is never closed; what follows was swallowed by it."
            )
            cell = window[open_quote : open_quote + 200].decode("utf-8", "replace")
            return Finding("unterminated-quote", message, row, line, start + open_quote, str(walk.count), cell)
    if largest > limits.cell_bytes:
        message = (
            f"Row {row:,} has a cell of more than {limits.cell_bytes:,} bytes in column {walk.largest_at:,}, the limit."
        )
        return Finding("cell-too-large", message, row, line, start, str(walk.largest_at))
    return Finding(
        "row-too-large", f"Row {row:,} has more than {limits.row_bytes:,} bytes, the limit.", row, line, start
    )


class _Cells:
    """Walks over the cells of one record by searching for what ends them."""

    def __init__(self, window: bytes, dialect: Dialect) -> None:
        self._window = window
        self._delimiter = dialect.delimiter.encode()
        self._quote = dialect.quote_char.encode()
        self._end = re.compile(b"[\r\n]|" + re.escape(self._delimiter))
        self.count = 0
        self.largest_at = 0

    def run(self, columns: int) -> tuple[int, int | None]:
        """The largest cell's bytes, and where the last cell's quote was opened if it stays open in the window."""
        at = largest = 0
        while at <= len(self._window) and self.count <= columns:
            self.count += 1
            begin = at
            if self._quote and self._window.startswith(self._quote, at):
                closing = self._closing(at + 1)
                if closing < 0:
                    self.largest_at = self.count
                    return len(self._window) - begin, begin
                at = closing + 1
            found = self._end.search(self._window, at)
            end = found.start() if found else len(self._window)
            if end - begin > largest:
                largest, self.largest_at = end - begin, self.count
            if found is None or found.group() != self._delimiter:
                break
            at = found.end()
        return largest, None

    def _closing(self, at: int) -> int:
        while (at := self._window.find(self._quote, at)) >= 0:
            if not self._window.startswith(self._quote, at + 1):
                return at
            at += 2
        return -1


def _closes_well(file: BinaryIO, at: int, dialect: Dialect) -> bool:
    """Whether the quote opened before byte `at` is closed somewhere, and by a quote that ends its cell."""
    quote = dialect.quote_char.encode()
    ends = (dialect.delimiter.encode(), b"\n", b"\r")
    file.seek(at)
    carry = b""
    while piece := file.read(PIECE):
        data = carry + piece
        position = 0
        while (found := data.find(quote, position)) >= 0 and found + 1 < len(data):
            if not data.startswith(quote, found + 1):
                return data.startswith(ends, found + 1)
            position = found + 2
        carry = data[found:] if found >= 0 else b""
    return carry == quote
