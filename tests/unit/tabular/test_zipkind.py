from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from typing_extensions import override

from tabular.archive import Opened, open_table
from tabular.magic import HEAD, binary_kind
from tests.unit.tabular.conftest import Write
from tests.workbooks import ODS_TYPE, xlsx_of, zipped

EXCEL, WORD, OPEN = "an Excel workbook (XLSX)", "a Word document (DOCX)", "an OpenDocument file"
ZIP = "a zip archive"


class Pipe(io.BytesIO):
    """What cannot be sought in: the sizes of parts follow them."""

    @override
    def seekable(self) -> bool:
        return False


def streamed(parts: Mapping[str, str | bytes]) -> bytes:
    out = Pipe()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def stored(parts: Mapping[str, str | bytes]) -> bytes:
    return zipped(parts, zipfile.ZIP_STORED)


@pytest.mark.parametrize("packed", [zipped, streamed, stored])
@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ({"[Content_Types].xml": "<x/>", "xl/workbook.xml": "<x/>"}, EXCEL),
        ({"docProps/app.xml": "word/" * 900, "XL/Worksheets/Sheet1.xml": "<x/>"}, EXCEL),
        ({"xl/workbook.bin": "x"}, EXCEL),
        ({"[Content_Types].xml": "<x/>", "word/document.xml": "<x/>"}, WORD),
        ({"mimetype": ODS_TYPE, "content.xml": "<x/>"}, OPEN),
        ({"pixl/readme.csv": "a,b\n"}, ZIP),
        ({"xl/readme.csv": "a,b\n"}, ZIP),
        ({"data.csv": "path\nxl/workbook.xml\nword/document.xml\nopendocument\n"}, ZIP),
        ({"mimetype": "text/csv", "opendocument.csv": "a\n"}, ZIP),
    ],
)
def test_a_zip_is_what_its_parts_are_called(
    packed: Callable[[Mapping[str, str]], bytes], parts: Mapping[str, str], kind: str
) -> None:
    assert binary_kind(packed(parts)[:HEAD]) == kind


def test_a_workbook_of_a_program_is_one_and_a_cut_off_one_too() -> None:
    whole = xlsx_of(["a"], [1])
    assert binary_kind(whole) == binary_kind(whole[: len(whole) // 2]) == EXCEL


def test_a_workbook_in_a_zip_is_in_a_zip() -> None:
    assert binary_kind(zipped({"book.xlsx": xlsx_of(["a"], [1])}, zipfile.ZIP_STORED)) == ZIP


@pytest.mark.parametrize("rest", [b"", b"\xff" * 26, b"\0" * 5_000, b"PK\x03\x04" * 999])
def test_nonsense_is_a_zip_at_the_most(rest: bytes) -> None:
    assert binary_kind(b"PK\x03\x04" + rest) == ZIP


def test_a_table_in_a_folder_whose_name_ends_in_xl_is_opened(write: Write, tmp_path: Path) -> None:
    opened = open_table(write(zipped({"pixl/readme.csv": "a,b\n1,2\n"}), "t.zip"), "t.zip", tmp_path / "out")
    assert isinstance(opened, Opened)
    assert (opened.inner_name, opened.path.read_bytes()) == ("pixl/readme.csv", b"a,b\n1,2\n")
