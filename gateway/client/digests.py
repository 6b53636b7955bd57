"""What the bytes of a file are, and whether the descriptor says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gateway.client.board import Board
from gateway.client.cut import Hashes, hash_in_parts, part_size_of
from gateway.client.failures import RequestFailure
from tabular.hashing import Digest, hash_file
from tabular.progress import Progress

_SLOW = 100_000_000  # bytes from which on somebody waits for the hash


def digest_of(path: str, location: Path, shown: Board) -> Digest:
    """MD5, SHA-256 and size in one pass; raises RequestFailure where the file cannot be read."""
    return _read(path, location, shown, lambda _, told: Hashes(hash_file(location, told))).whole


def hashes_of(path: str, location: Path, shown: Board) -> Hashes:
    """The same for a file that is to be uploaded: of a large one the hashes of its parts besides."""

    def read(size: int, told: Progress | None) -> Hashes:
        part_size = part_size_of(size)
        return hash_in_parts(location, part_size, told) if part_size else Hashes(hash_file(location, told))

    return _read(path, location, shown, read)


def _read(path: str, location: Path, shown: Board, read: Callable[[int, Progress | None], Hashes]) -> Hashes:
    try:
        size = location.stat().st_size
        gauge = shown.gauge(f"hash {path}", size, "bytes") if size > _SLOW else None
        hashes = read(size, gauge.reach if gauge else None)
    except OSError as error:
        raise RequestFailure(f"{location} cannot be read: {error.strerror}") from None
    if gauge:
        gauge.finish()
    return hashes


def declares_bytes(resource: Mapping[str, Any]) -> bool:
    """Whether a resource's descriptor says anything about the bytes of its file."""
    return resource.get("bytes") is not None or bool(resource.get("hash"))


def differences(resource: Mapping[str, Any], digest: Digest) -> Iterator[dict[str, Any]]:
    """Findings where `bytes` or `hash` of the descriptor are another file's, as the server's first stage judges."""
    algorithm, _, declared = str(resource.get("hash") or "").lower().rpartition(":")
    found = {"": digest.md5, "md5": digest.md5, "sha256": digest.sha256, "sha-256": digest.sha256}.get(algorithm)
    for what, said, is_really in (
        ("bytes", resource.get("bytes"), digest.size),
        ("hash", declared or None, found or declared),
    ):
        if said is not None and said != is_really:
            message = f"The file is not the one that was declared: `{what}` says {said}, the file has {is_really}."
            yield {"rule": "integrity", "message": message}
