"""Opening a compressed table: gzip, or a zip with exactly one file in it, within limits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from zlib_ng import zlib_ng as zlib

from tabular.finding import Finding
from tabular.limits import Limits
from tabular.magic import HEAD, binary_kind
from tabular.progress import Progress, Throttle
from tabular.workbook import Sheet
from tabular.zipped import OneFileZip, open_zip

PIECE = 262_144
UNSUPPORTED = {
    "an xz archive": "xz",
    "a zstd archive": "zstd",
    "a bzip2 archive": "bzip2",
    "a 7z archive": "7z",
    "a RAR archive": "RAR",
    "a tar archive": "tar",
}
EXPECTED = {".gz": "a gzip archive", ".zip": "a zip archive"}
UNSUPPORTED_NAMES = (".xz", ".zst", ".bz2", ".7z", ".rar", ".tar", ".tgz")
NESTED = {"a gzip archive", "a zip archive", *UNSUPPORTED}


@dataclass(frozen=True, slots=True)
class Opened:
    """A table whose bytes are readable at `path`.

    `compression` is None for a file that was not compressed: then `path` is the file given, nothing was copied, and
    `sha256` is None (the caller hashed it already). `size` and `sha256` are of the decompressed bytes; it is None, too,
    where nobody asks for it. The bytes of a workbook's `sheet` are CSV.
    """

    path: Path
    compression: str | None
    size: int
    sha256: str | None
    inner_name: str | None
    sheet: Sheet | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON object without the local path; `sheet` only of a workbook."""
        made = {
            "compression": self.compression,
            "size": self.size,
            "sha256": self.sha256,
            "inner_name": self.inner_name,
        }
        return made | ({"sheet": self.sheet.to_dict()} if self.sheet else {})


class ArchiveProblem(Exception):
    """Inside this module only: carries the finding that ends the opening."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.finding = Finding(rule, message)


def open_table(
    path: Path,
    name: str,
    destination: Path,
    limits: Limits | None = None,
    progress: Progress | None = None,
    is_hashed: bool = True,
    on_piece: Progress | None = None,
) -> Opened | Finding:
    """Decompresses `path` (called `name` by its publisher) to `destination` when its bytes say it is gzip or zip.

    What a file is, its first bytes say; the name only raises an expectation that may be disappointed. `progress` is
    told bytes written, now and then, `on_piece` each time that there are more to read. Nothing is left at
    `destination` after a finding. Raises OSError for trouble of the local disk.
    """
    bounds = limits or Limits()
    with path.open("rb") as file:
        kind = binary_kind(file.read(HEAD))
    finding = _expectation(name, kind)
    if finding is not None:
        return finding
    if kind not in ("a gzip archive", "a zip archive"):
        return Opened(path, None, path.stat().st_size, None, None)
    try:
        return _decompress(path, kind, _Output(destination, bounds, progress, is_hashed, on_piece))
    except ArchiveProblem as problem:
        destination.unlink(missing_ok=True)
        return problem.finding


def _expectation(name: str, kind: str | None) -> Finding | None:
    suffix = PurePosixPath(name.lower()).suffix
    if kind in UNSUPPORTED:
        return Finding(
            "unsupported-compression",
            f"The file is compressed as {UNSUPPORTED[kind]}; publish it plain, as gzip, or as a zip of one CSV.",
        )
    if suffix in EXPECTED and kind != EXPECTED[suffix]:
        return Finding("corrupt-archive", f"The name ends with {suffix}, but the file is not {EXPECTED[suffix]}.")
    if suffix in UNSUPPORTED_NAMES:
        return Finding("unsupported-compression", f"Files ending with {suffix} cannot be opened; use gzip or zip.")
    return None


def _decompress(path: Path, kind: str, output: _Output) -> Opened:
    if kind == "a gzip archive":
        return output.write(_gunzip(path), "gzip", None)
    zipped = open_zip(path, output.limits)
    if isinstance(zipped, Finding):
        raise ArchiveProblem(zipped.rule, zipped.message)
    with zipped:
        return output.write(_unzip(zipped), "zip", zipped.name)


Pieces = Iterator[tuple[bytes, int]]
"""Decompressed pieces, each with the compressed bytes consumed so far."""


def _gunzip(path: Path) -> Pieces:
    """All members of a gzip file, one after the other, as RFC 1952 section 2.2 has it."""
    consumed = 0
    inflater = zlib.decompressobj(wbits=31)
    with path.open("rb") as file:
        pending = file.read(PIECE)
        while pending:
            try:
                piece = inflater.decompress(pending, PIECE)
            except zlib.error as error:  # type: ignore[misc]  # its stub has an instance in place of the class
                raise ArchiveProblem("corrupt-archive", f"The gzip archive is damaged ({error}).") from None
            rest = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            consumed += len(pending) - len(rest)
            yield piece, consumed
            pending = rest or file.read(PIECE)
            if inflater.eof and pending:
                pending = _next_member(pending, file.read(2))
                inflater = zlib.decompressobj(wbits=31)
        # Output may still wait inside the inflater when the last input was swallowed whole.
        while not inflater.eof and (piece := inflater.decompress(b"", PIECE)):
            yield piece, consumed
    if not inflater.eof and consumed:
        raise ArchiveProblem("corrupt-archive", "The gzip archive ends in the middle: it is truncated.")


def _next_member(pending: bytes, more: bytes) -> bytes:
    following = pending + more
    if following.startswith(b"\x1f\x8b"):
        return following
    raise ArchiveProblem("corrupt-archive", "The gzip archive is followed by bytes that do not belong to it.")


def _unzip(zipped: OneFileZip) -> Pieces:
    for piece in zipped.pieces(PIECE):
        if isinstance(piece, Finding):
            raise ArchiveProblem(piece.rule, piece.message)
        yield piece, zipped.compressed_size


@dataclass(frozen=True, slots=True)
class _Output:
    """Where the decompressed bytes go, and how many there may be."""

    destination: Path
    limits: Limits
    progress: Progress | None
    is_hashed: bool
    on_piece: Progress | None

    def write(self, pieces: Pieces, compression: str, inner_name: str | None) -> Opened:
        """Writes all of them."""
        sha256 = hashlib.sha256() if self.is_hashed else None
        told = Throttle(self.progress)
        size = 0
        with self.destination.open("wb") as out:
            for piece, consumed in pieces:
                if size == 0 and binary_kind(piece) in NESTED:
                    raise ArchiveProblem(
                        "archive-refused", "The archive holds another archive; publish the table itself."
                    )
                if sha256 is not None:
                    sha256.update(piece)
                out.write(piece)
                size += len(piece)
                _keep_within(size, consumed, self.limits)
                told(size)
                if self.on_piece is not None:
                    out.flush()
                    self.on_piece(size)
        told.finish(size)
        digest = sha256.hexdigest() if sha256 is not None else None
        return Opened(self.destination, compression, size, digest, inner_name)


def _keep_within(size: int, consumed: int, limits: Limits) -> None:
    if size > limits.decompressed_bytes:
        raise ArchiveProblem(
            "too-large-decompressed",
            f"The archive holds more than {limits.decompressed_bytes:,} bytes, the limit.",
        )
    if size > limits.ratio_floor and size > limits.ratio * max(consumed, 1):
        raise ArchiveProblem(
            "too-large-decompressed",
            f"The archive grows more than {limits.ratio}-fold after {limits.ratio_floor:,} bytes: that is no table.",
        )
