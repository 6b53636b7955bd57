"""Which document a zip is, by the parts that its first bytes hold: their own headers, which a cut-off file has too."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

START = b"PK\x03\x04"
HEADER = struct.Struct("<4s2xHHHH4sIIHH")
"""Of a part (APPNOTE 4.3.7): signature, flags, method, time, date, check, sizes packed and not, lengths of names."""
DEFLATED = 8
SIZES_FOLLOW = 0x8
ZIP64 = 0xFFFFFFFF
"""The size is elsewhere: the next part is looked for, as where sizes follow."""
FOLDERS = (
    (b"xl/", "an Excel workbook (XLSX)"),
    (b"word/", "a Word document (DOCX)"),
)
FIRST = 200
PARTS = (b".xml", b".rels", b".bin")
OPEN_DOCUMENT = b"application/vnd.oasis.opendocument"


def zip_kind(head: bytes) -> str:
    """The noun for a zip that begins so; parts are known by their whole names, which are equal in any case."""
    for name, content in _parts(head):
        if name == b"mimetype" and content.startswith(OPEN_DOCUMENT):
            return "an OpenDocument file"
        for folder, kind in FOLDERS:
            if name.startswith(folder) and name.endswith(PARTS):
                return kind
    return "a zip archive"


def _parts(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name in small letters and first bytes of each part whose header is there."""
    at = 0
    while head.startswith(START, at) and len(head) - at >= HEADER.size:
        _, flags, method, _, _, _, packed, _, name, extra = HEADER.unpack_from(head, at)
        begin = at + HEADER.size + name + extra
        yield head[at + HEADER.size : at + HEADER.size + name].lower(), _unpacked(head[begin : begin + FIRST], method)
        is_told = packed != ZIP64 and not flags & SIZES_FOLLOW
        at = begin + packed if is_told else head.find(START, begin + packed % ZIP64)
        if at < 0:
            return


def _unpacked(packed: bytes, method: int) -> bytes:
    """As much of a part as its first bytes make."""
    if method != DEFLATED:
        return packed
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, FIRST)
    except zlib.error:
        return b""
