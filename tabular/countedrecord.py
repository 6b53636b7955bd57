"""Records of which it is enough to know how many cells they have: frictionless compares a hundred with the header."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from typing_extensions import override

from tabular.rows import reader

LONGEST = 100_000
"""Characters of a line that is counted; longer ones are rare, and others know how to read them in bounded memory."""


class CountedRecord(list[str]):
    """The record of one line, whose cells are cut apart when somebody asks for one. `characters` are those of its
    cells. It is not to be changed."""

    def __init__(self, line: str, text: str, dialect: Any) -> None:
        super().__init__()
        self._line, self._dialect = line, dialect
        self._count = text.count(dialect.delimiter) + 1
        self.characters = len(text) - self._count + 1
        self._is_read = False

    @override
    def __len__(self) -> int:
        return self._count

    @override
    def __iter__(self) -> Iterator[str]:
        self._read()
        return super().__iter__()

    @override
    def __getitem__(self, key: Any) -> Any:
        self._read()
        return super().__getitem__(key)

    def _read(self) -> None:
        if not self._is_read:
            self._is_read = True
            self.extend(next(reader([self._line], self._dialect)))


def counted(lines: deque[str], dialect: Any) -> Iterator[CountedRecord]:
    """Takes lines from the front as long as each is a record by itself, for `csv` with that dialect of Python's, and as
    many cells as it has delimiters and one."""
    told = reader((), dialect).dialect  # type: ignore[attr-defined]  # what `csv` makes of it
    special = [character for character in (told.quotechar, told.escapechar) if character]
    while lines and len(lines[0]) <= LONGEST:
        text = lines[0].removesuffix("\n").removesuffix("\r")
        if not text or any(character in text for character in ("\r", "\0", *special)):
            return
        yield CountedRecord(lines.popleft(), text, told)
