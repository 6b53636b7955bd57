"""Downloads of published revisions: descriptor, files, previews, reports, the whole as a ZIP.

Big files come from the object store by a signed redirect, always as attachments: nothing a publisher uploaded is ever
rendered on this site's origin.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from aiohttp import web

from gateway.auth.rights import ANYBODY
from gateway.edge import set_deadline
from gateway.pkgstore import SUCCESSFUL, PackageStore, ResourceRun, Revision
from gateway.previewing import PARAMETER, reader_of
from gateway.problems import Problem, not_found
from gateway.zipstream import Entry, of_bytes, zipped
from messages.blobs import Blobs
from messages.datapackage import PublishedFile

EXPIRY = 300
"""Seconds in which a signed redirect must be followed."""
LARGEST_DESCRIPTOR = 64 * 1024 * 1024
"""Bytes of a published datapackage.json: ours is larger than the publisher's."""
SANDBOX = "sandbox; default-src 'none'; frame-ancestors 'none'"
ROLES = ("source", "preview", "report", "summary", "errors", "annotated")


class Downloads:
    """The handlers; `public_url` is the base of the addresses in descriptors."""

    def __init__(self, store: PackageStore, blobs: Blobs, public_url: str) -> None:
        self._store = store
        self._blobs = blobs
        self._public_url = public_url

    def routes(self) -> list[web.RouteDef]:
        """By user name for people, by account id as the object store itself is laid out."""
        return [
            web.get("/{owner}/{dataset}/datapackage.json", self.descriptor),
            web.get("/{owner}/{dataset}/README.md", self.readme),
            web.get("/{owner}/{dataset}/r/{file}", self.file),
            web.get(r"/{ownerid}/{dataset}/{revision:\d+}/datapackage.json", self.descriptor),
            web.get(r"/{ownerid}/{dataset}/{revision:\d+}/README.md", self.readme),
            web.get(r"/{ownerid}/{dataset}/{revision:\d+}/r/{file}", self.file),
        ]

    async def descriptor(self, request: web.Request) -> web.Response:
        """The published datapackage.json, its paths absolute addresses of this very revision."""
        revision = await self.revision(request)
        if "ownerid" in request.match_info and revision.manifest:
            # Where the package store has it: the very bytes that the receipt speaks of.
            content = await self._blobs.get(revision.manifest, LARGEST_DESCRIPTOR)
            return direct(request, revision, "datapackage.json", "application/json", content)
        package = self.addressed(revision, request.query.get(PARAMETER))
        text = json.dumps(package, ensure_ascii=False, indent=2)
        return direct(request, revision, "datapackage.json", "application/json", text.encode())

    async def readme(self, request: web.Request) -> web.Response:
        """The README that the descriptor carries."""
        revision = await self.revision(request)
        text = _published(revision).get("readme")
        if not isinstance(text, str) or not text:
            raise not_found("This revision has no README.")
        return direct(request, revision, "README.md", "text/markdown", text.encode())

    async def file(self, request: web.Request) -> web.StreamResponse:
        """A file of a resource, by the resource's name or else its position; or the ZIP of everything."""
        revision = await self.revision(request, ended=True)
        name = request.match_info["file"]
        if name in (f"{revision.dataset}_zip.zip", f"{revision.dataset}.zip") and _published(revision):
            return await self._archive(request, revision)
        return await self._redirect(request, revision, file_named(revision, name))

    def addressed(self, revision: Revision, secret: str | None = None) -> dict[str, Any]:
        """The published descriptor with absolute paths (a preview link's `secret` stays in them), and who sees it."""
        package = dict(_published(revision))
        if isinstance(package.get("datahub"), dict):
            package["datahub"] = {**package["datahub"], "findability": revision.findability}
        more = f"?{PARAMETER}={quote(secret)}" if secret and revision.private else ""
        resources = package.get("resources", ())
        runs = {run.name: run for run in revision.resources}
        base = f"{self._public_url}/{quote(revision.ownerid)}/{quote(revision.dataset)}/{revision.revision}/r"
        package["resources"] = [
            {**resource, "path": f"{base}/{quote(address)}{more}"}
            if (address := _address(runs.get(resource.get("name", ""))))
            else resource
            for resource in resources
        ]
        return package

    async def revision(self, request: web.Request, *, ended: bool = False) -> Revision:
        """The revision a request means, published unless `ended` is enough; raises the Problem 404 otherwise."""
        names = request.match_info
        version = names.get("revision") or request.query.get("v") or SUCCESSFUL
        find, owner = (
            (self._store.revision_by_id, names["ownerid"])
            if "ownerid" in names
            else (self._store.revision, names["owner"])
        )
        # Most readers are nobody in particular: their token is looked at only where the answer depends on it.
        revision = await find(owner, names["dataset"], version, ANYBODY)
        if revision is None and (actor := await reader_of(request, query=True)) != ANYBODY:
            revision = await find(owner, names["dataset"], version, actor)
        if revision is None or not (revision.package or (ended and revision.finished_at)):
            raise not_found()
        return revision

    async def _redirect(self, request: web.Request, revision: Revision, file: PublishedFile) -> web.Response:
        blob = file.blob
        headers = {
            "ETag": f'"{blob.sha256 or blob.md5 or revision.id}"',
            "Cache-Control": _caching(revision),
            "Content-Security-Policy": SANDBOX,
        }
        if headers["ETag"] in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        if request.method == "HEAD":  # the redirect is signed for GET alone
            headers |= {"Content-Type": file.mediatype, "Content-Length": str(blob.size)}
            headers["Content-Disposition"] = f'attachment; filename="{safe_filename(file.filename)}"'
            return web.Response(headers=headers)
        url = await self._blobs.presign_get(
            blob, filename=safe_filename(file.filename), mediatype=_mediatype(file.mediatype), expiry=EXPIRY
        )
        return web.Response(status=302, headers={**headers, "Location": url})

    async def _archive(self, request: web.Request, revision: Revision) -> web.StreamResponse:
        response = web.StreamResponse(headers=_attachment(revision, f"{revision.dataset}.zip", "application/zip"))
        response.headers["ETag"] = f'"{revision.id.replace("/", "-")}-zip"'
        if response.headers["ETag"] in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers={"ETag": response.headers["ETag"]})
        set_deadline(request, None)
        await response.prepare(request)
        if request.method == "GET":
            async for piece in zipped(self._entries(revision), revision.finished_at or revision.created_at):
                await response.write(piece)
        await response.write_eof()
        return response

    async def _entries(self, revision: Revision) -> AsyncIterator[Entry]:
        paths = archive_paths(revision)
        package = dict(_published(revision))
        package["resources"] = [
            {**resource, "path": paths[resource["name"]]} if resource.get("name") in paths else resource
            for resource in package.get("resources", ())
        ]
        texts = {"datapackage.json": json.dumps(package, ensure_ascii=False, indent=2)}
        if isinstance(package.get("readme"), str):
            texts["README.md"] = package["readme"]
        for name, text in texts.items():
            content = text.encode()
            yield Entry(name=name, size=len(content), content=of_bytes(content))
        for run in revision.resources:
            if file := run.file("data"):
                yield Entry(name=paths[run.name], size=file.blob.size, content=self._blobs.stream(file.blob))


def file_named(revision: Revision, name: str) -> PublishedFile:
    """The file `{resource}.{ext}` or `{resource}.{role}.{ext}` means; raises Problem 404 that says what there is."""
    stem, _, extension = name.rpartition(".")
    if not stem:
        stem, extension = extension, ""
    run = _run_named(revision, stem)
    if run is not None:
        return _data_file(run, extension.lower())
    base, _, role = stem.rpartition(".")
    run = _run_named(revision, base) if role in ROLES else None
    if run is None:
        raise not_found("There is no such resource in this revision.")
    file = file_of(run, role)
    if file is None:
        raise not_found(f"Resource {run.name!r} has no {role} in this revision.")
    return file


def _run_named(revision: Revision, name: str) -> ResourceRun | None:
    by_name = next((run for run in revision.resources if run.name == name), None)
    if by_name is None and name.isascii() and name.isdigit() and len(name) < 6:
        return next((run for run in revision.resources if run.index == int(name)), None)
    return by_name


def _data_file(run: ResourceRun, extension: str) -> PublishedFile:
    data, source = run.file("data"), run.file("source")
    for file in (data, source):
        if file is not None and extension_of(file.filename) == extension:
            return file
    if extension == "json" and run.tabular and data is not None:
        raise Problem(404, "not-derived", "Rows as JSON are not made of this table: take the CSV.")
    known = sorted({extension_of(file.filename) for file in (data, source) if file is not None})
    raise not_found(f"Resource {run.name!r} is there as: {', '.join(known) or 'nothing, it was not published'}.")


def file_of(run: ResourceRun, role: str) -> PublishedFile | None:
    """The file of a resource with a role; the report also of one that was not published."""
    if role != "report" or run.report is None:
        return run.file(role)
    return PublishedFile(
        role="report", filename=f"{run.name}.report.json", mediatype="application/json", blob=run.report
    )


def extension_of(filename: str) -> str:
    """The last extension of a file name, lower-case, without the dot."""
    return PurePosixPath(filename).suffix.removeprefix(".").lower()


def download_name(run: ResourceRun, role: str = "data") -> str | None:
    """What stands after `/r/` in the address of a resource's file; None where there is no such file."""
    file = file_of(run, role)
    if file is None:
        return None
    extension = extension_of(file.filename)
    stem = run.name if role == "data" else f"{run.name}.{role}"
    return f"{stem}.{extension}" if extension else stem


def _address(run: ResourceRun | None) -> str | None:
    return download_name(run) if run else None


def archive_paths(revision: Revision) -> dict[str, str]:
    """Where each resource lies in the ZIP: `data/` and a name that no other has, whatever the file system's case."""
    paths: dict[str, str] = {}
    taken: set[str] = set()
    for run in revision.resources:
        if file := run.file("data"):
            name = safe_filename(PurePosixPath(file.filename).name)
            if name.lower() in taken:
                name = f"{run.index}-{name}"
            taken.add(name.lower())
            paths[run.name] = f"data/{name}"
    return paths


def safe_filename(name: str) -> str:
    """A file name that is one in a header and on any file system: ASCII, no path, no quotes, no leading dot."""
    return re.sub(r"[^A-Za-z0-9._ -]", "_", name).lstrip(".")[-120:] or "file"


def _mediatype(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+; =-]+", text) else "application/octet-stream"


def _published(revision: Revision) -> Mapping[str, Any]:
    if revision.package is None:
        raise not_found()
    return revision.package


def _caching(revision: Revision) -> str:
    return "no-store" if revision.private else "private, max-age=60"


def _attachment(revision: Revision, filename: str, mediatype: str) -> dict[str, str]:
    return {
        "Content-Type": mediatype,
        "Content-Disposition": f'attachment; filename="{safe_filename(filename)}"',
        "Content-Security-Policy": SANDBOX,
        "Cache-Control": _caching(revision),
    }


def direct(request: web.Request, revision: Revision, filename: str, mediatype: str, body: bytes) -> web.Response:
    """A small file of a revision as the answer; never rendered on this origin."""
    etag = f'"{revision.id.replace("/", "-")}-{filename}"'
    headers = _attachment(revision, filename, mediatype) | {"ETag": etag}
    if mediatype == "application/json":
        headers["Content-Disposition"] = "inline"  # JSON is shown, never run: nosniff and the sandbox see to that
    if etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers={"ETag": etag, "Cache-Control": headers["Cache-Control"]})
    return web.Response(body=body, headers=headers)
