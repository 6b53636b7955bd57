"""Tables that are read while they are written."""

from __future__ import annotations

import gzip
import threading
import zipfile
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from tabular.fast.source import FileSource
from tabular.limits import Limits
from tabular.unpacking import ArchiveRefused, Unpacking

TEXT = b"".join(b"%d,a row of a table\n" % number for number in range(50_000))


def packed(folder: Path, data: bytes | None = None, name: str = "table.csv.gz") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(TEXT, 1) if data is None else data)
    return path


def test_what_is_there_is_read_while_the_rest_is_written(tmp_path: Path) -> None:
    with closing(Unpacking(packed(tmp_path), tmp_path / "out", Limits())) as unpacking:
        there = unpacking.at_least(1)
        assert 0 < there <= len(TEXT)
        assert unpacking.path.read_bytes()[:there] == TEXT[:there]
        assert unpacking.at_least(1_000_000) >= 1_000_000
        assert unpacking.finish().read_bytes() == TEXT
        assert unpacking.at_least(2 * len(TEXT)) == len(TEXT)


def test_a_zip_too(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "table.csv.zip", "w") as archive:
        archive.writestr("table.csv", TEXT)
    with closing(Unpacking(tmp_path / "table.csv.zip", tmp_path / "out", Limits())) as unpacking:
        assert unpacking.finish().read_bytes() == TEXT


def test_what_is_not_compressed_stays_where_it_is(tmp_path: Path) -> None:
    path = packed(tmp_path, TEXT, "table.csv")
    with closing(Unpacking(path, tmp_path / "out", Limits())) as unpacking:
        assert unpacking.path == unpacking.finish() == path
        assert unpacking.at_least(1) == len(TEXT)


@pytest.mark.parametrize(
    ("cut", "limits", "rule"),
    [
        (-9, Limits(), "corrupt-archive"),
        (2, Limits(), "corrupt-archive"),
        (None, Limits(decompressed_bytes=1_000_000), "too-large-decompressed"),
    ],
)
def test_what_cannot_be_opened_is_told_at_the_end(tmp_path: Path, cut: int | None, limits: Limits, rule: str) -> None:
    path = packed(tmp_path, gzip.compress(TEXT, 1)[:cut])
    with closing(Unpacking(path, tmp_path / "out", limits)) as unpacking:
        assert unpacking.at_least(2 * len(TEXT)) <= len(TEXT)  # it does not wait for what will never come
        with pytest.raises(ArchiveRefused) as refused:
            unpacking.finish()
    assert refused.value.finding.rule == rule


@pytest.mark.parametrize(("cut", "is_whole"), [(None, True), (-9, False)])
def test_who_follows_is_told_that_the_end_is_not_the_tables(tmp_path: Path, cut: int | None, is_whole: bool) -> None:
    path = packed(tmp_path, (gzip.compress(TEXT, 1) * 20)[:cut])
    with closing(Unpacking(path, tmp_path / "out", Limits())) as unpacking:
        unpacking.at_least(1)
        with unpacking._changed:  # it waits for that, in the middle
            source = FileSource(unpacking.path, 1 << 20, unpacking)
        with closing(source), nullcontext() if is_whole else pytest.raises(ArchiveRefused):
            buffer = bytearray(1 << 20)
            read = 0
            while length := source.read_into(buffer):
                read += length
            assert read == source.size == 20 * len(TEXT)


def test_trouble_of_the_disk_is_the_readers_too(tmp_path: Path) -> None:
    with closing(Unpacking(packed(tmp_path), tmp_path / "nowhere" / "out", Limits())) as unpacking:
        assert unpacking.at_least(1) == 0
        with pytest.raises(FileNotFoundError):
            unpacking.finish()


def test_one_that_nobody_needs_ends_early(tmp_path: Path) -> None:
    endless = gzip.compress(TEXT, 1) * 200
    before = threading.active_count()
    unpacking = Unpacking(packed(tmp_path, endless), tmp_path / "out", Limits())
    assert unpacking.at_least(1)
    unpacking.close()
    assert threading.active_count() == before
    assert (tmp_path / "out").stat().st_size < 200 * len(TEXT)
