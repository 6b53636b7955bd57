"""XLSX (ECMA-376): its list of sheets, and the cells of one of them in pieces for calamine.

calamine makes of a sheet one array that spans from its first to its last cell, and stops at what it does not know. So
it is given workbooks of ours: each run of rows as a sheet of its own, errors as texts, nothing that was not looked at.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tabular.limits import Limits
from tabular.sheets.block import Block, Outline, SheetName, reading
from tabular.sheets.container import Container, WorkbookProblem, damaged
from tabular.sheets.rows import PREFIX, Rows

SHARED = re.compile(rb"<(%ssst)(?=[\s/>])[^<>]*?(/?)>" % PREFIX)
STRING = re.compile(rb"<%ssi(?=[\s/>])" % PREFIX)

HEAD = b"<worksheet><mergeCells></mergeCells><sheetData>"  # merged cells first: calamine stops looking for them
TAIL = b"</sheetData></worksheet>"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PER_STRING = 64
"""Bytes that one shared string costs in memory beside its text."""


class Xlsx:
    """The sheets with cells, and their parts; sheets of charts are left out."""

    def __init__(self, container: Container, limits: Limits) -> None:
        self._container = container
        self._limits = limits
        main = next((part for kind, part in self._relations("", "_rels/.rels") if kind == "officeDocument"), None)
        if main is None:
            raise damaged("it does not say where its sheets are")
        if main.lower().endswith(".bin"):
            raise WorkbookProblem("workbook-format", "The workbook is a binary one (XLSB); save it as XLSX.")
        folder, name = posixpath.split(main)
        by_id = dict(self._identified(folder, posixpath.join(folder, "_rels", f"{name}.rels")))
        self._date1904 = False
        self._parts: list[str] = []
        names: list[SheetName] = []
        for element, attributes in container.elements(main):
            if element == "workbookPr":
                self._date1904 = attributes.get("date1904") in ("1", "true")
            elif element == "sheet":
                kind, part = by_id.get(attributes.get("id", ""), ("", ""))
                if kind == "worksheet":
                    names.append(SheetName(attributes.get("name", ""), attributes.get("state", "visible") != "visible"))
                    self._parts.append(part)
        self._strings, self._styles = (
            next((part for kind, part in by_id.values() if kind == wanted and part in container), None)
            for wanted in ("sharedStrings", "styles")
        )
        self.sheets = tuple(names)

    def _relations(self, folder: str, part: str) -> Iterator[tuple[str, str]]:
        return (found for _, found in self._identified(folder, part))

    def _identified(self, folder: str, part: str) -> Iterator[tuple[str, tuple[str, str]]]:
        """Id, and the last word of the type with the target's part name, of every relation (OPC, 6.5)."""
        for element, attributes in self._container.elements(part):
            if element == "Relationship" and attributes.get("TargetMode") != "External":
                kind = attributes.get("Type", "").rpartition("/")[2]
                target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", "")))
                yield attributes.get("Id", ""), (kind, target.lstrip("/"))

    def unpack(self, number: int, cells: Path) -> Outline:
        """See `block.Book`."""
        with zipfile.ZipFile(cells, "w") as archive:
            longest = self._copy_strings(archive)
            if self._styles is not None:
                archive.writestr("xl/styles.xml", self._container.read(self._styles))
            rows = Rows(self._container.pieces(self._parts[number - 1]), longest)
            runs = 0
            for run in rows.runs():
                archive.writestr(f"xl/{runs}.xml", b"".join((HEAD, run, TAIL)))
                runs += 1
            self._write_lists(archive, runs)
        return rows.outline

    def blocks(self, cells: Path) -> Iterator[Block]:
        """See `block.Book`."""
        from python_calamine import CalamineWorkbook

        row = 1
        with reading(row):
            workbook = CalamineWorkbook.from_path(cells)
        for index in range(len(workbook.sheet_names)):
            with reading(row):
                sheet = workbook.get_sheet_by_index(index)
                start, values = sheet.start, sheet.to_python()
            if start is not None and values:
                row = start[0] + 1
                yield Block(row, start[1] + 1, values)
                row += len(values)

    def _copy_strings(self, archive: zipfile.ZipFile) -> int:
        """Copies the texts that cells refer to; returns a bound of the longest one's bytes."""
        if self._strings is None:
            return 0
        longest = count = size = 0
        rest = b""
        with archive.open("xl/sharedStrings.xml", "w", force_zip64=True) as out:
            for index, piece in enumerate(self._container.pieces(self._strings)):
                # calamine makes room for as many as are claimed to be there.
                out.write(SHARED.sub(rb"<\1\2>", piece, count=1) if index == 0 else piece)
                parts = STRING.split(rest + piece)
                longest, count = max(longest, *map(len, parts)), count + len(parts) - 1
                rest, size = parts[-1], size + len(piece)
                if len(rest) > self._limits.cell_bytes:
                    raise WorkbookProblem(
                        "cell-too-large", f"A cell's text has more than {self._limits.cell_bytes:,} bytes, the limit."
                    )
                if size + count * PER_STRING > self._limits.shared_strings:
                    raise WorkbookProblem(
                        "too-large-decompressed",
                        f"The workbook has {count:,} different texts or more, beyond the memory that they may take;"
                        " save the sheet as CSV.",
                    )
        return longest

    def _write_lists(self, archive: zipfile.ZipFile, runs: int) -> None:
        """A workbook of `runs` sheets, 0 and so on."""
        sheets = "".join(f'<sheet name="{index}" id="r{index}"/>' for index in range(runs))
        relations = "".join(
            f'<Relationship Id="r{index}" Type="{RELATION}/worksheet" Target="{index}.xml"/>' for index in range(runs)
        )
        date1904 = '<workbookPr date1904="1"/>' if self._date1904 else ""
        main = f'<Relationship Id="r" Type="{RELATION}/officeDocument" Target="xl/workbook.xml"/>'
        archive.writestr("_rels/.rels", f"<Relationships>{main}</Relationships>")
        archive.writestr("xl/workbook.xml", f"<workbook>{date1904}<sheets>{sheets}</sheets></workbook>")
        archive.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{relations}</Relationships>")
