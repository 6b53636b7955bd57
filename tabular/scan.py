"""One pass over a whole CSV: how many records, and is there anything no reader should be given.

The compiled pass counts as far as all is harmless. From there on, or without it, blocks without quotes and NUL bytes
are counted by C loops over bytes; the rest goes through `csv.reader` record by record. Text is read as Latin-1 here,
one character a byte: all that matters to the structure is ASCII.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from tabular import fast
from tabular.blocks import OverlongLine, blocks
from tabular.dialect import Dialect
from tabular.finding import Finding
from tabular.limits import Limits
from tabular.overlong import explain_overlong
from tabular.progress import Progress, Throttle
from tabular.rows import reader

PIECE = 1_048_576
SHOWN = 200
"""Characters of a record that has no end."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What one pass saw. `records` counts all of them, header and blank ones too; `stray_quotes` counts records with
    text after a closing quote, which is read as `csv.reader` reads it, and `first_stray` is the row of the first."""

    records: int
    stray_quotes: int
    first_stray: int | None


class Found(Exception):
    """Inside this module only: carries the finding that ends the scan."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def scan(path: Path, dialect: Dialect, limits: Limits, progress: Progress | None = None) -> Scan | Finding:
    """Reads the file once. A finding has one of the rules `nul-byte`, `unterminated-quote`, `cell-too-large`,
    `row-too-large`, `too-many-columns`. `progress` is told bytes. Raises OSError."""
    scanner = _Scanner(path, dialect, limits, progress)
    try:
        scanner.skip_harmless()
        return scanner.run()
    except Found as found:
        return found.finding


class _Scanner:
    def __init__(self, path: Path, dialect: Dialect, limits: Limits, progress: Progress | None) -> None:
        self._path = path
        self._dialect = dialect
        self._limits = limits
        self._told = Throttle(progress)
        self._delimiter = dialect.delimiter.encode("utf-8", "surrogatepass")
        self._quote = dialect.quote_char.encode("utf-8", "surrogatepass")
        # Latin-1 reading needs the delimiter as one character; another alphabet's goes to the records' path in UTF-8.
        self._codec = "latin-1" if len(self._delimiter) == 1 and len(self._quote) <= 1 else "utf-8"
        self._blocks: Iterator[bytes] = iter(())
        self._records = self._stray = 0
        self._first_stray: int | None = None
        self._offset = self._lines = 0  # of what was handed to a reader or counted
        self._start = self._start_line = 0  # of the record being read
        # Of the record being read, which may have millions of lines: never all of them.
        self._held = self._held_bytes = 0  # lines
        self._first_line = self._opening = ""
        self._nul: tuple[int, int] | None = None  # offset and line of its first NUL
        self._ended_inside = False
        self._has_nul = False

    def skip_harmless(self) -> None:
        """Has the compiled pass read what it can; nothing where there is none, or for a dialect beyond it."""
        if fast.unfit(self._path.stat().st_size, self._limits.fast_from) is not None:
            return
        try:
            counts = fast.count_harmless(self._path, self._dialect, self._limits, self._told)
        except (OSError, MemoryError):
            raise
        except Exception:  # whatever keeps the pass from it, the reader below decides what the file is
            return
        self._offset, self._records = counts.offset, counts.records
        self._stray, self._first_stray = counts.slips, counts.first_slip

    def run(self) -> Scan:
        with self._path.open("rb") as file:
            if self._offset < self._path.stat().st_size:
                self._lines = _count_lines(file, self._offset)
            base = file.seek(self._offset)
            self._blocks = blocks(file, self._limits.row_bytes)
            try:
                for block in self._blocks:
                    self._block(block)
                    self._told(self._offset)
            except OverlongLine as overlong:
                # Blocks before the line may still be unread when a quote was open: that record is the one to explain.
                start = self._start if self._held else base + overlong.offset
                raise Found(self._overlong(start)) from None
        self._told.finish(self._offset)
        return Scan(self._records, self._stray, self._first_stray)

    def _block(self, block: bytes) -> None:
        self._has_nul = b"\x00" in block
        if (
            self._has_nul
            or self._codec != "latin-1"
            or self._dialect.escape_char
            or (self._quote and self._quote in block)
        ):
            self._read(block)
        else:
            self._count(block)

    def _count(self, block: bytes) -> None:
        """A block whose records are its lines."""
        lines = block.splitlines()
        if len(block) > self._limits.row_bytes:
            self._check_rows(block)
        if len(max(lines, key=len)) > min(self._limits.columns, self._limits.cell_bytes):
            self._check_long(block)
        self._records += len(lines)
        self._lines += len(lines)
        self._offset += len(block)

    def _check_rows(self, block: bytes) -> None:
        """A line above the limit that ended before `blocks` gave it up."""
        lines = block.splitlines(keepends=True)
        for index, line in enumerate(lines):
            if len(line.rstrip(b"\r\n")) > self._limits.row_bytes:
                self._records += index
                self._lines += index
                raise Found(self._overlong(self._offset + sum(map(len, lines[:index]))))

    def _check_long(self, block: bytes) -> None:
        lines = block.splitlines(keepends=True)
        for index, line in enumerate(lines):
            if len(line) > min(self._limits.columns, self._limits.cell_bytes):
                self._start_line = self._lines + index
                self._start = self._offset + sum(map(len, lines[:index]))
                cells = next(reader([line.decode("latin-1")], self._dialect))
                self._check_cells(cells, self._records + index + 1)

    def _read(self, block: bytes) -> None:
        """A block with quotes: record by record, pulling the blocks that a record reaches into."""
        lines = self._lines_of(block)
        records = reader(lines, self._dialect, strict=True)
        while True:
            try:
                row = next(records)
            except StopIteration:
                return
            except csv.Error:
                row = self._stray_quote(lines)
            if self._ended_inside:
                raise Found(self._unterminated())
            self._records += 1
            if self._held_bytes > min(self._limits.columns, self._limits.cell_bytes):
                self._check_cells(row, self._records)
            if self._nul is not None:
                self._check_nul(row, *self._nul)
            self._held = self._held_bytes = 0
            self._nul = None

    def _lines_of(self, block: bytes | None) -> Iterator[str]:
        """Lines for the reader, which asks for one more only in the middle of a record or at the start of the next."""
        while block is not None:
            for line in block.splitlines(keepends=True):
                text = line.decode(self._codec)
                if not self._held:
                    self._start, self._start_line = self._offset, self._lines
                    self._first_line, self._opening = text, ""
                if self._has_nul and self._nul is None and b"\x00" in line:
                    self._nul = self._offset + line.index(b"\x00"), self._lines + 1
                self._offset += len(line)
                self._lines += 1
                self._held += 1
                self._held_bytes += len(line)
                if self._held_bytes > self._limits.row_bytes:
                    raise Found(self._overlong(self._start))
                if len(self._opening) < SHOWN:
                    self._opening += text[:SHOWN]
                yield text
            block = next(self._blocks, None) if self._held else None
            self._has_nul = self._has_nul or (block is not None and b"\x00" in block)
        self._ended_inside = bool(self._held)

    def _stray_quote(self, lines: Iterator[str]) -> list[str]:
        """Text after a closing quote. Inside one line it is a slip that readers forgive; when the quote was opened
        on an earlier line, it is where a forgotten closing quote shows."""
        if self._ended_inside or self._held > 1:
            raise Found(self._unterminated())
        self._stray += 1
        self._first_stray = self._first_stray or self._records + 1
        return next(reader(chain([self._first_line], lines), self._dialect))

    def _check_cells(self, row: list[str], number: int) -> None:
        line, start = self._start_line + 1, self._start
        if len(row) > self._limits.columns:
            message = f"Row {number:,} has {len(row):,} columns; the limit is {self._limits.columns:,}."
            raise Found(Finding("too-many-columns", message, number, line, start))
        for position, cell in enumerate(row, start=1):
            if len(cell) > self._limits.cell_bytes:
                message = (
                    f"Row {number:,} has a cell of {len(cell):,} bytes in column {position:,};"
                    f" the limit is {self._limits.cell_bytes:,}."
                )
                raise Found(Finding("cell-too-large", message, number, line, start, str(position)))

    def _check_nul(self, row: list[str], offset: int, line: int) -> None:
        for position, cell in enumerate(row, start=1):
            if "\x00" in cell:
                message = f"Row {self._records:,} has a NUL byte in column {position:,}; text files hold none."
                raise Found(
                    Finding(
                        "nul-byte",
                        message,
                        self._records,
                        line,
                        offset,
                        str(position),
                        cell[:50].replace("\x00", "\\0"),
                    )
                )

    def _unterminated(self) -> Finding:
        row, line = self._records + 1, self._start_line + 1
        message = f"Row {row:,} (line {line:,}) opens a quote that is never closed; what follows was swallowed by it."
        return Finding("unterminated-quote", message, row, line, self._start, cell=self._opening[:SHOWN])

    def _overlong(self, start: int) -> Finding:
        line = self._start_line + 1 if self._held else self._lines + 1
        return explain_overlong(self._path, start, self._records + 1, line, self._dialect, self._limits)


def _count_lines(file: BinaryIO, end: int) -> int:
    """How many line ends there are before byte `end`, which no CRLF reaches over."""
    lines = 0
    last = b""
    for at in range(0, end, PIECE):
        piece = file.read(min(PIECE, end - at))
        lines += piece.count(b"\n") + piece.count(b"\r") - piece.count(b"\r\n")
        lines -= last == b"\r" and piece.startswith(b"\n")
        last = piece[-1:]
    return lines
