"""The object store: references in, bytes out, every call with a total deadline."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession, get_session

from messages.datapackage import BlobRef
from messages.errors import PermanentError, TransientError
from messages.multipart import Multipart, base64_of
from messages.settings import StoreSettings
from messages.storecalls import BlobMissing, Stopwatch, deadline

log = structlog.get_logger()

CHUNK = 4 * 1024 * 1024
RANGE, PART = 16 * 1024 * 1024, 8 * 1024 * 1024
"""Bytes that the store is asked for, and told to copy or keep, at once: whoever asks it for little waits behind that
(decision 22)."""
INLINE = 65_536
"""Bytes that are hashed sooner than a thread is reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobHead:
    """What the store says of an object: `etag` without quotes (the MD5 of the bytes when they arrived in one part).

    `checksum` is its SHA-256 in base64, or that of its parts' (`messages.multipart.checksum_of`), where it keeps one.
    """

    size: int
    etag: str
    mediatype: str
    modified: datetime
    checksum: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object as a listing has it, or (`upload`) the parts of one that was never completed; `modified` in UTC."""

    bucket: str
    key: str
    size: int
    modified: datetime
    upload: str | None = None


@cache
def _session() -> AioSession:
    """One for the process: each reads the description of all calls anew, which takes a seventh of a second."""
    return get_session()


class Blobs:
    """The clients of the object store: one for our own calls, one that signs URLs for publishers (`public_url`)."""

    def __init__(self, settings: StoreSettings) -> None:
        self.settings = settings
        self._stack = AsyncExitStack()
        self._client: Any = None
        self._signer: Any = None

    async def __aenter__(self) -> Self:
        for name, url in (("_client", self.settings.endpoint_url), ("_signer", self.settings.public_url)):
            client = _session().create_client(
                "s3",
                endpoint_url=url,
                region_name=self.settings.region,
                aws_access_key_id=self.settings.access_key,
                aws_secret_access_key=self.settings.secret_key,
                config=AioConfig(
                    signature_version="s3v4",
                    s3={"addressing_style": "path"},
                    connect_timeout=5,
                    read_timeout=15,
                    retries={"max_attempts": 2, "mode": "standard"},
                    max_pool_connections=50,
                ),
            )
            setattr(self, name, await self._stack.enter_async_context(client))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def multipart(self) -> Multipart:
        """The calls about objects that publishers send in parts."""
        return Multipart(self._client, self._signer)

    async def head(self, bucket: str, key: str) -> BlobHead | None:
        """What is at exactly this key; None where there is nothing."""
        try:
            async with deadline(f"HEAD {key}"):
                answer = await self._client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        except BlobMissing:
            return None
        return BlobHead(
            size=answer["ContentLength"],
            etag=answer["ETag"].strip('"'),
            mediatype=answer.get("ContentType", ""),
            modified=answer["LastModified"],
            checksum=answer.get("ChecksumSHA256"),
        )

    async def get(self, blob: BlobRef, limit: int = 16 * 1024 * 1024) -> bytes:
        """The whole content of a small object (up to `limit` bytes, else PermanentError); raises BlobMissing."""
        if blob.size > limit:
            raise PermanentError(f"object {blob.key} of {blob.size} bytes is not read into memory")
        async with deadline(f"GET {blob.key}", blob.size):
            answer = await self._client.get_object(Bucket=blob.bucket, Key=blob.key)
            async with answer["Body"] as body:
                content: bytes = await body.read()
        return content

    async def stream(self, blob: BlobRef, etag: str | None = None) -> AsyncGenerator[bytes, None]:
        """The content in pieces of at most CHUNK bytes; `etag` pins the version (BlobChanged when it moved on).

        In ranges: a store reads ahead of whoever asks for a whole object (SeaweedFS took 1 GB of memory for 1 GB, and
        four times as long), and others wait while it does. Only the store's own time counts towards the deadline, not
        that of the reader in between.
        """
        watch = Stopwatch(f"GET {blob.key}", blob.size)
        pin, position = etag, 0
        while position < blob.size or position == 0:
            condition = {"IfMatch": pin} if pin else {}
            if blob.size:
                condition["Range"] = f"bytes={position}-{min(position + RANGE, blob.size) - 1}"
            async with watch.running():
                answer = await self._client.get_object(Bucket=blob.bucket, Key=blob.key, **condition)
            pin = answer["ETag"]
            async with answer["Body"] as body:
                while True:
                    async with watch.running():
                        chunk = await body.read(CHUNK)
                    if not chunk:
                        break
                    position += len(chunk)
                    yield chunk
            if not blob.size:
                break

    async def download(
        self, blob: BlobRef, path: Path, *, etag: str | None = None, progress: Callable[[int], None] | None = None
    ) -> BlobRef:
        """Writes the content to `path`; returns the blob with the size and hashes that its bytes really have.

        `progress` is told bytes. Raises like `stream`, and OSError for the local disk.
        """
        md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
        with path.open("xb") as file:

            def take(chunk: bytes) -> None:
                md5.update(chunk)
                sha256.update(chunk)
                file.write(chunk)

            async with aclosing(self.stream(blob, etag)) as chunks:
                async for chunk in chunks:
                    # A large chunk takes some 10 ms to hash: not on the loop that answers heartbeats.
                    await asyncio.to_thread(take, chunk) if len(chunk) > INLINE else take(chunk)
                    size += len(chunk)
                    if progress:
                        progress(size)
        log.info("object_fetched", key=blob.key, size=size)
        return replace(blob, size=size, sha256=sha256.hexdigest(), md5=md5.hexdigest())

    async def put(self, bucket: str, key: str, content: bytes, mediatype: str) -> None:
        """Writes a small object; the store checks the MD5 and SHA-256 that we send along."""
        async with deadline(f"PUT {key}", len(content)):
            await self._client.put_object(
                Bucket=bucket, Key=key, Body=content, ContentType=mediatype, ChecksumAlgorithm="SHA256"
            )

    async def put_file(
        self, blob: BlobRef, path: Path, mediatype: str, progress: Callable[[int], None] | None = None
    ) -> None:
        """Writes a file to `blob`; multipart above 64 MB to bound memory. No half object is ever visible. `progress` is
        told bytes."""
        if blob.size <= 64 * 1024 * 1024:
            await self._put_one(blob, path, mediatype)
        else:
            await self._put_parts(blob, path, mediatype, progress)

    async def _put_one(self, blob: BlobRef, path: Path, mediatype: str) -> None:
        checksum = {"ChecksumSHA256": base64_of(blob.sha256)} if blob.sha256 else {}
        with path.open("rb") as file:
            async with deadline(f"PUT {blob.key}", blob.size):
                await self._client.put_object(
                    Bucket=blob.bucket, Key=blob.key, Body=file, ContentType=mediatype, **checksum
                )

    async def _put_parts(
        self, blob: BlobRef, path: Path, mediatype: str, progress: Callable[[int], None] | None
    ) -> None:
        with path.open("rb") as file:

            async def put(which: dict[str, Any], begin: int, end: int) -> str:
                answer = await self._client.upload_part(**which, Body=file.read(end - begin))
                if progress:
                    progress(end)
                return str(answer["ETag"])

            await self._in_parts("PUT", blob, mediatype, put)

    async def _in_parts(
        self, verb: str, blob: BlobRef, mediatype: str, part: Callable[[dict[str, Any], int, int], Awaitable[str]]
    ) -> None:
        """Makes an object of parts, one after the other: `part` is told which one and its bytes from and to, and gives
        its ETag. No half object is ever visible."""
        size = max(PART, -(-blob.size // 9_000))  # S3 takes at most 10,000 parts
        where = {"Bucket": blob.bucket, "Key": blob.key}
        async with deadline(f"{verb} {blob.key}", blob.size):
            upload = (await self._client.create_multipart_upload(**where, ContentType=mediatype))["UploadId"]
            try:
                parts: list[dict[str, Any]] = []
                for begin in range(0, blob.size, size):
                    which = {**where, "UploadId": upload, "PartNumber": len(parts) + 1}
                    etag = await part(which, begin, min(begin + size, blob.size))
                    parts.append({"ETag": etag, "PartNumber": which["PartNumber"]})
                await self._client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})
            except BaseException:
                # Also when cancelled, or the parts would be paid for until somebody looks.
                with suppress(TransientError, PermanentError):
                    await asyncio.shield(self._abort(where, upload))
                raise

    async def _abort(self, where: dict[str, str], upload: str) -> None:
        async with deadline(f"ABORT {where['Key']}"):
            await self._client.abort_multipart_upload(**where, UploadId=upload)

    async def copy(self, source: BlobRef, target: BlobRef, *, etag: str, mediatype: str) -> None:
        """Copies within the store, of any size; BlobChanged where the source is no longer the version with `etag`.

        What is large is copied part by part: SeaweedFS would take all processors for it, and who publishes little would
        wait; and S3 copies at most 5 GB at once."""
        origin = {"CopySource": {"Bucket": source.bucket, "Key": source.key}, "CopySourceIfMatch": etag}
        if source.size <= PART:
            async with deadline(f"COPY {source.key}", source.size):
                await self._client.copy_object(
                    Bucket=target.bucket, Key=target.key, ContentType=mediatype, MetadataDirective="REPLACE", **origin
                )
            return

        async def copy(which: dict[str, Any], begin: int, end: int) -> str:
            answer = await self._client.upload_part_copy(**which, **origin, CopySourceRange=f"bytes={begin}-{end - 1}")
            return str(answer["CopyPartResult"]["ETag"])

        await self._in_parts("COPY", replace(target, size=source.size), mediatype, copy)

    async def ensure_buckets(self) -> None:
        """Makes both buckets exist."""
        for bucket in (self.settings.raw_bucket, self.settings.package_bucket):
            async with deadline(f"CREATE {bucket}"):
                try:
                    await self._client.create_bucket(Bucket=bucket)
                except (
                    self._client.exceptions.BucketAlreadyOwnedByYou,
                    self._client.exceptions.BucketAlreadyExists,
                ):
                    continue

    async def objects(self, bucket: str) -> AsyncGenerator[StoredObject, None]:
        """Every object of a bucket, by key."""
        token: dict[str, str] = {}
        while True:
            async with deadline(f"LIST {bucket}"):
                page = await self._client.list_objects_v2(Bucket=bucket, **token)
            for item in page.get("Contents", ()):
                yield StoredObject(bucket=bucket, key=item["Key"], size=item["Size"], modified=item["LastModified"])
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    async def uploads(self, bucket: str) -> AsyncGenerator[StoredObject, None]:
        """Every upload in parts that was begun and neither completed nor given up."""
        marker: dict[str, str] = {}
        while True:
            async with deadline(f"LIST {bucket}"):
                page = await self._client.list_multipart_uploads(Bucket=bucket, **marker)
            for item in page.get("Uploads", ()):
                begun, upload = item["Initiated"], item["UploadId"]
                yield StoredObject(bucket=bucket, key=item["Key"], size=0, modified=begun, upload=upload)
            if not page.get("IsTruncated"):
                return
            marker = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}

    async def delete(self, found: StoredObject) -> None:
        """Removes an object, or the parts of an upload; one that is gone already is no error."""
        where = {"Bucket": found.bucket, "Key": found.key}
        if found.upload is not None:
            with suppress(BlobMissing):
                await self._abort(where, found.upload)
            return
        async with deadline(f"DELETE {found.key}"):
            await self._client.delete_object(**where)

    async def presign_get(self, blob: BlobRef, *, filename: str, mediatype: str, expiry: int) -> str:
        """A URL at `public_url` that downloads the object as an attachment for `expiry` seconds."""
        url: str = await self._signer.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": blob.bucket,
                "Key": blob.key,
                "ResponseContentType": mediatype,
                "ResponseContentDisposition": f'attachment; filename="{filename}"',
            },
            ExpiresIn=expiry,
        )
        return url

    async def presign_post(self, blob: BlobRef, fields: dict[str, str], expiry: int) -> dict[str, Any]:
        """`{"url", "fields"}` of a form for exactly `blob.size` bytes at exactly this key with exactly these fields."""
        conditions: list[Any] = [{name: value} for name, value in fields.items()]
        conditions.append(["content-length-range", blob.size, blob.size])
        form: dict[str, Any] = await self._signer.generate_presigned_post(
            Bucket=blob.bucket, Key=blob.key, Fields=dict(fields), Conditions=conditions, ExpiresIn=expiry
        )
        return form
