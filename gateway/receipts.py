"""The receipt of a published revision: signed when it is first asked for, then kept with the revision."""

from __future__ import annotations

import asyncio

import asyncpg
import jwt
from aiohttp import web

from gateway.auth.keys import SigningKey
from gateway.auth.receiptkeys import published_keys, signing_key
from gateway.downloads import Downloads, direct, download_name
from gateway.edge import allow_any_origin
from gateway.pkgstore import ResourceRun, Revision
from gateway.problems import not_found
from gateway.receipt import ALGORITHM, TYPE, Proof, Receipt, ResourceProof, content_hash, pushed_hash, readme_hash

_KEPT = "select receipt from flow where id = $1"
# Whoever comes first: all others are given the same.
_KEEP = "update flow set receipt = coalesce(receipt, $2) where id = $1 returning receipt"


class Receipts:
    """The handlers; `issuer` is the gateway's public address."""

    def __init__(self, pool: asyncpg.Pool, downloads: Downloads, issuer: str) -> None:
        self._pool = pool
        self._downloads = downloads
        self._issuer = issuer

    def routes(self) -> list[web.RouteDef]:
        """As those of the revision's files, and the keys."""
        return [
            web.get("/.well-known/receipt-keys.json", self.keys),
            web.get("/{owner}/{dataset}/receipt.jwt", self.show),
            web.get(r"/{ownerid}/{dataset}/{revision:\d+}/receipt.jwt", self.show),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """The receipt of a published revision, for whoever may read it."""
        revision = await self._downloads.revision(request)
        receipt = await self.of(revision)
        return direct(request, revision, "receipt.jwt", "application/jwt", f"{receipt}\n".encode())

    async def keys(self, _request: web.Request) -> web.Response:
        """Every key that ever signed receipts (RFC 7517)."""
        # There is a key before there is a receipt: a set that is saved today verifies the first one of tomorrow.
        await signing_key(self._pool)
        response = web.json_response({"keys": await published_keys(self._pool)})
        response.headers["Cache-Control"] = "public, max-age=300"
        allow_any_origin(response)
        return response

    async def of(self, revision: Revision) -> str:
        """The receipt of a published revision; raises Problem 404 where there can be none."""
        kept: str | None = await self._pool.fetchval(_KEPT, revision.id)
        if kept is None:
            if revision.manifest is None:
                raise not_found("This revision was published before receipts were given.")
            key = await signing_key(self._pool)
            signed = await asyncio.to_thread(_signed, revision, self._issuer, key)
            kept = await self._pool.fetchval(_KEEP, revision.id, signed)
        assert kept is not None, "a published revision is never deleted"
        return kept


def _signed(revision: Revision, issuer: str, key: SigningKey) -> str:
    headers = {"kid": key.kid, "typ": TYPE}
    return jwt.encode(receipt_of(revision, issuer).claims(), key.private, algorithm=ALGORITHM, headers=headers)


def receipt_of(revision: Revision, issuer: str) -> Receipt:
    """What a receipt says of a revision that was published with its manifest known."""
    package, manifest, finished = revision.package, revision.manifest, revision.finished_at
    assert package is not None
    assert manifest is not None
    assert finished is not None
    return Receipt(
        issuer=issuer,
        ownerid=revision.ownerid,
        owner=revision.owner,
        dataset=revision.dataset,
        revision=revision.revision,
        moment=int(finished.timestamp()),
        descriptor=pushed_hash(revision.descriptor),
        content=content_hash(package),
        readme=readme_hash(revision.descriptor.get("readme")),
        manifest=Proof(path="datapackage.json", size=manifest.size, sha256=manifest.sha256 or ""),
        resources=tuple(_resource(run) for run in revision.resources),
    )


def _resource(run: ResourceRun) -> ResourceProof:
    source = run.resource.source
    published = {
        file.role: Proof(path=f"r/{download_name(run, file.role)}", size=file.blob.size, sha256=file.blob.sha256 or "")
        for file in run.resource.files
    }
    return ResourceProof(
        name=run.name,
        pushed=Proof(path=run.resource.path, size=source.size, sha256=source.sha256 or ""),
        published=published,
    )
