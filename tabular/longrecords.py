"""The records of a CSV as Python's `csv` reads them, a huge one in little more memory than its text takes.

`csv` keeps four bytes for every character of a cell, in a buffer that doubles: 256 MB for a cell of 50 MB.
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from tabular.dialect import Dialect
from tabular.rows import reader

LONG = 1 << 20
"""Characters after which a record is not left to `csv`."""


class _TooLong(Exception):
    """Ends the reading by `csv`, in the middle of a record."""


def any_length(
    lines: Iterable[str], dialect: Dialect | csv.Dialect | type[csv.Dialect], long: int = LONG
) -> Iterator[list[str]]:
    """What `tabular.rows.reader(lines, dialect)` gives; a line ends with a line end, and has others in quotes at the
    most. In a dialect with an escape character all records are left to `csv`."""
    source = iter(lines)
    held: deque[str] = deque()
    asked: Any = reader((), dialect)

    def watched() -> Iterator[str]:
        size = 0
        for line in source:
            size = len(line) + (size if held else 0)
            held.append(line)
            if size > long and not asked.dialect.escapechar:
                raise _TooLong
            yield line

    is_long = True
    while is_long:
        with suppress(_TooLong):
            for cells in reader(watched(), dialect):
                held.clear()
                yield cells
            is_long = False
        if is_long:  # nothing holds the lines any more but what is `held`
            yield _LongRecord(held, source, asked.dialect).cells()


class _LongRecord:
    """A record that begins with the lines that are `held`; they are let go of as they are read."""

    def __init__(self, held: deque[str], source: Iterator[str], dialect: Any) -> None:
        self._held, self._source = held, source
        self._delimiter, self._skips_blanks = dialect.delimiter, bool(dialect.skipinitialspace)
        self._quote = dialect.quotechar if dialect.quotechar and dialect.quoting != csv.QUOTE_NONE else ""
        quote = re.escape(self._quote)
        doubled = f"(?:{quote}{quote}[^{quote}]*+)*+" if dialect.doublequote else ""
        self._quoted = re.compile(f"[^{quote}]*+{doubled}") if quote else None
        self._line, self._at, self._end = "", 0, 0

    def cells(self) -> list[str]:
        """All of its cells; a blank record has none."""
        self._move()
        cells = [self._cell()] if self._end else []
        while self._at < self._end:
            self._at += 1
            cells.append(self._cell())
        return cells

    def _move(self) -> bool:
        """To the next line, if there is one."""
        self._line = self._held.popleft() if self._held else next(self._source, "")
        self._at, self._end = 0, len(self._line)
        while self._end and self._line[self._end - 1] in "\r\n":
            self._end -= 1
        return bool(self._line)

    def _cell(self) -> str:
        """The cell that begins here; what follows it is a delimiter, or the end of the line."""
        while self._skips_blanks and self._line.startswith(" ", self._at):
            self._at += 1
        if self._quoted is None or not self._line.startswith(self._quote, self._at):
            return self._bare()
        self._at += 1
        text, is_closed = self._to_quote(self._quoted)
        if is_closed:
            return text + self._bare()
        lines = io.StringIO(newline="")
        lines.write(text)
        while not is_closed and self._move():
            text, is_closed = self._to_quote(self._quoted)
            lines.write(text)
        return lines.getvalue() + self._bare()

    def _to_quote(self, quoted: re.Pattern[str]) -> tuple[str, bool]:
        """The text to the quote that closes, which is passed over, or to the end of the line; whether there is one."""
        found = quoted.match(self._line, self._at)
        assert found is not None, "it matches nothing, too"
        text, end = found.group(), found.end()
        is_closed = end < len(self._line)
        self._at = end + is_closed
        return text.replace(2 * self._quote, self._quote), is_closed

    def _bare(self) -> str:
        """The text to the next delimiter, or to the end of the line; quotes are letters in it."""
        begin, found = self._at, self._line.find(self._delimiter, self._at, self._end)
        self._at = found if found >= 0 else self._end
        return self._line[begin : self._at]
