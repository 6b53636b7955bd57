"""What a file is when it is not text: known signatures and the look of binary data."""

from __future__ import annotations

import re

from tabular.zipkind import START, zip_kind

HEAD = 65_536

# Printable ASCII signatures ("MZ", "PAR1", "ORC") may start an honest CSV: those count only with a control byte near.
SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"%PDF-", "a PDF document"),
    (b"\x7fELF", "a program (ELF)"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Microsoft Office file (such as XLS)"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"ARROW1\x00\x00", "an Arrow file"),
    (b"Obj\x01", "an Avro file"),
    (b"\xca\xfe\xba\xbe", "a program (Java or Mach-O)"),
    (b"\xcf\xfa\xed\xfe", "a program (Mach-O)"),
    (b"\x00asm", "a program (WebAssembly)"),
)
PRINTABLE_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"PAR1", "a Parquet file"),
    (b"MZ", "a program (Windows)"),
    (b"ORC", "an ORC file"),
    (b"RIFF", "a RIFF media file (such as WebP)"),
    (b"ID3", "an MP3 file"),
    (b"OggS", "an Ogg media file"),
)
CONTROL = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]")
BINARY_SHARE = 0.04


def binary_kind(head: bytes) -> str | None:
    """What a file with these first bytes (up to 64 KB are looked at) is by its signature, as a noun; else None."""
    for signature, kind in SIGNATURES:
        if head.startswith(signature):
            return kind
    if head.startswith(START):
        return zip_kind(head)
    if re.match(rb"BZh[1-9]1AY&SY", head):
        return "a bzip2 archive"
    if head[257:262] == b"ustar":
        return "a tar archive"
    if CONTROL.search(head, 0, 512):
        return next((kind for signature, kind in PRINTABLE_SIGNATURES if head.startswith(signature)), None)
    return None


def looks_binary(head: bytes) -> bool:
    """Whether control bytes, NUL apart from the rest, are too many for a text in an ASCII-compatible encoding.

    NUL bytes are left out: a text with some of them deserves the finding that says where the first one is.
    """
    controls = len(CONTROL.findall(head)) - head.count(b"\x00")
    return controls > BINARY_SHARE * len(head) and controls > 3
