"""Objects that arrive in parts: begun, found again, signed for, put together, given up.

A store keeps what arrived of an object that is not whole yet, and lists it: that list is all that is known of an
upload, so it goes on from any machine. What SeaweedFS and S3 check of it is in docs/decisions/0025-uploads-in-parts.md.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from messages.datapackage import BlobRef
from messages.storecalls import BlobMissing, deadline

SMALLEST = 5 * 1024**2
"""Bytes of a part that is not the last: a store puts no smaller ones together (EntityTooSmall)."""
LARGEST = 5 * 1024**3
MOST_PARTS = 10_000


@dataclass(frozen=True, slots=True)
class Part:
    """What a part is to be; `number` from 1, `size` in bytes, hashes in hex."""

    number: int
    size: int
    md5: str
    sha256: str


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part that arrived. One that was sent twice is listed twice by SeaweedFS, once by S3."""

    number: int
    size: int
    md5: str
    modified: datetime


@dataclass(frozen=True, slots=True)
class SignedPart:
    """Where a part goes by PUT, and the headers that it needs: the signature is of them, too."""

    url: str
    headers: dict[str, str]


class Multipart:
    """The calls of one store: `client` makes them, `signer` signs for whoever sends the parts."""

    def __init__(self, client: Any, signer: Any) -> None:
        self._client = client
        self._signer = signer

    async def begin(self, blob: BlobRef, mediatype: str) -> str:
        """A new upload to the blob's key; its id."""
        async with deadline(f"BEGIN {blob.key}"):
            answer = await self._client.create_multipart_upload(
                **_where(blob), ContentType=mediatype, ChecksumAlgorithm="SHA256"
            )
        upload: str = answer["UploadId"]
        return upload

    async def find(self, blob: BlobRef) -> list[str]:
        """The ids of the uploads to exactly this key that are under way, the newest first."""
        async with deadline(f"LIST {blob.key}"):
            page = await self._client.list_multipart_uploads(Bucket=blob.bucket, Prefix=blob.key)
        found = [item for item in page.get("Uploads", ()) if item["Key"] == blob.key]
        return [item["UploadId"] for item in sorted(found, key=lambda item: item["Initiated"], reverse=True)]

    async def parts(self, blob: BlobRef, upload: str) -> AsyncGenerator[StoredPart, None]:
        """What arrived of an upload; raises BlobMissing where there is no such upload (any more)."""
        marker: dict[str, int] = {}
        while True:
            async with deadline(f"LIST {blob.key}"):
                page = await self._client.list_parts(**_where(blob), UploadId=upload, **marker)
            for item in page.get("Parts", ()):
                yield StoredPart(item["PartNumber"], item["Size"], item["ETag"].strip('"'), item["LastModified"])
            if not page.get("IsTruncated"):
                return
            marker = {"PartNumberMarker": page["NextPartNumberMarker"]}

    async def sign(self, blob: BlobRef, upload: str, part: Part, expiry: int) -> SignedPart:
        """A URL at `public_url` that takes, for `expiry` seconds, exactly this part's bytes. Nothing is asked."""
        md5, sha256 = base64_of(part.md5), base64_of(part.sha256)
        url = await self._signer.generate_presigned_url(
            "upload_part",
            Params={
                **_where(blob),
                "UploadId": upload,
                "PartNumber": part.number,
                "ContentLength": part.size,
                "ContentMD5": md5,
                "ChecksumSHA256": sha256,
            },
            ExpiresIn=expiry,
        )
        return SignedPart(url, {"Content-MD5": md5, "x-amz-checksum-sha256": sha256})

    async def complete(self, blob: BlobRef, upload: str, parts: Sequence[Part]) -> None:
        """Make the parts, which are all of them, one object; the store compares the hashes of each once more.

        Raises BlobMissing where the upload is gone, PermanentError where a part is not what it should be.
        """
        listed = [
            {"PartNumber": part.number, "ETag": f'"{part.md5}"', "ChecksumSHA256": base64_of(part.sha256)}
            for part in parts
        ]
        async with deadline(f"COMPLETE {blob.key}", blob.size):
            await self._client.complete_multipart_upload(
                **_where(blob), UploadId=upload, MultipartUpload={"Parts": listed}
            )

    async def give_up(self, blob: BlobRef, upload: str) -> None:
        """Remove what arrived; an upload that is gone already is no error."""
        with suppress(BlobMissing):
            async with deadline(f"ABORT {blob.key}"):
                await self._client.abort_multipart_upload(**_where(blob), UploadId=upload)


def etag_of(parts: Sequence[Part]) -> str:
    """The ETag of the object that is put together of these parts: the MD5 of their MD5s, and how many they are."""
    together = b"".join(bytes.fromhex(part.md5) for part in parts)
    return f"{hashlib.md5(together, usedforsecurity=False).hexdigest()}-{len(parts)}"


def checksum_of(parts: Sequence[Part]) -> str:
    """Likewise of their SHA-256s, as stores write it (base64): what `BlobHead.checksum` is."""
    together = b"".join(bytes.fromhex(part.sha256) for part in parts)
    return f"{base64.b64encode(hashlib.sha256(together).digest()).decode()}-{len(parts)}"


def _where(blob: BlobRef) -> dict[str, str]:
    return {"Bucket": blob.bucket, "Key": blob.key}


def base64_of(hexadecimal: str) -> str:
    """The base64 of a hash given in hex, as S3's headers want it."""
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()
