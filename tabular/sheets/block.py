"""What is known of a sheet before its values are read, and its values block by block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tabular.sheets.container import damaged

SHOWN = 20
"""Addresses that are kept of each peculiarity; all are counted."""


@dataclass(frozen=True, slots=True)
class SheetName:
    """A sheet that holds cells, as the workbook lists it."""

    name: str
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring rows of a sheet, of equal length; `row` and `column` of its first cell count from 1.

    The whole block stands `times` times, one below the other: in ODS a row is said to be repeated.
    """

    row: int
    column: int
    rows: list[list[Any]]
    times: int = 1


@dataclass(slots=True)
class Places:
    """Cells of one kind: how many, and where the first ones are, with what they hold."""

    count: int = 0
    first: list[tuple[str, str]] = field(default_factory=list)

    def add(self, address: str, text: str = "") -> None:
        """Counts one more."""
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append((address, text))

    def words(self, most: int = 5) -> str:
        """`B2 (#N/A), C7 and 3 more`."""
        shown = [f"{address} ({text})" if text else address for address, text in self.first[:most]]
        more = self.count - len(shown)
        return ", ".join(shown) + (f" and {more:,} more" if more else "")


@dataclass(slots=True)
class Outline:
    """A sheet as far as its XML tells without any value.

    The area, counted from 1, is that of the cells that may hold a value: never too small, at times too large.
    `uncomputed` are formulas without a stored value.
    """

    first_row: int = 0
    last_row: int = 0
    first_column: int = 0
    last_column: int = 0
    errors: Places = field(default_factory=Places)
    uncomputed: Places = field(default_factory=Places)
    merged: Places = field(default_factory=Places)
    hidden_rows: int = 0
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return self.last_row == 0

    @property
    def cells(self) -> int:
        """How many cells the area has, blank ones included."""
        return (self.last_row - self.first_row + 1) * (self.last_column - self.first_column + 1)

    def widen(self, rows: tuple[int, int], columns: tuple[int, int]) -> None:
        """Takes an area of possible values into account."""
        if self.is_empty:
            self.first_row, self.first_column = rows[0], columns[0]
        self.first_row, self.last_row = min(self.first_row, rows[0]), max(self.last_row, rows[1])
        self.first_column, self.last_column = min(self.first_column, columns[0]), max(self.last_column, columns[1])


class Book(Protocol):
    """A workbook of one format. All of it raises WorkbookProblem and OSError."""

    @property
    def sheets(self) -> tuple[SheetName, ...]:
        """The sheets that hold cells, in the workbook's order."""

    def unpack(self, number: int, cells: Path) -> Outline:
        """Writes the cells of the sheet `number`, from 1, to `cells` in pieces that calamine may be given."""

    def blocks(self, cells: Path) -> Iterator[Block]:
        """The values of what `unpack` wrote, from the top; may be asked for again."""


@contextmanager
def reading(row: int) -> Iterator[None]:
    """`with`: calamine reads the cells from `row` on; what it raises becomes WorkbookProblem."""
    from python_calamine import CalamineError

    try:
        yield
    except CalamineError as error:
        raise damaged(f"near row {row:,}: {error}") from None
    except BaseException as error:
        # A panic of Rust's is no Exception, and its class is not to be imported.
        if type(error).__name__ == "PanicException":
            raise damaged(f"near row {row:,}: {error}") from None
        raise


def column_letters(column: int) -> str:
    """`A` for 1, `AA` for 27."""
    letters = ""
    while column:
        column, digit = divmod(column - 1, 26)
        letters = chr(65 + digit) + letters
    return letters


def column_number(letters: str) -> int:
    """1 for `A`, 27 for `AA`."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def cell_address(row: int, column: int) -> str:
    """`B7` for row 7 and column 2."""
    return f"{column_letters(column)}{row}"
