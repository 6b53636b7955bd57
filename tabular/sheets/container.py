"""The zip that a workbook is, opened with suspicion: every part is read in pieces, and all of them within limits."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from xml.parsers import expat

from tabular.finding import Finding, shorten
from tabular.limits import Limits
from tabular.zipped import DAMAGED, ENCRYPTED, directory_problem

PIECE = 262_144
WHOLE_PART = 16_000_000
"""Bytes of a part that is read whole: a list of sheets, of relations, of formats."""

Elements = list[tuple[str, dict[str, str]]]
"""Start tags of an XML document in their order: local name, attributes by local name."""


class WorkbookProblem(Exception):
    """Inside `tabular.sheets` and `tabular.workbook` only: carries the finding that ends the opening."""

    def __init__(self, rule: str, message: str, *, where: str | None = None, cell: str | None = None) -> None:
        super().__init__(message)
        self.finding = Finding(rule, message, where=where, cell=cell)


class Container:
    """`with`: the parts of a workbook by lower-case name, for names of parts are equal in any case (OPC, 6.3.5)."""

    def __init__(self, archive: zipfile.ZipFile, limits: Limits) -> None:
        self._archive = archive
        self._limits = limits
        self._size = 0
        self._packed = 0
        self._parts = {entry.filename.replace("\\", "/").lstrip("/").lower(): entry for entry in archive.infolist()}

    @classmethod
    def open(cls, path: Path, limits: Limits) -> Container:
        """Raises WorkbookProblem where the zip is damaged, encrypted or has too many entries; OSError."""
        finding = directory_problem(path, limits.workbook_parts, "a workbook has fewer")
        if finding is not None:
            raise WorkbookProblem(finding.rule, finding.message)
        try:
            archive = zipfile.ZipFile(path)
        except DAMAGED as error:
            raise damaged(error) from None
        made = cls(archive, limits)
        if any(entry.flag_bits & ENCRYPTED for entry in archive.infolist()):
            archive.close()
            raise encrypted()
        return made

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()

    def __contains__(self, part: str) -> bool:
        return part.lower() in self._parts

    def pieces(self, part: str) -> Iterator[bytes]:
        """The part's bytes. Raises WorkbookProblem where it is missing, damaged, or the workbook grows too large."""
        entry = self._parts.get(part.lower())
        if entry is None:
            raise damaged(f"its part {shorten(part, 80)!r} is missing")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise WorkbookProblem("unsupported-compression", "The workbook uses a compression other than deflate.")
        self._packed += entry.compress_size
        try:
            with self._archive.open(entry) as file:
                while piece := file.read(PIECE):
                    self._size += len(piece)
                    self._keep_within()
                    yield piece
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise damaged(error) from None

    def read(self, part: str) -> bytes:
        """A part that is small in every honest workbook."""
        read = bytearray()
        for piece in self.pieces(part):
            read += piece
            if len(read) > WHOLE_PART:
                raise WorkbookProblem(
                    "too-large-decompressed", f"The workbook's {part} has more than {WHOLE_PART:,} bytes."
                )
        return bytes(read)

    def elements(self, part: str) -> Elements:
        """The start tags of a part that is read whole."""
        return elements(self.read(part))

    def _keep_within(self) -> None:
        limits = self._limits
        if self._size > limits.decompressed_bytes:
            raise WorkbookProblem(
                "too-large-decompressed",
                f"The workbook holds more than {limits.decompressed_bytes:,} bytes, the limit.",
            )
        if self._size > limits.ratio_floor and self._size > limits.ratio * max(self._packed, 1):
            raise WorkbookProblem(
                "too-large-decompressed",
                f"The workbook grows more than {limits.ratio}-fold after {limits.ratio_floor:,} bytes:"
                " that is no table.",
            )


def elements(document: bytes) -> Elements:
    """The start tags of an XML document; raises WorkbookProblem for what is none, or declares a document type."""
    found: Elements = []

    def start(name: str, attributes: dict[str, str]) -> None:
        found.append((_local(name), {_local(key): value for key, value in attributes.items()}))

    def doctype(*_declared: object) -> None:
        # Workbooks have none; what it may declare (entities of entities) grows without bound.
        raise damaged("its XML declares a document type")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise damaged(error) from None
    return found


def damaged(why: object) -> WorkbookProblem:
    """The problem of a workbook that cannot be read."""
    return WorkbookProblem(
        "workbook-damaged",
        f"The workbook is damaged ({shorten(str(why))}); open it in a spreadsheet program and save it again.",
    )


def encrypted() -> WorkbookProblem:
    """The problem of a workbook that only a password opens."""
    return WorkbookProblem("workbook-encrypted", "The workbook is protected by a password; save it without one.")


def _local(name: str) -> str:
    return name.rpartition(":")[2]
