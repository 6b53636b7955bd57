from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import stat
import struct
import zipfile
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
