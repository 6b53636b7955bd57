from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import random
import stat
import struct
import zipfile
import zlib
from collections import Counter
from pathlib import Path

import pytest

from tabular.archive import Opened, open_table
from tabular.finding import Finding
from tabular.limits import Limits
from tests.unit.tabular.conftest import Write

CSV = b"id,name\n1,one\n2,two\n"


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


def opened(path: Path, name: str | None = None, limits: Limits | None = None) -> Opened | Finding:
    return open_table(path, name or path.name, path.parent / "out", limits)


def refused(path: Path, name: str | None = None, limits: Limits | None = None) -> str:
    finding = opened(path, name, limits)
    assert isinstance(finding, Finding)
    assert not (path.parent / "out").exists()
    return finding.rule


def test_a_plain_file_is_not_copied(write: Write) -> None:
    path = write(CSV)
    assert opened(path) == Opened(path, None, len(CSV), None, None)
    assert not (path.parent / "out").exists()


def test_gzip_is_opened_and_hashed(write: Write) -> None:
    path = write(gzip.compress(CSV), "table.csv.gz")
    result = opened(path)
    assert result == Opened(path.parent / "out", "gzip", len(CSV), hashlib.sha256(CSV).hexdigest(), None)
    assert (path.parent / "out").read_bytes() == CSV


def test_gzip_with_several_members_is_one_text(write: Write) -> None:
    path = write(gzip.compress(CSV) + gzip.compress(b"3,three\n"), "table.csv.gz")
    assert isinstance(opened(path), Opened)
    assert (path.parent / "out").read_bytes() == CSV + b"3,three\n"


def test_nobody_has_to_wait_for_a_hash_that_is_not_asked_for(write: Write) -> None:
    path = write(gzip.compress(CSV), "table.csv.gz")
    result = open_table(path, path.name, path.parent / "out", is_hashed=False)
    assert result == Opened(path.parent / "out", "gzip", len(CSV), None, None)


def test_a_mangled_gzip_is_read_as_far_as_by_zlib_and_refused_in_its_words(write: Write) -> None:
    chance = random.Random(5)
    seen: Counter[str] = Counter()
    for _ in range(300):
        content = mangled(chance)
        path = write(content, "table.csv.gz")
        expected = by_zlib(content)
        made = opened(path)
        if isinstance(made, Finding):
            assert (made.rule, made.message) == ("corrupt-archive", expected)
            assert not (path.parent / "out").exists()
        else:
            assert (path.parent / "out").read_bytes() == expected
        seen[expected if isinstance(expected, str) else "whole"] += 1
    assert len(seen) > 8, seen


def mangled(chance: random.Random) -> bytes:
    """A gzip archive of one or two members, with all that a header may have, whole or cut or with bytes changed."""
    text = bytes(chance.choices(b"abc,\n01", k=chance.randrange(900))) * chance.choice([1, 1, 1, 400])
    parts = [text] if chance.random() < 0.6 else [text[:50], text[50:]]
    made = bytearray(b"".join(gzip.compress(part, chance.choice([0, 1, 9])) for part in parts))
    if chance.random() < 0.3:
        flags = chance.choice([2, 4, 8, 16, 30, 32])
        head = b"\x1f\x8b\x08" + bytes([flags]) + b"\0\0\0\0\0\xff"
        head += (b"\x03\0abc" if flags & 4 else b"") + (b"name\0" if flags & 8 else b"")
        head += b"comment\0" if flags & 16 else b""
        made[:10] = head + (zlib.crc32(head) & 0xFFFF).to_bytes(2, "little") if flags & 2 else head
    how = chance.randrange(5)
    if how == 1:
        made[chance.randrange(2, len(made))] = chance.randrange(256)
    elif how == 2:
        made[2:12] = chance.randbytes(10)
    elif how == 3:
        del made[chance.randrange(2, len(made)) :]
    elif how == 4:
        made += chance.choice([b"\0", b"\x1f", b"\x1f\x8b", b"garbage", bytes(made)])
    return bytes(made)


def by_zlib(content: bytes) -> bytes | str:
    """The text by Python's own zlib, or what is told of the archive."""
    made = b""
    while content:
        inflater = zlib.decompressobj(wbits=31)
        try:
            made += inflater.decompress(content)
        except zlib.error as error:
            return f"The gzip archive is damaged ({error})."
        if not inflater.eof:
            return "The gzip archive ends in the middle: it is truncated."
        content = inflater.unused_data
        if content and not content.startswith(b"\x1f\x8b"):
            return "The gzip archive is followed by bytes that do not belong to it."
    return made


def test_gzip_larger_than_a_piece_is_whole(write: Write) -> None:
    content = b"".join(b"%d,%d\n" % (number, number * 7919) for number in range(200_000))
    path = write(gzip.compress(content), "table.csv.gz")
    assert isinstance(opened(path), Opened)
    assert (path.parent / "out").read_bytes() == content


def test_zip_of_one_csv_is_opened(write: Write) -> None:
    path = write(zipped(("data/", b""), ("data/table.csv", CSV), ("__MACOSX/._table.csv", b"x")), "table.zip")
    result = opened(path)
    assert isinstance(result, Opened)
    assert (result.compression, result.inner_name, result.size) == ("zip", "data/table.csv", len(CSV))
    assert (path.parent / "out").read_bytes() == CSV


@pytest.mark.parametrize(
    ("content", "name", "rule"),
    [
        (gzip.compress(CSV, mtime=0)[:-9], "a.csv.gz", "corrupt-archive"),
        (gzip.compress(CSV, mtime=0) + b"garbage", "a.csv.gz", "corrupt-archive"),
        (gzip.compress(CSV, mtime=0)[:-8] + b"\0" * 8, "a.csv.gz", "corrupt-archive"),
        (CSV, "a.csv.gz", "corrupt-archive"),
        (CSV, "a.zip", "corrupt-archive"),
        (zipped(("a.csv", CSV))[:-30], "a.zip", "corrupt-archive"),
        (lzma.compress(CSV), "a.csv.xz", "unsupported-compression"),
        (bz2.compress(CSV), "a.csv.bz2", "unsupported-compression"),
        (b"\x28\xb5\x2f\xfd\x04\x00", "a.csv.zst", "unsupported-compression"),
        (zipped(("a.csv", CSV), method=zipfile.ZIP_LZMA), "a.zip", "unsupported-compression"),
        (zipped(("a.csv", CSV), ("b.csv", CSV)), "a.zip", "archive-refused"),
        (zipped(), "a.zip", "corrupt-archive"),
        (zipped(("a.zip", zipped(("a.csv", CSV)))), "a.zip", "archive-refused"),
        (gzip.compress(gzip.compress(CSV, mtime=0), mtime=0), "a.gz", "archive-refused"),
        (zipped(("../../evil.csv", CSV)), "a.zip", "archive-unsafe-entry"),
        (zipped(("/etc/evil.csv", CSV)), "a.zip", "archive-unsafe-entry"),
        (zipped(("C:\\evil.csv", CSV)), "a.zip", "archive-unsafe-entry"),
    ],
)
def test_an_archive_is_refused_by_name(write: Write, content: bytes, name: str, rule: str) -> None:
    assert refused(write(content, name)) == rule


def test_a_link_in_a_zip_is_refused(write: Write) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo("a.csv")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    assert refused(write(buffer.getvalue(), "a.zip")) == "archive-unsafe-entry"


def test_an_encrypted_zip_is_refused(write: Write) -> None:
    content = bytearray(zipped(("a.csv", CSV)))
    directory = content.index(b"PK\x01\x02")
    content[6] |= 1
    content[directory + 8] |= 1
    assert refused(write(bytes(content), "a.zip")) == "archive-refused"


def test_a_zip_that_lies_about_its_size_is_corrupt(write: Write) -> None:
    content = bytearray(zipped(("a.csv", CSV)))
    struct.pack_into("<I", content, content.index(b"PK\x01\x02") + 24, 5)
    assert refused(write(bytes(content), "a.zip")) == "corrupt-archive"


def test_thousands_of_entries_are_refused_before_the_directory_is_read(write: Write) -> None:
    path = write(zipped(*((f"{number}.csv", b"") for number in range(3_000))), "a.zip")
    assert refused(path) == "archive-refused"


def test_a_bomb_is_stopped_at_the_ratio_and_at_the_size(write: Write) -> None:
    path = write(gzip.compress(b"0" * 3_000_000), "bomb.csv.gz")
    assert refused(path, limits=Limits(ratio_floor=1_000_000)) == "too-large-decompressed"
    assert refused(path, limits=Limits(decompressed_bytes=2_000_000)) == "too-large-decompressed"
    assert isinstance(opened(path), Opened), "a small file of zeros harms nobody"
    bomb = write(zipped(("a.csv", b"0" * 3_000_000)), "bomb.zip")
    (path.parent / "out").unlink()
    assert refused(bomb, limits=Limits(ratio_floor=1_000_000)) == "too-large-decompressed"


def test_a_workbook_stays_what_it_is_for_the_kind_check(write: Write) -> None:
    path = write(zipped(("[Content_Types].xml", b"<x/>"), ("xl/workbook.xml", b"<x/>")), "book.xlsx")
    assert opened(path) == Opened(path, None, path.stat().st_size, None, None)
