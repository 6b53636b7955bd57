"""A zip archive that holds exactly one file, opened with suspicion."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from tabular.finding import Finding, shorten
from tabular.limits import Limits

END_OF_DIRECTORY = b"PK\x05\x06"
END_SIZE = 22
LONGEST_COMMENT = 65_535
DIRECTORY_ENTRY_BYTES = 4_096
ENCRYPTED = 0x1
DAMAGED = (zipfile.BadZipFile, NotImplementedError, struct.error, ValueError)
"""What `zipfile` raises at a directory that is broken or of a version it does not know."""


class OneFileZip:
    """The one file of a zip archive; a context manager that closes the archive."""

    def __init__(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
        self._archive = archive
        self._entry = entry
        self.name = entry.filename
        self.compressed_size = entry.compress_size

    def pieces(self, size: int) -> Iterator[bytes | Finding]:
        """The file's bytes in pieces; a finding comes last when the archive turns out to be damaged."""
        try:
            with self._archive.open(self._entry) as file:
                while piece := file.read(size):
                    yield piece
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            yield Finding("corrupt-archive", f"The zip archive is damaged ({error}).")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()


def open_zip(path: Path, limits: Limits) -> OneFileZip | Finding:
    """The one file of the archive, or the finding why it is refused. Raises OSError."""
    finding = directory_problem(path, limits.archive_entries, "one CSV is expected")
    if finding is not None:
        return finding
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGED as error:
        return Finding("corrupt-archive", f"The zip archive is damaged ({error}).")
    chosen = _choose(archive.infolist(), limits)
    if isinstance(chosen, Finding):
        archive.close()
        return chosen
    return OneFileZip(archive, chosen)


def directory_problem(path: Path, most: int, expected: str) -> Finding | None:
    """Looks at the size of the directory before `zipfile` reads it whole: a million entries fit in a small file.

    `most` entries are let through; `expected` ends the sentence about more of them.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - END_SIZE - LONGEST_COMMENT))
        tail = file.read()
    at = tail.rfind(END_OF_DIRECTORY)
    if at < 0 or len(tail) - at < END_SIZE:
        return Finding("corrupt-archive", "The zip archive has no directory at its end: it is truncated or damaged.")
    entries, directory_bytes = struct.unpack_from("<HI", tail, at + 10)
    if entries > most or directory_bytes > most * DIRECTORY_ENTRY_BYTES:
        return Finding("archive-refused", f"The zip archive has more than {most:,} entries; {expected}.")
    return None


def _choose(entries: list[zipfile.ZipInfo], limits: Limits) -> zipfile.ZipInfo | Finding:
    for entry in entries:
        if _is_unsafe(entry):
            return Finding(
                "archive-unsafe-entry",
                f"The zip archive has an unsafe entry: {shorten(entry.orig_filename)!r}.",
            )
    files = [entry for entry in entries if not _is_ignorable(entry.filename)]
    if len(entries) > limits.archive_entries or len(files) != 1:
        return Finding("archive-refused", f"The zip archive holds {len(files)} files; exactly one CSV is expected.")
    return _refusal(files[0]) or files[0]


def _refusal(entry: zipfile.ZipInfo) -> Finding | None:
    if entry.flag_bits & ENCRYPTED:
        return Finding("archive-refused", "The zip archive is encrypted.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return Finding("unsupported-compression", "The zip archive uses a compression other than deflate.")
    return None


def _is_ignorable(name: str) -> bool:
    """Folders, and what macOS adds to every archive it makes."""
    return name.endswith("/") or name.startswith("__MACOSX/") or name.rsplit("/", 1)[-1] == ".DS_Store"


def _is_unsafe(entry: zipfile.ZipInfo) -> bool:
    name = entry.orig_filename
    mode = entry.external_attr >> 16
    kind = stat.S_IFMT(mode)
    return (
        not name
        or name.startswith("/")
        or "\\" in name
        or "\x00" in name
        or name[1:2] == ":"
        or ".." in name.split("/")
        or kind not in (0, stat.S_IFREG, stat.S_IFDIR)
    )
