from __future__ import annotations

import hashlib

from tabular.hashing import Digest, Hasher, hash_file
from tests.unit.tabular.conftest import Write

EMPTY = Digest(
    "d41d8cd98f00b204e9800998ecf8427e", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 0
)


def test_a_file_has_both_digests_and_its_size(write: Write) -> None:
    content = b"abc\n" * 700_000
    told: list[int] = []
    digest = hash_file(write(content), told.append)
    assert digest.md5 == hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert digest.sha256 == hashlib.sha256(content).hexdigest()
    assert digest.size == told[-1] == 2_800_000


def test_an_empty_file_has_digests_too(write: Write) -> None:
    assert hash_file(write(b"")) == EMPTY


def test_pieces_hash_like_the_whole() -> None:
    hasher = Hasher()
    for piece in (b"a", b"", b"bc"):
        hasher.update(piece)
    assert hasher.digest().md5 == "900150983cd24fb0d6963f7d28e17f72"
