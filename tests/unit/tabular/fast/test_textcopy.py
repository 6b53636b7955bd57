from __future__ import annotations

import codecs
import os
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tabular.fast.outside import OutsideEnvelope
from tabular.fast.plain import Plain
from tabular.fast.source import Source
from tabular.fast.textcopy import BOM, PIECE, TextCopy

LINE = "naïve;Zürich\r\n"


@contextmanager
def slow_file(path: Path) -> Iterator[int]:
    """A pipe in place of the file: the copy comes no further than what is written to it."""
    os.mkfifo(path)
    held = os.open(path, os.O_RDWR)
    try:
        yield held
    finally:
        os.close(held)


def source_text(copy: Path, made: TextCopy, piece: int) -> bytes:
    text = b""
    with closing(Source(Plain(copy, made), piece)) as source:
        buffer = bytearray(piece)
        while length := source.read_into(buffer):
            text += buffer[:length]
    return text


@pytest.mark.parametrize("encoding", ["iso-8859-1", "cp1250", "utf-16", "shift_jis"])
@pytest.mark.parametrize("newline", ["", None])
def test_a_reader_that_follows_reads_all_of_it(tmp_path: Path, encoding: str, newline: str | None) -> None:
    line = LINE if encoding != "shift_jis" else "東京;京都\r\n"
    line = line.replace("ï", "í")
    text = line * (3 * PIECE // len(line))
    path, copy = tmp_path / "file", tmp_path / "copy"
    path.write_bytes(text.encode(encoding))
    copy.touch()
    with closing(TextCopy(path, encoding, newline, copy)) as made:
        read = source_text(copy, made, 100_000)
        assert made.finish() == path.stat().st_size
    assert read == codecs.BOM_UTF8 + (text if newline == "" else text.replace("\r\n", "\n")).encode()


def test_the_beginning_can_be_read_while_the_rest_is_not_written(tmp_path: Path) -> None:
    path, copy = tmp_path / "file", tmp_path / "copy"
    copy.touch()
    with slow_file(path) as pipe:
        made = TextCopy(path, "iso-8859-1", "", copy)
        os.write(pipe, "é\n".encode("iso-8859-1"))
        with closing(Source(Plain(copy, made), 1 << 20)) as source:
            buffer = bytearray(len(BOM) + 3)
            assert source.read_into(buffer) == len(buffer)
        assert bytes(buffer) == BOM + "é\n".encode()
    made.close()  # the last writer has gone, so the copy's end has come


def test_what_is_no_text_is_told_to_a_reader_that_waits(tmp_path: Path) -> None:
    path, copy = tmp_path / "file", tmp_path / "copy"
    path.write_bytes(b"a\n" * PIECE + b"\x81")
    copy.touch()
    with closing(TextCopy(path, "cp1252", "", copy)) as made:
        with pytest.raises(OutsideEnvelope, match="not cp1252"):
            made.at_least(1 << 40)
        with pytest.raises(OutsideEnvelope, match="not cp1252"):
            made.finish()


def test_a_copy_for_which_there_is_no_room_is_told(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a\n" * PIECE)
    with closing(TextCopy(path, "cp1252", "", Path("/dev/full"))) as made, pytest.raises(OSError, match="No space"):
        made.finish()


def test_nothing_runs_after_it_was_closed(tmp_path: Path) -> None:
    path, copy = tmp_path / "file", tmp_path / "copy"
    path.write_bytes(b"a\n" * (20 * PIECE))
    before = threading.enumerate()
    TextCopy(path, "cp1252", "", copy).close()
    assert threading.enumerate() == before
    assert copy.stat().st_size < path.stat().st_size
