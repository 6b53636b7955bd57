"""The object store's client on a real one: versions are pinned, hashes proven, nothing waits for ever."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from messages import storecalls
from messages.blobs import PART, Blobs
from messages.datapackage import BlobRef
from messages.errors import PermanentError, TransientError
from messages.settings import StoreSettings
from messages.storecalls import BlobChanged, BlobMissing

CONTENT = b"some content"


@pytest_asyncio.fixture
async def blobs(object_store: StoreSettings) -> AsyncIterator[Blobs]:
    async with Blobs(object_store) as blobs:
        yield blobs


@pytest_asyncio.fixture
async def stored(blobs: Blobs, random_ownerid: str) -> BlobRef:
    blob = BlobRef(bucket="rawstore", key=f"{random_ownerid}/a", size=len(CONTENT))
    await blobs.put(blob.bucket, blob.key, CONTENT, "text/plain")
    return blob


async def test_head_says_what_is_there_or_that_nothing_is(blobs: Blobs, stored: BlobRef) -> None:
    head = await blobs.head(stored.bucket, stored.key)
    assert head is not None
    assert (head.size, head.mediatype) == (len(CONTENT), "text/plain")
    assert head.etag == hashlib.md5(CONTENT).hexdigest()  # noqa: S324 an ETag, by the rule of S3
    assert await blobs.head(stored.bucket, stored.key + "b") is None


async def test_content_is_read_whole_in_pieces_and_to_disk(blobs: Blobs, stored: BlobRef, tmp_path: Path) -> None:
    assert await blobs.get(stored) == CONTENT
    assert b"".join([piece async for piece in blobs.stream(stored)]) == CONTENT
    proven = await blobs.download(stored, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == CONTENT
    assert proven.sha256 == hashlib.sha256(CONTENT).hexdigest()
    with pytest.raises(PermanentError, match="not read into memory"):
        await blobs.get(stored, limit=3)


async def test_another_version_is_never_taken_for_the_pinned_one(blobs: Blobs, stored: BlobRef, tmp_path: Path) -> None:
    head = await blobs.head(stored.bucket, stored.key)
    assert head is not None
    target = replace(stored, bucket="pkgstore")
    await blobs.copy(stored, target, etag=head.etag, mediatype="text/csv")
    copied = await blobs.head(target.bucket, target.key)
    assert copied is not None
    assert copied.mediatype == "text/csv"
    await blobs.put(stored.bucket, stored.key, b"other", "text/plain")
    with pytest.raises(BlobChanged):
        await blobs.copy(stored, target, etag=head.etag, mediatype="text/csv")
    with pytest.raises(BlobChanged):
        await blobs.download(stored, tmp_path / "copy", etag=head.etag)
    assert await blobs.get(target) == CONTENT


async def test_a_large_object_is_copied_part_by_part_and_only_the_pinned_version(
    blobs: Blobs, random_ownerid: str, tmp_path: Path
) -> None:
    content = os.urandom(2 * PART + 7)
    source = BlobRef(bucket="rawstore", key=f"{random_ownerid}/large", size=len(content))
    await blobs.put(source.bucket, source.key, content, "text/plain")
    head = await blobs.head(source.bucket, source.key)
    assert head is not None
    target = replace(source, bucket="pkgstore")
    await blobs.copy(source, target, etag=head.etag, mediatype="text/csv")
    copied = await blobs.head(target.bucket, target.key)
    assert copied is not None
    assert (copied.size, copied.mediatype) == (len(content), "text/csv")
    assert (await blobs.download(target, tmp_path / "copy")).sha256 == hashlib.sha256(content).hexdigest()
    await blobs.put(source.bucket, source.key, content[::-1], "text/plain")
    other = replace(target, key=f"{random_ownerid}/other")
    with pytest.raises(BlobChanged):
        await blobs.copy(source, other, etag=head.etag, mediatype="text/csv")
    assert await blobs.head(other.bucket, other.key) is None


async def test_what_is_missing_is_named(blobs: Blobs, stored: BlobRef, tmp_path: Path) -> None:
    missing = replace(stored, key=stored.key + "/none")
    with pytest.raises(BlobMissing):
        await blobs.get(missing)
    with pytest.raises(BlobMissing):
        await blobs.copy(missing, stored, etag="x", mediatype="text/csv")
    with pytest.raises(BlobMissing):
        await blobs.copy(replace(missing, size=PART + 1), stored, etag="x", mediatype="text/csv")


@pytest.mark.parametrize("size", [0, 1_000, 70_000_001], ids=["empty", "one part", "many parts"])
async def test_file_arrives_as_it_is(blobs: Blobs, random_ownerid: str, tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(size))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    blob = BlobRef(bucket="pkgstore", key=f"{random_ownerid}/file", size=size, sha256=sha256)
    await blobs.put_file(blob, path, "text/csv")
    assert (await blobs.download(blob, tmp_path / "copy")).sha256 == sha256


async def test_store_refuses_bytes_that_are_not_what_they_are_called(
    blobs: Blobs, random_ownerid: str, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    blob = BlobRef(bucket="pkgstore", key=f"{random_ownerid}/file", size=len(CONTENT), sha256="0" * 64)
    with pytest.raises(PermanentError):
        await blobs.put_file(blob, path, "text/csv")
    assert await blobs.head(blob.bucket, blob.key) is None


async def test_silent_store_is_given_up(
    object_store: StoreSettings, stored: BlobRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def listen(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while await reader.read(65_536):
            pass

    monkeypatch.setattr(storecalls, "CALL_DEADLINE", 0.5)
    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, Blobs(replace(object_store, endpoint_url=url, public_url=url)) as silent:
        for call in (
            silent.head("rawstore", "k"),
            silent.get(stored),
            silent.put("rawstore", "k", CONTENT, "text/plain"),
        ):
            with pytest.raises(TransientError):
                await call
