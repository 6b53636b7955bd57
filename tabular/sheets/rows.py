"""The rows of an XLSX worksheet, read from its XML in runs: where cells are, and what calamine would not tell of them.

Patterns, not a parser of XML: it would take twice the time of all the rest. They are strict about what they take for an
address; a run in which a cell has none in the usual form is rewritten so that every cell has one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tabular.finding import shorten
from tabular.sheets.block import Outline, cell_address, column_number
from tabular.sheets.container import WorkbookProblem, damaged

PREFIX = rb"(?:[\w.-]+:)?"
CELL = re.compile(rb"<%sc(?=[\s/>])(?: r=\"([A-Z]{1,3})([0-9]{1,7})\")?([^<>]*)>" % PREFIX)
ROW_END = re.compile(rb"</%srow\s*>" % PREFIX)
ROW_OR_CELL = re.compile(rb"<(%s)(row|c)(?=[\s/>])([^<>]*?)(/?)>" % PREFIX)
REFERENCE = re.compile(rb"\sr\s*=\s*[\"']\s*([A-Za-z]{0,3})([0-9]{0,7})\s*[\"']")
ERROR = re.compile(rb"(<%sc r=\"([A-Z]+[0-9]+)\"[^<>]*?\st\s*=\s*)[\"']e[\"']" % PREFIX)
VALUE = re.compile(rb"<%sv>([^<]*)<" % PREFIX)
FORMULA = rb"<%sf\b(?:[^<>]*/>|[^<>]*>[^<]*</%sf>)" % (PREFIX, PREFIX)
NO_VALUE = rb"(?:<%sv\s*/>|<%sv>\s*</%sv>)?" % (PREFIX, PREFIX, PREFIX)
UNCOMPUTED = re.compile(rb"<%sc r=\"([A-Z]+[0-9]+)\"([^<>]*)>\s*%s\s*%s\s*</%sc>" % (PREFIX, FORMULA, NO_VALUE, PREFIX))
HIDDEN = rb"\shidden\s*=\s*[\"'](?:1|true)[\"']"
HIDDEN_ROW = re.compile(rb"<%srow\b[^<>]*%s" % (PREFIX, HIDDEN))
COLUMN = re.compile(rb"<%scol\s([^<>]*)>" % PREFIX)
START, END = re.compile(rb"<%ssheetData\s*(/?)>" % PREFIX), re.compile(rb"</%ssheetData\s*>" % PREFIX)
MERGED = re.compile(rb"<%smergeCell\s[^<>]*?ref\s*=\s*[\"']([A-Z0-9:]+)[\"']" % PREFIX)
LONGEST_TAG = 1_000

RUN_CELLS = 1_000_000
RUN_STRINGS = 32_000_000
"""Cells that a run may span, and bytes that its shared texts may have, so that calamine needs some ten MB for it."""
LONGEST_ROW = 64_000_000
LONGEST_STRINGS = 1_000_000_000
"""Bytes of a row's XML, and of its shared texts if each were as long as the longest of the workbook."""
LAST_ROW, LAST_COLUMN = 1_048_576, 16_384


class Rows:
    """`runs` of a worksheet's XML, each cell with its address; `outline` is whole after the last of them.

    `longest_string` is a bound of what one cell of the type `s` may hold, in bytes.
    """

    def __init__(self, pieces: Iterator[bytes], longest_string: int) -> None:
        self.outline = Outline()
        self._pieces = pieces
        self._longest = longest_string
        self._highest = 0
        self._row = 0
        self._column = 0

    def runs(self) -> Iterator[bytes]:
        """Whole rows, some hundred KB at a time, fewer where they are wide or their texts long."""
        pending = self._after_head()
        while (end := END.search(pending)) is None:
            cut = 0
            if closing := ROW_END.search(pending):
                cut = pending.rfind(closing[0]) + len(closing[0])
                yield from self._looked_at(pending[:cut])
            elif len(pending) > LONGEST_ROW:
                raise WorkbookProblem(
                    "row-too-large", f"Row {self._highest + 1:,} has more than {LONGEST_ROW:,} bytes."
                )
            piece = next(self._pieces, None)
            if piece is None:
                raise damaged("the sheet has no end")
            pending = pending[cut:] + piece
        yield from self._looked_at(pending[: end.start()])
        self._note_merged(pending[end.end() :])

    def _after_head(self) -> bytes:
        """What follows the start of the rows; notes hidden columns, which come before it."""
        head = b""
        for piece in self._pieces:
            head += piece
            if (start := START.search(head)) is not None:
                self._note_columns(head[: start.start()])
                return b"</sheetData>" + head[start.end() :] if start[1] else head[start.end() :]
            if len(head) > LONGEST_ROW:
                break
        raise damaged("the sheet has no rows")

    def _looked_at(self, run: bytes) -> Iterator[bytes]:
        cells = _Cells.of(run)
        if not cells.addressed:
            run = self._addressed(run)
            cells = _Cells.of(run)
        if not cells.count:
            return
        (first, last), columns = cells.area()
        if first <= self._highest:
            raise damaged(f"row {first:,} comes after row {self._highest:,}")
        text = self._longest * (run.count(b'"s"') + run.count(b"'s'"))
        if text > RUN_STRINGS or (last - first + 1) * (columns[1] - columns[0] + 1) > RUN_CELLS:
            ends = [match.end() for match in ROW_END.finditer(run)]
            if len(ends) > 1:
                middle = ends[len(ends) // 2 - 1]
                yield from self._looked_at(run[:middle])
                yield from self._looked_at(run[middle:])
                return
            if text > LONGEST_STRINGS:
                raise WorkbookProblem("row-too-large", f"Row {first:,} has too many long texts.")
        self._highest = self._row = last
        filled = cells.filled()
        if filled.count:
            self.outline.widen(*filled.area())
            yield self._without_errors(run)

    def _without_errors(self, run: bytes) -> bytes:
        """The run with its errors as texts; they and what else deserves a word are noted."""
        outline = self.outline
        if b"hidden" in run:
            outline.hidden_rows += len(HIDDEN_ROW.findall(run))
        if b"<f" in run or b":f" in run:
            for address, attributes in UNCOMPUTED.findall(run):
                if b"str" not in attributes:  # a text of no characters is a value
                    outline.uncomputed.add(address.decode())
        if b'"e"' not in run and b"'e'" not in run:
            return run

        def as_text(match: re.Match[bytes]) -> bytes:
            value = VALUE.search(run, match.end())
            outline.errors.add(match[2].decode(), shorten(value[1].decode("utf-8", "replace"), 20) if value else "")
            return match[1] + b'"str"'

        return ERROR.sub(as_text, run)

    def _addressed(self, run: bytes) -> bytes:
        """The run with an address in every row and cell: without one, each stands behind the one before it."""

        def address(match: re.Match[bytes]) -> bytes:
            prefix, name, attributes, end = match.groups()
            said = REFERENCE.search(attributes)
            letters, number = said.groups() if said else (b"", b"")
            rest = REFERENCE.sub(b"", attributes)
            if name == b"row":
                self._row, self._column = int(number) if number else self._row + 1, 0
                return b'<%srow r="%d"%s%s>' % (prefix, self._row, rest, end)
            row = int(number) if letters and number else self._row
            self._column = column_number(letters.decode()) if letters and number else self._column + 1
            if self._column > LAST_COLUMN or not 0 < row <= LAST_ROW:
                raise damaged(f"row {row:,} has more cells than a row may have")
            return b'<%sc r="%s"%s%s>' % (prefix, cell_address(row, self._column).encode(), rest, end)

        return ROW_OR_CELL.sub(address, run)

    def _note_columns(self, head: bytes) -> None:
        for attributes in COLUMN.findall(head):
            if re.search(HIDDEN, b" " + attributes):
                first, last = (_number(key, attributes) for key in (b"min", b"max"))
                if first and last:
                    self.outline.hidden_columns.append((first, last))

    def _note_merged(self, pending: bytes) -> None:
        while True:
            end = 0
            for match in MERGED.finditer(pending):
                self.outline.merged.add(match[1].decode())
                end = match.end()
            piece = next(self._pieces, None)
            if piece is None:
                return
            pending = pending[max(end, len(pending) - LONGEST_TAG) :] + piece


def _number(key: bytes, attributes: bytes) -> int:
    found = re.search(rb"\b%s\s*=\s*[\"']([0-9]{1,5})[\"']" % key, attributes)
    return int(found[1]) if found else 0


@dataclass(frozen=True, slots=True)
class _Cells:
    """Column letters, row number and the rest of the tag of every cell of a run."""

    letters: tuple[bytes, ...]
    numbers: tuple[bytes, ...]
    rests: tuple[bytes, ...]

    @classmethod
    def of(cls, run: bytes) -> _Cells:
        found = CELL.findall(run)
        return cls(*zip(*found, strict=True)) if found else cls((), (), ())

    @property
    def count(self) -> int:
        return len(self.letters)

    @property
    def addressed(self) -> bool:
        """Whether each cell says where it is; of no cells it is not known either."""
        return bool(self.letters) and b"" not in set(self.letters)

    def filled(self) -> _Cells:
        """Those that hold something, maybe."""
        if not any(rest.endswith(b"/") for rest in set(self.rests)):
            return self
        kept = [cell for cell in zip(self.letters, self.numbers, self.rests, strict=True) if cell[2][-1:] != b"/"]
        return _Cells(*zip(*kept, strict=True)) if kept else _Cells((), (), ())

    def area(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """First and last row, first and last column. Raises WorkbookProblem."""
        rows = [int(number) for number in set(self.numbers)]
        columns = [column_number(letters.decode()) for letters in set(self.letters)]
        if min(rows) < 1 or max(rows) > LAST_ROW or max(columns) > LAST_COLUMN:
            place = cell_address(max(rows), max(columns))
            raise damaged(f"a cell is at {place}, beyond what a sheet may have")
        return (min(rows), max(rows)), (min(columns), max(columns))
