"""Workbooks for tests: by openpyxl as people's programs write them, and by hand where a test is about the XML."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from openpyxl import Workbook

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
ODF = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for short, name in (("office", "office"), ("table", "table"), ("text", "text"), ("style", "style"))
) + ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'  # fmt: skip


def book(sheets: Mapping[str, Sequence[Sequence[Any]]]) -> Workbook:
    """A workbook of openpyxl's, with these rows in these sheets."""
    made = Workbook()
    made.remove(made.worksheets[0])
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    return made


def saved(workbook: Workbook) -> bytes:
    """The bytes of an XLSX."""
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def xlsx_of(*rows: Sequence[Any]) -> bytes:
    """An XLSX with one sheet."""
    return saved(book({"Sheet1": rows}))


def zipped(parts: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return out.getvalue()


def xlsx_parts(
    rows: str,
    *,
    head: str = "",
    tail: str = "",
    strings: Sequence[str] = (),
    formats: Sequence[str] = (),
    date1904: bool = False,
    sheets: Sequence[str] = ('name="Data"',),
) -> dict[str, str | bytes]:
    """The parts of an XLSX by hand: `rows` is the XML inside of `sheetData`; style n + 1 has the n-th format."""
    listed = "".join(f'<sheet {sheet} sheetId="{n}" r:id="rId{n}"/>' for n, sheet in enumerate(sheets, start=1))
    related = [(f"rId{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(sheets) + 1)]
    related += [("rIdS", "styles", "styles.xml"), ("rIdT", "sharedStrings", "sharedStrings.xml")]
    codes = "".join(f'<numFmt numFmtId="{164 + n}" formatCode="{code}"/>' for n, code in enumerate(formats))
    styles = "".join(f'<xf numFmtId="{164 + n}"/>' for n in range(len(formats)))
    texts = "".join(f"<si>{text}</si>" for text in strings)
    sheet = f'<worksheet xmlns="{MAIN}">{head}<sheetData>{rows}</sheetData>{tail}</worksheet>'
    return {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": relations([("rId1", "officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">'
        f'<workbookPr date1904="{int(date1904)}"/><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": relations(related),
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><numFmts>{codes}</numFmts>'
        f'<cellXfs><xf numFmtId="0"/>{styles}</cellXfs></styleSheet>',
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}" count="9" uniqueCount="{len(strings)}">{texts}</sst>',
        **{f"xl/worksheets/sheet{n}.xml": sheet for n in range(1, len(sheets) + 1)},
    }


def relations(related: Sequence[tuple[str, str, str]]) -> str:
    """The XML of relations: id, last word of the type, target."""
    listed = "".join(f'<Relationship Id="{i}" Type="{OFFICE}/{t}" Target="{target}"/>' for i, t, target in related)
    return f'<Relationships xmlns="{RELATIONS}">{listed}</Relationships>'


def ods_parts(tables: Mapping[str, str], styles: str = "") -> dict[str, str | bytes]:
    """The parts of an ODS: the XML inside of each table, by name (and more attributes, if it ends so)."""
    made = "".join(f'<table:table table:name="{name}">{rows}</table:table>' for name, rows in tables.items())
    return {
        "mimetype": ODS_TYPE,
        "META-INF/manifest.xml": "<manifest/>",
        "content.xml": f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {ODF}>'
        f"<office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:spreadsheet>{made}</office:spreadsheet></office:body></office:document-content>",
    }


def ods_cell(value: Any, more: str = "") -> str:
    """A cell of ODS as LibreOffice writes it; `more` are attributes."""
    if value is None:
        return f"<table:table-cell {more}/>"
    if isinstance(value, bool):
        kind, said = "boolean", f'office:boolean-value="{str(value).lower()}"'
    elif isinstance(value, int | float):
        kind, said = "float", f'office:value="{value}"'
    else:
        kind, said = "string", ""
    return f'<table:table-cell office:value-type="{kind}" {said} {more}><text:p>{value}</text:p></table:table-cell>'


def ods_row(*values: Any, more: str = "") -> str:
    """A row of ODS."""
    return f"<table:table-row {more}>{''.join(map(ods_cell, values))}</table:table-row>"
