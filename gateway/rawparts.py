"""RawStore for large files: an upload in parts goes on where it stopped, from whatever machine.

Nothing is kept here. What arrived is asked of the store, the rest stands in the signed id (`gateway.uploadid`). Parts
go straight to the store, each by a URL that pins its number, length and hashes; only we put them together, and only
when all of them are there (docs/decisions/0025-uploads-in-parts.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from gateway.auth.rights import Action
from gateway.auth.services import RAWSTORE
from gateway.bodies import read_object
from gateway.edge import set_deadline
from gateway.partdata import MOST_FAULTS, MOST_URLS, read_parts, read_some_parts, read_upload
from gateway.parts import Parts
from gateway.problems import Fault, Problem, not_found
from gateway.quota import require_room
from gateway.rawkeys import address_of, raw_key, read_key
from gateway.rawstore import MEDIA_TYPE, head_in_time, owner_in, require_actor
from gateway.uploadid import OpenUpload, UploadIds
from messages.datapackage import BlobRef
from messages.errors import PermanentError
from messages.multipart import Part, base64_of, checksum_of, etag_of
from messages.storecalls import BlobMissing

COMPLETE_LIMIT = 300.0
"""Seconds: S3 takes minutes to put thousands of parts together."""


class RawParts:
    """Handlers of `/rawstore/uploads*`."""

    def __init__(self, parts: Parts) -> None:
        self._blobs = parts.blobs
        self._multipart = parts.blobs.multipart
        self._store = parts.settings.store
        self._expiry = parts.settings.gateway.upload_expiry
        self._admission = parts.admission
        self._pool = parts.pool
        self._quota = parts.settings.gateway.owner_quota
        self._ids = UploadIds(parts.settings.store)

    async def open(self, request: web.Request) -> web.Response:
        """Begin an upload in parts, or go on with one: which parts are there, signed URLs for the next.

        With `begin` false nothing is begun: where nothing is under way either, the answer has neither id nor URLs.
        """
        actor = await require_actor(request, RAWSTORE)
        body = await read_object(request)
        ownerid = owner_in(body, actor)
        wanted = await asyncio.to_thread(read_upload, body)
        key = raw_key(ownerid, wanted.sha256, wanted.path)
        blob = BlobRef(bucket=self._store.raw_bucket, key=str(key), size=wanted.length)
        async with self._admission.turn(request):
            await require_room(self._pool, ownerid, self._quota, {wanted.sha256: wanted.length})
            if await self._is_there(blob, wanted.parts):
                return self._whole(blob)
            upload, there = await self._found(blob, wanted.part_size, wanted.parts)
            if upload is None and body.get("begin") is not False:
                begun = await self._multipart.begin(blob, MEDIA_TYPE)
                upload = OpenUpload(blob, begun, wanted.part_size)
            missing = [part for part in wanted.parts if part.number not in there]
            more = await self._signed(upload, missing[:MOST_URLS]) if upload else {}
        answer = {"exists": False, "address": address_of(key, self._store), "there": sorted(there)}
        return web.json_response({**answer, **({"upload": self._ids.write(upload)} if upload else {}), **more})

    async def sign(self, request: web.Request) -> web.Response:
        """Signed URLs for some parts: of those that come next, or anew where one expired."""
        upload = await self._upload(request)
        parts = read_some_parts(await read_object(request), upload)
        return web.json_response(await self._signed(upload, parts))

    async def complete(self, request: web.Request) -> web.Response:
        """Put the parts together: the file is there afterwards. 409 names the parts that are not."""
        upload = await self._upload(request)
        parts = await asyncio.to_thread(read_parts, await read_object(request), upload)
        async with self._admission.turn(request):
            set_deadline(request, COMPLETE_LIMIT)
            # An answer may have been lost, or another machine been quicker.
            if not await self._is_there(upload.blob, parts):
                await self._put_together(upload, parts)
        return self._whole(upload.blob)

    async def give_up(self, request: web.Request) -> web.Response:
        """Give an upload up: what arrived of it is removed. What was put together stays."""
        upload = await self._upload(request)
        await self._multipart.give_up(upload.blob, upload.upload)
        return web.Response(status=204)

    async def _upload(self, request: web.Request) -> OpenUpload:
        """The upload in the address; the same 404 for one of somebody else's as for none."""
        actor = await require_actor(request, RAWSTORE)
        upload = self._ids.read(request.match_info["uploadid"])
        if upload is None or not actor.may(Action.PUBLISH, upload.ownerid):
            raise _gone()
        return upload

    async def _is_there(self, blob: BlobRef, parts: Sequence[Part]) -> bool:
        """Whether exactly these bytes lie there: the store's hashes over all parts are those of the asker's parts, or
        its SHA-256 of what came in one piece is the one in the key."""
        head = await head_in_time(self._blobs, blob)
        if head is None or head.size != blob.size:
            return False
        if head.checksum == base64_of(blob.key.rpartition("/")[2][:64]):
            return True
        return head.etag == etag_of(parts) and head.checksum in (None, checksum_of(parts))

    async def _found(self, blob: BlobRef, part_size: int, parts: Sequence[Part]) -> tuple[OpenUpload | None, set[int]]:
        """The upload under way of which most arrived, and the numbers of these parts."""
        found = [(upload, await self._arrived(blob, upload, parts)) for upload in await self._multipart.find(blob)]
        usable = [(upload, there) for upload, there in found if there is not None]
        if usable:
            upload, there = max(usable, key=lambda each: len(each[1]))
            return OpenUpload(blob, upload, part_size), there
        return None, set()

    async def _arrived(self, blob: BlobRef, upload: str, parts: Sequence[Part]) -> set[int] | None:
        """None for an upload that is gone meanwhile, or was cut otherwise."""
        sizes, hashes = {part.number: part.size for part in parts}, {(part.number, part.md5) for part in parts}
        there = set()
        try:
            async for stored in self._multipart.parts(blob, upload):
                if stored.size != sizes.get(stored.number):
                    return None
                if (stored.number, stored.md5) in hashes:
                    there.add(stored.number)
        except BlobMissing:
            return None
        return there

    async def _signed(self, upload: OpenUpload, parts: Sequence[Part]) -> dict[str, Any]:
        urls = []
        for part in parts:
            signed = await self._multipart.sign(upload.blob, upload.upload, part, self._expiry)
            urls.append({"number": part.number, "url": signed.url, "headers": signed.headers})
        return {"urls": urls, "expires_in": self._expiry}

    async def _put_together(self, upload: OpenUpload, parts: Sequence[Part]) -> None:
        # A store makes an object of the parts that it is told of, and asks not whether one is left out.
        there = await self._arrived(upload.blob, upload.upload, parts)
        if there is None:
            raise _gone()
        missing = [part.number for part in parts if part.number not in there]
        if missing:
            raise _incomplete(missing, len(parts))
        try:
            await self._multipart.complete(upload.blob, upload.upload, parts)
        except BlobMissing:
            raise _gone() from None
        except PermanentError:
            raise _others() from None
        if not await self._is_there(upload.blob, parts):
            raise _others()

    def _whole(self, blob: BlobRef) -> web.Response:
        key = read_key(blob.key)
        assert key is not None
        return web.json_response({"exists": True, "address": address_of(key, self._store)})


def _gone() -> Problem:
    return not_found("There is no such upload (any more): ask for it again, and what arrived is found.")


def _others() -> Problem:
    return Problem(409, "parts-differ", "The parts that are there are not those that were announced: ask again.")


def _incomplete(missing: Sequence[int], count: int) -> Problem:
    faults = [
        Fault(detail=f"Part {number:,} is not there.", rule="part-missing", pointer=f"#/parts/{number - 1}")
        for number in missing[:MOST_FAULTS]
    ]
    return Problem(409, "parts-missing", f"{len(missing):,} of {count:,} parts are not there.", faults=faults)


def routes(parts: Parts) -> list[web.RouteDef]:
    """The routes of uploads in parts."""
    rawparts = RawParts(parts)
    return [
        web.post("/rawstore/uploads", rawparts.open),
        web.post("/rawstore/uploads/{uploadid}/parts", rawparts.sign),
        web.post("/rawstore/uploads/{uploadid}/complete", rawparts.complete),
        web.delete("/rawstore/uploads/{uploadid}", rawparts.give_up),
    ]
