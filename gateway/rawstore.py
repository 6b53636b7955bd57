"""RawStore: says where a publisher may upload, and knows what is there already.

What the signed form pins is in `docs/decisions/0006-signed-uploads.md`; whatever a store leaves unchecked, the first
stage hashes the bytes again before anything trusts them.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from gateway.auth.identity import Unpermitted, authorize, token_of
from gateway.auth.rights import Action, Actor
from gateway.auth.services import FRONTEND, RAWSTORE, SOURCE
from gateway.auth.tokens import BadToken
from gateway.bodies import read_object
from gateway.filedata import WantedFile, read_filedata
from gateway.parts import Parts
from gateway.problems import Problem
from gateway.quota import require_room
from gateway.rawkeys import locate, raw_key
from messages.blobs import BlobHead, Blobs
from messages.datapackage import BlobRef

MEDIA_TYPE = "text/plain"
"""Of every upload, whatever it is: nothing in the raw bucket may ever run in a browser."""
AT_ONCE = 32
HEAD_DEADLINE = 4.0
"""Seconds: a silent store is found out before the request's own limit."""


class RawStore:
    """Handlers of `/rawstore/*`."""

    def __init__(self, parts: Parts) -> None:
        self._blobs = parts.blobs
        self._store = parts.settings.store
        self._expiry = parts.settings.gateway.upload_expiry
        self._admission = parts.admission
        self._pool = parts.pool
        self._quota = parts.settings.gateway.owner_quota

    async def authorize(self, request: web.Request) -> web.Response:
        """A signed form for every file, and whether the file is there already."""
        actor = await require_actor(request, RAWSTORE)
        body = await read_object(request)
        ownerid = owner_in(body, actor)
        files = read_filedata(body.get("filedata"))
        slots = asyncio.Semaphore(AT_ONCE)
        async with self._admission.turn(request):
            contents = {file.sha256 or file.md5: file.length for file in files}
            await require_room(self._pool, ownerid, self._quota, contents)
            answers = await asyncio.gather(*(self._form(ownerid, file, slots) for file in files))
        return web.json_response({"filedata": {file.path: answer for file, answer in zip(files, answers, strict=True)}})

    async def info(self, request: web.Request) -> web.Response:
        """Where the uploads lie of every owner for whom you may publish, yourself first."""
        actor = await require_actor(request, RAWSTORE)
        base = f"{self._store.public_url}/{self._store.raw_bucket}"
        return web.json_response({"prefixes": [f"{base}/{ownerid}" for ownerid in actor.owners(Action.PUBLISH)]})

    async def presign(self, request: web.Request) -> web.Response:
        """A signed URL for an object of an owner whom the caller may read (of an upload: for whom it may publish).

        A URL that is not ours comes back as it is, never visited.
        """
        url = request.query.get("url", "")
        blob = locate(url, self._store, (self._store.raw_bucket, self._store.package_bucket))
        if blob is None:
            return web.json_response({"url": url})
        actor = await require_actor(request, RAWSTORE, SOURCE, FRONTEND)
        if not self._may_read(actor, blob, request.query.get("ownerid")):
            raise Problem(403, "not-yours", "The token does not let you read this.")
        name = blob.key.rpartition("/")[2]
        signed = await self._blobs.presign_get(
            blob, filename=_plain(name), mediatype="application/octet-stream", expiry=self._expiry
        )
        return web.json_response({"url": signed})

    def _may_read(self, actor: Actor, blob: BlobRef, said: str | None) -> bool:
        """`said`: the owner that the caller says the object is of, where it says one."""
        ownerid, _, rest = blob.key.partition("/")
        if said not in (None, ownerid):
            return False
        if blob.bucket == self._store.raw_bucket:
            # An upload is in no dataset yet: what is for one dataset alone may bring uploads, and fetch none.
            return actor.may(Action.PUBLISH, ownerid) and not (actor.scope and actor.scope.dataset)
        return actor.may(Action.READ, ownerid, rest.partition("/")[0])

    async def _form(self, ownerid: str, file: WantedFile, slots: asyncio.Semaphore) -> dict[str, Any]:
        key = raw_key(ownerid, file.sha256 or file.md5, file.path)
        blob = BlobRef(bucket=self._store.raw_bucket, key=str(key), size=file.length)
        fields = {"Content-Type": MEDIA_TYPE, "x-amz-meta-md5": file.md5}
        if file.sha256:
            fields["x-amz-checksum-sha256"] = base64.b64encode(bytes.fromhex(file.sha256)).decode()
        async with slots:
            head = await head_in_time(self._blobs, blob)
        form = await self._blobs.presign_post(blob, fields, self._expiry)
        exists = head is not None and head.size == file.length and head.etag == file.md5
        return {"upload_url": form["url"], "upload_query": form["fields"], "exists": exists}


async def require_actor(request: web.Request, *audiences: str) -> Actor:
    """Who is behind a permission token for one of these services; raises Problem 401, or 403 for one without the
    permission.

    An address is written to logs on its way and kept in histories: `?jwt=` is taken only where nothing is changed.
    """
    try:
        actor, _ = await authorize(request, token_of(request, query=request.method == "GET"), *audiences)
    except Unpermitted as error:
        challenge = {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
        raise Problem(403, "insufficient-scope", f"You are not authorised: {error}.", headers=challenge) from None
    except BadToken as error:
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        raise Problem(401, "invalid-token", f"You are not authorised: {error}.", headers=challenge) from None
    return actor


def owner_in(body: Mapping[str, Any], actor: Actor) -> str:
    """The owner that a body asks to upload for; raises Problem 400, or 403 where the actor may not.

    Whether the owner has room for the bytes is asked after this, by the two handlers that call it: this module's and
    `gateway.rawparts`.
    """
    metadata = body.get("metadata")
    owner = metadata.get("owner") if isinstance(metadata, dict) else None
    if not isinstance(owner, str):
        raise Problem(400, "no-owner", "`metadata.owner` must be the owner's id.")
    if not actor.may(Action.PUBLISH, owner):
        raise Problem(403, "not-yours", "The token does not let you upload for this owner.")
    return owner


async def head_in_time(blobs: Blobs, blob: BlobRef) -> BlobHead | None:
    """What is at a key; raises TransientError or TimeoutError within HEAD_DEADLINE."""
    async with asyncio.timeout(HEAD_DEADLINE):
        return await blobs.head(blob.bucket, blob.key)


def _plain(name: str) -> str:
    return "".join(character for character in name if character.isalnum() or character in "._-")[:100] or "file"


def routes(parts: Parts) -> list[web.RouteDef]:
    """The routes of the raw store."""
    rawstore = RawStore(parts)
    return [
        web.post("/rawstore/authorize", rawstore.authorize),
        web.post("/rawstore/", rawstore.authorize),
        web.get("/rawstore/info", rawstore.info),
        web.get("/rawstore/presign", rawstore.presign),
    ]
