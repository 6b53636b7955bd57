"""Opening a workbook, XLSX or ODS: one of its sheets becomes a CSV, within limits and with the type of every value.

What is in the cells counts, not how they show it: a percentage is its number, a formula its stored value, a date the
day it stands for in the workbook's date system. docs/workbooks.md says all of it to publishers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabular.finding import Finding, shorten
from tabular.hashing import Digest
from tabular.limits import Limits
from tabular.magic import HEAD, binary_kind
from tabular.progress import Progress
from tabular.sheets.block import Book, Outline, SheetName, cell_address
from tabular.sheets.container import Container, WorkbookProblem, encrypted
from tabular.sheets.grid import Grid, write_grid
from tabular.sheets.ods import MIMETYPE, Ods
from tabular.sheets.xlsx import Xlsx
from tabular.textkind import text_kind

OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")  # [MS-OFFCRYPTO], 2.3.4
NAMED = 50
"""Other sheets that are named; a workbook may have thousands."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The sheet that was read. `row` and `column` are its numbers, from 1, of the first record's first cell.

    `kinds` has for each column of one kind (`text`, `number`, `duration`) that kind and the record after which it is.
    """

    name: str
    number: int
    others: tuple[str, ...]
    row: int
    column: int
    area: str
    notes: tuple[str, ...] = ()
    kinds: tuple[tuple[str, int] | None, ...] = ()

    def address(self, record: int, position: int) -> str:
        """The cell of the sheet, such as `B7`, that a record and a position in it (both from 1) came from."""
        return cell_address(self.row + record - 1, self.column + position - 1)

    def address_of(self, error: Mapping[str, Any]) -> str | None:
        """The cell that an error of the validation report is about: the first of its row where it names no field."""
        rows = error.get("rowNumbers") or [None]
        row = error.get("rowNumber", rows[-1])
        return self.address(row, error.get("fieldNumber") or 1) if isinstance(row, int) else None

    def to_dict(self) -> dict[str, Any]:
        """JSON object of everything."""
        return {
            "sheet": self.name,
            "number": self.number,
            "others": list(self.others),
            "row": self.row,
            "column": self.column,
            "area": self.area,
            "notes": list(self.notes),
            "kinds": [list(kind) if kind else None for kind in self.kinds],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Sheet:
        """The sheet that `to_dict` told."""
        return cls(
            name=data["sheet"],
            number=data["number"],
            others=tuple(data["others"]),
            row=data["row"],
            column=data["column"],
            area=data["area"],
            notes=tuple(data["notes"]),
            kinds=tuple((kind[0], kind[1]) if kind else None for kind in data["kinds"]),
        )


def open_workbook(
    path: Path,
    dialect: Mapping[str, Any] | None,
    destination: Path,
    limits: Limits,
    progress: Progress | None = None,
) -> tuple[Sheet, Digest] | Finding:
    """Writes the sheet that `dialect` names (`sheetName`, `sheetNumber`), else the first visible one, to `destination`.

    As UTF-8 CSV with commas and CRLF, from its first to its last cell that holds something. `progress` is told bytes
    written. Nothing is left at `destination` after a finding. Raises OSError for trouble of the local disk.
    """
    cells = destination.with_name(f"{destination.name}.cells.xlsx")  # calamine goes by the suffix
    try:
        with _container(path, limits) as container:
            book = _book(container, limits)
            number = _choose(book.sheets, dialect or {})
            outline = book.unpack(number, cells)
        _refuse(book.sheets[number - 1], outline, limits)
        grid = write_grid(lambda: book.blocks(cells), outline, destination, progress)
        if grid is None:
            raise _empty(book.sheets[number - 1])
        return _sheet(book.sheets, number, grid, outline), grid.digest
    except WorkbookProblem as problem:
        destination.unlink(missing_ok=True)
        return problem.finding
    finally:
        cells.unlink(missing_ok=True)


def sheet_names(path: Path, limits: Limits | None = None) -> list[str] | Finding:
    """The names of the sheets that hold cells, in the workbook's order. Raises OSError."""
    bounds = limits or Limits()
    try:
        with _container(path, bounds) as container:
            return [sheet.name for sheet in _book(container, bounds).sheets]
    except WorkbookProblem as problem:
        return problem.finding


def _container(path: Path, limits: Limits) -> Container:
    with path.open("rb") as file:
        head = file.read(HEAD)
    if head.startswith(b"PK\x03\x04"):
        return Container.open(path, limits)
    if head.startswith(OLD_OFFICE):
        if _holds(path, ENCRYPTED_PACKAGE):
            raise encrypted()
        raise WorkbookProblem("workbook-format", "The workbook is in the old Excel format (XLS); save it as XLSX.")
    what = binary_kind(head) or text_kind(path, head.decode("utf-8", "replace")) or "no workbook"
    raise _no_workbook(what)


def _holds(path: Path, words: bytes) -> bool:
    rest = b""
    with path.open("rb") as file:
        while piece := file.read(1_000_000):
            if words in rest + piece:
                return True
            rest = piece[-len(words) :]
    return False


def _no_workbook(what: str) -> WorkbookProblem:
    return WorkbookProblem(
        "not-a-workbook",
        f"The file is {what}, whatever its name says; save it as XLSX or ODS, or give it the name that fits.",
    )


def _book(container: Container, limits: Limits) -> Book:
    if "mimetype" in container:
        mimetype = container.read("mimetype").strip()
        if mimetype != MIMETYPE:
            raise _no_workbook(f"of the type {shorten(mimetype.decode('ascii', 'replace'), 80)}")
        return Ods(container)
    if "_rels/.rels" in container:
        return Xlsx(container, limits)
    raise _no_workbook("a zip archive")


def _choose(sheets: Sequence[SheetName], dialect: Mapping[str, Any]) -> int:
    """The number, from 1, of the sheet that is asked for."""
    if not sheets:
        raise WorkbookProblem("no-sheets", "The workbook has no sheet with cells.")
    name, number = dialect.get("sheetName"), dialect.get("sheetNumber")
    if name is not None:
        found = next((index for index, sheet in enumerate(sheets, start=1) if sheet.name == name), None)
        if found is None:
            raise _not_found(f"no sheet {shorten(str(name), 80)!r}", "sheetName", sheets)
        if number not in (None, found):
            raise _not_found(f"no sheet {shorten(str(name), 80)!r} with the number {number}", "sheetNumber", sheets)
        return found
    if number is not None:
        if type(number) is not int or not 1 <= number <= len(sheets):
            raise _not_found(f"no sheet with the number {shorten(str(number), 20)}", "sheetNumber", sheets)
        return number
    return next((index for index, sheet in enumerate(sheets, start=1) if not sheet.hidden), 1)


def _not_found(what: str, key: str, sheets: Sequence[SheetName]) -> WorkbookProblem:
    names = ", ".join(f"{index} {shorten(sheet.name, 40)!r}" for index, sheet in enumerate(sheets[:NAMED], start=1))
    return WorkbookProblem("sheet-not-found", f"The workbook has {what}; it has {names}.", where=f"/dialect/{key}")


def _empty(sheet: SheetName) -> WorkbookProblem:
    return WorkbookProblem(
        "sheet-empty", f"The sheet {shorten(sheet.name, 80)!r} is empty; name another one (sheetName in the dialect)."
    )


def _refuse(sheet: SheetName, outline: Outline, limits: Limits) -> None:
    if outline.is_empty:
        raise _empty(sheet)
    if outline.cells > limits.sheet_cells:
        last = cell_address(outline.last_row, outline.last_column)
        raise WorkbookProblem(
            "sheet-too-large",
            f"The cells in use reach from {cell_address(outline.first_row, outline.first_column)} to {last}:"
            f" {outline.cells:,} cells; the limit is {limits.sheet_cells:,}. Delete cells that stray far off.",
            cell=last,
        )
    if outline.uncomputed.count:
        raise WorkbookProblem(
            "formula-without-value",
            f"Formulas without a stored value are in {outline.uncomputed.words()}: open the workbook in a spreadsheet"
            " program, which computes them, and save it.",
            cell=outline.uncomputed.first[0][0],
        )


def _sheet(sheets: Sequence[SheetName], number: int, grid: Grid, outline: Outline) -> Sheet:
    last = cell_address(grid.row + grid.rows - 1, grid.column + grid.columns - 1)
    others = [sheet.name for index, sheet in enumerate(sheets, start=1) if index != number]
    return Sheet(
        name=sheets[number - 1].name,
        number=number,
        others=tuple(shorten(name, 80) for name in others[:NAMED]),
        row=grid.row,
        column=grid.column,
        area=f"{cell_address(grid.row, grid.column)}:{last}",
        notes=tuple(_notes(sheets[number - 1], grid, outline)),
        kinds=grid.kinds,
    )


def _notes(sheet: SheetName, grid: Grid, outline: Outline) -> list[str]:
    """What a publisher may not expect, one sentence each."""
    first, last = grid.column, grid.column + grid.columns - 1
    columns = sum(max(0, min(high, last) - max(low, first) + 1) for low, high in outline.hidden_columns)
    rows = outline.hidden_rows
    hidden = " and ".join(filter(None, (_plural(rows, "hidden row"), _plural(columns, "hidden column"))))
    sentences = (
        (outline.errors.count, f"Errors of the workbook are published as texts: {outline.errors.words()}."),
        (sheet.hidden, "The sheet is hidden in the workbook."),
        (rows or columns, f"The sheet has {hidden}, read like the others."),
        (outline.merged.count, f"Of merged cells only the first has the value: {outline.merged.words()}."),
    )
    return [sentence for holds, sentence in sentences if holds]


def _plural(count: int, noun: str) -> str:
    """`1 row`, `2 rows`; nothing for none."""
    return "" if not count else f"{count:,} {noun}{'' if count == 1 else 's'}"
