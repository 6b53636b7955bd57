"""The calls about files that go in parts: what is there, where the next parts go, put them together."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.client.datahub import DataHub, Profile
from gateway.client.failures import RequestFailure, ServerFailure
from gateway.client.upload import Upload
from tabular.hashing import Digest

LAST = 0.9
"""Of the time that an address is good for: after that it is asked for anew."""
_MENDED = {404, 409}
"""Statuses that say that the upload is not (any more) as we knew it."""


@dataclass(frozen=True, slots=True)
class PartAddress:
    """Where a part goes, with which headers, and until when (`time.monotonic`)."""

    url: str
    headers: Mapping[str, str]
    until: float


@dataclass(frozen=True, slots=True)
class PartedUpload:
    """What the server knows of a file that goes in parts: `exists`: all of it is at `address`; `there`: the numbers of
    the parts that arrived; `id` None: nothing was begun."""

    address: str
    exists: bool
    there: frozenset[int] = frozenset()
    id: str | None = None
    addresses: Mapping[int, PartAddress] | None = None


class PartedUploads:
    """The uploads in parts of one owner."""

    def __init__(self, hub: DataHub, owner: Profile) -> None:
        self._hub = hub
        self._owner = owner

    async def look(self, upload: Upload) -> PartedUpload:
        """What is there; nothing is begun."""
        return await self._open(upload, begin=False)

    async def open(self, upload: Upload) -> PartedUpload:
        """Begin it, or go on with what was begun from wherever."""
        return await self._open(upload, begin=True)

    async def addresses(self, upload_id: str, parts: Mapping[int, Digest]) -> Mapping[int, PartAddress]:
        """Where these parts go, by their numbers; raises UploadLost."""
        listed = [{"number": number, **_entry(digest)} for number, digest in parts.items()]
        return _addresses(await self._call(f"/rawstore/uploads/{upload_id}/parts", {"parts": listed}))

    async def complete(self, upload_id: str, upload: Upload) -> None:
        """Put all parts together; raises UploadLost where not all of them are there."""
        await self._call(f"/rawstore/uploads/{upload_id}/complete", {"parts": _entries(upload.hashes.parts)})

    async def _open(self, upload: Upload, *, begin: bool) -> PartedUpload:
        hashes = upload.hashes
        file = {
            "path": upload.path,
            "length": hashes.whole.size,
            "sha256": hashes.whole.sha256,
            "part_size": hashes.part_size,
            "parts": _entries(hashes.parts),
        }
        body = {"metadata": {"owner": self._owner.id}, "file": file, "begin": begin}
        answer = await self._hub.rawstore("/rawstore/uploads", body)
        try:
            address, exists = str(answer["address"]), bool(answer["exists"])
            there, addresses = frozenset(answer.get("there", ())), _addresses(answer) if "urls" in answer else None
            return PartedUpload(address, exists, there, answer.get("upload"), addresses)
        except (KeyError, TypeError):
            raise ServerFailure(f"{self._hub.server} did not say where to upload") from None

    async def _call(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return await self._hub.rawstore(path, body)
        except RequestFailure as failure:
            if failure.details.get("status") in _MENDED:
                raise UploadLost(str(failure)) from None
            raise


class UploadLost(Exception):
    """The upload is not as we knew it: swept, put together by somebody else, parts missing. To be opened again."""


def _entries(parts: Iterable[Digest]) -> list[dict[str, str]]:
    return [_entry(digest) for digest in parts]


def _entry(digest: Digest) -> dict[str, str]:
    return {"md5": base64.b64encode(bytes.fromhex(digest.md5)).decode(), "sha256": digest.sha256}


def _addresses(answer: Mapping[str, Any]) -> dict[int, PartAddress]:
    until = time.monotonic() + LAST * float(answer["expires_in"])
    return {entry["number"]: PartAddress(entry["url"], entry["headers"], until) for entry in answer["urls"]}
