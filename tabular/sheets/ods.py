"""ODS (OpenDocument 1.3, part 3): its tables, and the rows of one of them in pieces for calamine.

calamine reads all tables of a document at once and repeats what is said to be repeated. So it is given documents of
ours: some rows at a time, none of them repeated, errors and line breaks as texts.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from html import unescape
from pathlib import Path

from tabular.finding import shorten
from tabular.sheets.block import Block, Outline, SheetName, cell_address, reading
from tabular.sheets.container import Container, WorkbookProblem, damaged, encrypted
from tabular.sheets.rows import LAST_COLUMN, LAST_ROW, LONGEST_ROW

MIMETYPE = b"application/vnd.oasis.opendocument.spreadsheet"
CONTENT, MANIFEST = "content.xml", "META-INF/manifest.xml"
ATTRIBUTES = rb"(?:[^<>\"']|\"[^\"]*\"|'[^']*')*"
TABLE = re.compile(rb"<table:table(?=[\s>])%s>|</table:table>" % ATTRIBUTES)
ROW_OR_COLUMN = re.compile(
    rb"<table:table-row(?=[\s/>])(?P<row>%s)(?:(?<=/)>|(?<!/)>(?P<cells>.*?)</table:table-row>)"
    rb"|<table:table-column(?=[\s/>])(?P<column>%s)>" % (ATTRIBUTES, ATTRIBUTES),
    re.DOTALL,
)
CELL = re.compile(rb"<table:(?:covered-)?table-cell(?=[\s/>])(%s)>" % ATTRIBUTES)
BETWEEN = re.compile(rb"\s+(?=</?table:|<text:p[\s/>])|\s+\Z")
HELD = re.compile(rb"\soffice:(?:value|string-value|date-value|time-value|boolean-value|value-type)\s*=")
IS_ERROR = b'calcext:value-type="error"'
VALUE = re.compile(rb"\soffice:(?:value|string-value|value-type)\s*=\s*(?:\"[^\"]*\"|'[^']*')")
PARAGRAPH = re.compile(rb"<text:p[^<>]*>([^<]*)<")
LINE_BREAK = re.compile(rb"<text:line-break\s*(?:/>|></text:line-break>)")
TAB = re.compile(rb"<text:tab(?:\s[^<>]*)?(?:/>|></text:tab>)")
SPACES = re.compile(rb"\stext:c\s*=\s*[\"']([0-9]+)[\"']")
HIDDEN_STYLE = re.compile(
    rb"<style:style\s(%s)>\s*<style:table-properties\b[^<>]*table:display\s*=\s*[\"']false[\"']" % ATTRIBUTES
)
HEAD = b'<office:document-content><office:body><office:spreadsheet><table:table table:name="cells">'
TAIL = b"</table:table></office:spreadsheet></office:body></office:document-content>"
CHUNK_BYTES, CHUNK_CELLS = 262_144, 500_000


class Ods:
    """The tables of a document."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._chunks: list[tuple[int, int]] = []
        if MANIFEST in container and b"encryption-data" in container.read(MANIFEST):
            raise encrypted()
        self.sheets = tuple(self._tables())

    def _tables(self) -> Iterator[SheetName]:
        depth = 0
        head: bytes | None = b""
        hidden: set[str] = set()
        for text, tag in self._cut():
            if head is not None:
                head += text
                if len(head) > LONGEST_ROW:
                    raise damaged("its list of styles has no end")
                if tag:
                    hidden = {_attribute(b"style:name", style) for style in HIDDEN_STYLE.findall(head)}
                    head = None
            if depth == 0 and tag.startswith(b"<table"):
                yield SheetName(_attribute(b"table:name", tag), _attribute(b"table:style-name", tag) in hidden)
            depth += _step(tag)

    def unpack(self, number: int, cells: Path) -> Outline:
        """See `block.Book`."""
        with zipfile.ZipFile(cells, "w") as archive:
            table = _Table(archive)
            pending = b""
            for text in self._inside(number):
                pending += text
                end = 0
                for found in ROW_OR_COLUMN.finditer(pending):
                    table.add(found)
                    end = found.end()
                start = pending.find(b"<table:table-", end)
                pending = pending[start:] if start >= 0 else pending[-len(b"<table:table-") :]
                if len(pending) > LONGEST_ROW:
                    raise WorkbookProblem("row-too-large", f"Row {table.row:,} has more than {LONGEST_ROW:,} bytes.")
            table.flush()
        self._chunks = table.chunks
        return table.outline

    def blocks(self, cells: Path) -> Iterator[Block]:
        """See `block.Book`."""
        from python_calamine import CalamineWorkbook

        with zipfile.ZipFile(cells) as archive:
            for index, (row, times) in enumerate(self._chunks):
                with reading(row):
                    document = io.BytesIO(_document(archive.read(str(index))))
                    sheet = CalamineWorkbook.from_filelike(document).get_sheet_by_index(0)
                    start, values = sheet.start, sheet.to_python()
                if start is not None and values:
                    yield Block(row + start[0], start[1] + 1, values, times)

    def _inside(self, number: int) -> Iterator[bytes]:
        """The XML of the table `number`, from 1."""
        depth = found = 0
        for text, tag in self._cut():
            if found == number and depth:
                yield text
                if depth == 1 and tag.startswith(b"<table"):
                    raise WorkbookProblem("workbook-format", "A cell of the sheet holds a table; take it out.")
            if depth == 0 and tag.startswith(b"<table"):
                found += 1
            depth += _step(tag)

    def _cut(self) -> Iterator[tuple[bytes, bytes]]:
        """The document cut at the tags of its tables: a text, and the tag after it where there is one."""
        pending = b""
        for piece in self._container.pieces(CONTENT):
            pending += piece
            at = 0
            for tag in TABLE.finditer(pending):
                yield pending[at : tag.start()], tag[0]
                at = tag.end()
            cut = max(pending.rfind(b"<", at), at)  # a tag may be cut in two
            yield pending[at:cut], b""
            pending = pending[cut:]
            if len(pending) > LONGEST_ROW:
                raise damaged("a tag has no end")
        yield pending, b""


class _Table:
    """The rows of a table on their way into `archive`; `chunks` have the row and the repetitions of each entry."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.outline = Outline()
        self.chunks: list[tuple[int, int]] = []
        self.row = 1
        self._archive = archive
        self._column = 1
        self._waiting: list[bytes] = []
        self._bytes = self._cells = 0

    def add(self, found: re.Match[bytes]) -> None:
        """A row, or a column's properties."""
        if (column := found["column"]) is not None:
            last = self._column + _repeated(b"columns", column) - 1
            if b"table:visibility=" in column:
                self.outline.hidden_columns.append((self._column, last))
            self._column = last + 1
            return
        times = _repeated(b"rows", found["row"])
        cells = found["cells"] or b""
        if not HELD.search(cells) and b"table:formula=" not in cells:
            self.flush()
            self.row += times
            return
        if self.row + times - 1 > LAST_ROW:
            raise damaged(f"it has more than {LAST_ROW:,} rows")
        if b"table:visibility=" in found["row"]:
            self.outline.hidden_rows += times
        self._add_row(cells, times)

    def _add_row(self, cells: bytes, times: int) -> None:
        width = self._look_at(cells, times)
        if times > 1 or self._bytes > CHUNK_BYTES or self._cells + width > CHUNK_CELLS:
            self.flush()
        plain = b"<table:table-row>%s</table:table-row>" % _made_plain(cells)
        self._waiting.append(plain)
        self._bytes += len(plain)
        self._cells += width
        self.row += times
        if times > 1:
            self.flush(times)

    def _look_at(self, cells: bytes, times: int) -> int:
        """Notes what deserves a word; returns how many cells the row has up to the last one that holds something."""
        if sum(map(int, SPACES.findall(cells))) > LONGEST_ROW:
            raise WorkbookProblem("row-too-large", f"Row {self.row:,} has more than {LONGEST_ROW:,} spaces.")
        column, first, last = 1, 0, 0
        for cell in CELL.finditer(cells):
            attributes, repeated = cell[1], _repeated(b"columns", cell[1])
            address = cell_address(self.row, column)
            if HELD.search(attributes):
                first, last = first or column, column + repeated - 1
                if IS_ERROR in attributes:
                    text = PARAGRAPH.search(cells, cell.end())
                    self.outline.errors.add(address, shorten(unescape(text[1].decode()), 20) if text else "")
            elif b"table:formula=" in attributes:
                self.outline.uncomputed.add(address)
            if b"-spanned=" in attributes:
                self.outline.merged.add(address)
            column += repeated
        if last > LAST_COLUMN:
            raise damaged(f"row {self.row:,} has more cells than a row may have")
        if first:
            self.outline.widen((self.row, self.row + times - 1), (first, last))
        return last

    def flush(self, times: int = 1) -> None:
        """Writes the rows that wait."""
        if self._waiting:
            self._archive.writestr(str(len(self.chunks)), b"".join(self._waiting))
            self.chunks.append((self.row - (times if times > 1 else len(self._waiting)), times))
            self._waiting.clear()
            self._bytes = self._cells = 0


def _made_plain(cells: bytes) -> bytes:
    """The cells of a row as calamine reads all of them: nothing in between, breaks and errors as texts."""
    cells = BETWEEN.sub(b"", cells)
    if b"<text:line-break" in cells:
        cells = LINE_BREAK.sub(b"\n", cells)
    if b"<text:tab" in cells:
        cells = TAB.sub(b"\t", cells)
    if IS_ERROR not in cells:
        return cells

    def as_text(cell: re.Match[bytes]) -> bytes:
        if IS_ERROR not in cell[1]:
            return cell[0]
        tag, end = (cell[0][:-2], b"/>") if cell[0].endswith(b"/>") else (cell[0][:-1], b">")
        return VALUE.sub(b"", tag) + b' office:value-type="string"' + end

    return CELL.sub(as_text, cells)


def _document(rows: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("mimetype", MIMETYPE)
        archive.writestr(MANIFEST, b"<manifest/>")
        archive.writestr(CONTENT, b"".join((HEAD, rows, TAIL)))
    return made.getvalue()


def _step(tag: bytes) -> int:
    """How much deeper the document is after a tag of a table."""
    if not tag or tag.endswith(b"/>"):
        return 0
    return -1 if tag.startswith(b"</") else 1


def _attribute(name: bytes, tag: bytes) -> str:
    found = re.search(rb"(?:^|\s)%s\s*=\s*(?:\"([^\"]*)\"|'([^']*)')" % name, tag)
    return unescape((found[1] or found[2] or b"").decode("utf-8", "replace")) if found else ""


def _repeated(what: bytes, attributes: bytes) -> int:
    if b"-repeated" not in attributes:
        return 1
    text = _attribute(b"table:number-%s-repeated" % what, attributes)
    if not re.fullmatch("[0-9]{1,9}", text):
        return 1
    return max(1, int(text))
