from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import IO

import pytest

from tabular.fast.outside import OutsideEnvelope
from tabular.fast.plain import Plain
from tabular.fast.recoding import BOM, LEAST, PIECE
from tabular.fast.source import source_of

LINE = "naïve;Zürich\r\n"
ENCODINGS = ["iso-8859-1", "cp1250", "utf-16", "shift_jis"]


def lines(encoding: str, size: int) -> str:
    line = LINE.replace("ï", "í") if encoding != "shift_jis" else "東京;京都\r\n"
    return line * (size // len(line))


def plain_of(path: Path, encoding: str, form: str = "csv") -> Plain:
    return Plain(path, SimpleNamespace(encoding=encoding, format=form))


def read_in_order(plain: Plain, piece: int) -> Iterator[bytes]:
    with closing(source_of(plain, piece)) as source:
        buffer = bytearray(piece)
        while length := source.read_into(memoryview(buffer)):
            yield bytes(buffer[:length])
        assert source.size == plain.path.stat().st_size


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("form", ["csv", "tsv"])
def test_all_of_a_text_is_read_in_order(tmp_path: Path, encoding: str, form: str) -> None:
    text = lines(encoding, 3 * PIECE)
    path = tmp_path / "file"
    path.write_bytes(text.encode(encoding))
    read = b"".join(read_in_order(plain_of(path, encoding, form), 100_000))
    assert read == BOM + (text if form == "csv" else text.replace("\r\n", "\n")).encode()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_however_little_room_there_is_nothing_is_written_beyond_it(tmp_path: Path, encoding: str) -> None:
    text = lines(encoding, 200) + ("€ŽÄ" if encoding == "cp1250" else "")
    path = tmp_path / "file"
    path.write_bytes(text.encode(encoding))
    for room in range(LEAST, LEAST + 30):
        memory, read = bytearray(b"\xaa" * 200), b""
        with closing(source_of(plain_of(path, encoding), 1)) as source:
            while length := source.read_into(memoryview(memory)[50 : 50 + room]):
                read += memory[50 : 50 + length]
                assert memory[:50] + memory[50 + room :] == b"\xaa" * (200 - room)
        assert read == BOM + text.encode()


def test_a_buffer_without_room_for_a_character_is_not_the_end(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes("é".encode("cp1252"))
    with closing(source_of(plain_of(path, "cp1252"), 1)) as source:
        assert source.piece == LEAST
        with pytest.raises(OutsideEnvelope):
            source.read_into(bytearray(LEAST - 1))


@pytest.mark.parametrize("encoding", [*ENCODINGS, "utf-8"])
def test_any_part_of_a_text_is_read_in_any_order(tmp_path: Path, encoding: str) -> None:
    text = lines(encoding, 3 * PIECE)
    path = tmp_path / "file"
    path.write_bytes(text.encode(encoding))
    whole = (b"" if encoding == "utf-8" else BOM) + text.encode()
    with closing(plain_of(path, encoding)) as plain:
        for start, length in [(5, 20), (2 * PIECE, 100), (0, 3), (len(whole) - 7, 100), (PIECE - 1, PIECE)]:
            assert plain.read(start, length) == whole[start : start + length]


def test_no_more_of_a_text_is_written_down_than_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(lines("cp1252", 20 * PIECE).encode("cp1252"))
    made, really = [], tempfile.TemporaryFile

    def open_copy() -> IO[bytes]:
        made.append(really())
        return made[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", open_copy)
    with closing(plain_of(path, "cp1252")) as plain:
        assert b"".join(read_in_order(plain, PIECE)).startswith(BOM)
        assert not made
        plain.read(0, 100)
        assert 100 <= made[0].seek(0, 2) <= 3 * PIECE
    assert made[0].closed


def test_what_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a\n" * PIECE + b"\x81")
    plain = plain_of(path, "cp1252")
    with pytest.raises(OutsideEnvelope, match="not cp1252"):
        list(read_in_order(plain, PIECE))
    with closing(source_of(plain, PIECE)) as source, pytest.raises(OutsideEnvelope, match="not cp1252"):
        source.finish()
    with closing(plain), pytest.raises(OutsideEnvelope, match="not cp1252"):
        plain.read(3 * PIECE, 1)
