from __future__ import annotations

import hashlib
from contextlib import closing
from pathlib import Path

import pytest

from tabular.fast.outside import OutsideEnvelope
from tabular.fast.plain import Plain
from tabular.fast.source import Hashing, source_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "file"
    place.write_bytes(bytes(range(251)) * 20_000)
    return place


def test_the_digest_is_that_of_all_bytes(path: Path) -> None:
    data = path.read_bytes()
    with closing(Hashing(path)) as hashing:
        found = hashing.digest(len(data))
    assert found.md5 == hashlib.md5(data, usedforsecurity=False).hexdigest()
    assert (found.sha256, found.size) == (hashlib.sha256(data).hexdigest(), len(data))


def test_a_file_of_another_size_has_no_digest(path: Path) -> None:
    with closing(Hashing(path)) as hashing, pytest.raises(OutsideEnvelope, match="changed"):
        hashing.digest(path.stat().st_size + 1)


def test_what_cannot_be_read_is_told_by_the_digest(tmp_path: Path) -> None:
    with closing(Hashing(tmp_path / "none")) as hashing, pytest.raises(FileNotFoundError):
        hashing.digest(0)


def test_pieces_grow_and_are_the_file(path: Path) -> None:
    data, read, sizes = path.read_bytes(), b"", []
    with closing(source_of(Plain(path), 1 << 20)) as source:
        while True:
            buffer = bytearray(source.piece)
            if not (length := source.read_into(buffer)):
                break
            sizes.append(length)
            read += buffer[:length]
    assert read == data
    assert sizes[:3] == [65_536, 262_144, 1_048_576]


def test_a_file_that_grows_meanwhile_is_outside(path: Path) -> None:
    with closing(source_of(Plain(path), 1 << 30)) as source:
        buffer = bytearray(path.stat().st_size)
        assert source.read_into(buffer) == len(buffer)
        with path.open("ab") as file:
            file.write(b"more")
        with pytest.raises(OutsideEnvelope, match="changed"):
            source.read_into(bytearray(0))
