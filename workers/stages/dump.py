"""The last stage: the resource's files in the package store, by content hash, so that a repetition changes nothing."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from messages.datapackage import BlobRef, PublishedFile, Resource
from messages.errors import PermanentError
from messages.jobs import StageJob
from workers.stage import Outcome, Passed, StageContext
from workers.stages import tables
from workers.stages.csvkind import field_names
from workers.stages.naming import extension, mediatype_of, slug

CSV, JSON = "text/csv", "application/json"
CANONICAL = {
    "delimiter": ",",
    "quoteChar": '"',
    "doubleQuote": True,
    "skipInitialSpace": False,
    "lineTerminator": "\r\n",
    "header": True,
}


async def dump(job: StageJob, context: StageContext) -> Outcome:
    """A table becomes canonical CSV with a preview; other files, and a source that differs, are carried unchanged."""
    store = _Store(job, context)
    if job.resource.tabular:
        return Passed(await _table(job, context, store))
    resource = job.resource
    name = slug(resource.name) + extension(resource.path)
    data = await store.source("data", name, mediatype_of(resource.path))
    facts = {"unchanged": True, "skipped": "not a table"}
    return Passed(resource.learned("dump", facts, files=(*resource.files, data)))


async def _table(job: StageJob, context: StageContext, store: _Store) -> Resource:
    resource = job.resource
    destination, preview = context.workdir / "canonical", context.workdir / "preview.json"
    dialect = resource.descriptor.get("dialect") or {}
    async with context.checkout(resource.table) as path:
        answer = await context.compute(
            tables.dump_table,
            path=str(path),
            dialect=dialect,
            field_names=field_names(resource.descriptor),
            destination=str(destination),
            preview_destination=str(preview),
            rows=resource.rows,
        )
    made = answer["canonical"]
    if made["rows"] != resource.rows:
        raise PermanentError(f"{resource.rows} rows were validated and {made['rows']} written")
    name = f"{slug(resource.name)}.csv"
    shown = await store.made("preview", "preview.json", JSON, answer["preview"], preview)
    files = [*resource.files, shown]
    if not made["unchanged"]:
        files.append(await store.made("data", name, CSV, made, destination))
    elif resource.content is None:
        files.append(await store.source("data", name, CSV))
    else:
        files.append(await store.content("data", name, CSV, resource.content))
    if not made["unchanged"] or resource.content is not None:
        original = slug(PurePosixPath(resource.path).name)
        files.append(await store.source("source", original, mediatype_of(resource.path)))
    descriptor = {
        **resource.descriptor,
        "format": "csv",
        "mediatype": CSV,
        "encoding": "utf-8",
        "dialect": dialect if made["unchanged"] else CANONICAL,
        "bytes": made["size"],
        "hash": f"sha256:{made['sha256']}",
    }
    facts = {"unchanged": made["unchanged"], "rows": made["rows"]}
    return resource.learned("dump", facts, descriptor=descriptor, files=tuple(files))


@dataclass(frozen=True, slots=True)
class _Store:
    """Writes files of one job's resource to the package store."""

    job: StageJob
    context: StageContext

    async def source(self, role: str, filename: str, mediatype: str) -> PublishedFile:
        """The file as it was uploaded, pinned to the version that `load` proved."""
        source = self.job.resource.source
        file = self._file(role, filename, mediatype, source.size, str(source.sha256))
        etag = self.job.resource.facts.get("load", {}).get("etag")
        await self._copy(source, etag, file)
        return file

    async def content(self, role: str, filename: str, mediatype: str, content: BlobRef) -> PublishedFile:
        """The bytes that an earlier stage derived."""
        file = self._file(role, filename, mediatype, content.size, str(content.sha256))
        head = await self.context.tools.blobs.head(content.bucket, content.key)
        await self._copy(content, head.etag if head else None, file)
        return file

    async def made(self, role: str, filename: str, mediatype: str, digest: dict[str, Any], path: Path) -> PublishedFile:
        """Bytes that this stage made, at `path`."""
        file = self._file(role, filename, mediatype, digest["size"], digest["sha256"])
        if not await self._is_there(file.blob):
            reporting = self.context.reporting(file.blob.size, "bytes")
            await self.context.tools.blobs.put_file(file.blob, path, mediatype, reporting)
        return file

    def _file(self, role: str, filename: str, mediatype: str, size: int, sha256: str) -> PublishedFile:
        key = f"{self.job.flow.dataset_id}/data/{sha256}/{filename}"
        blob = BlobRef(bucket=self.context.tools.store.package_bucket, key=key, size=size, sha256=sha256)
        return PublishedFile(role=role, filename=filename, mediatype=mediatype, blob=blob)

    async def _copy(self, origin: BlobRef, etag: str | None, file: PublishedFile) -> None:
        """Within the store where it can; else the proven bytes from the spool, as where the origin has changed."""
        blobs = self.context.tools.blobs
        if await self._is_there(file.blob):
            return
        if etag is not None:
            with suppress(PermanentError):  # not supported; also BlobChanged and BlobMissing
                await blobs.copy(origin, file.blob, etag=etag, mediatype=file.mediatype)
                return
        async with self.context.checkout(origin) as path:
            await blobs.put_file(file.blob, path, file.mediatype, self.context.reporting(origin.size, "bytes"))

    async def _is_there(self, blob: BlobRef) -> bool:
        head = await self.context.tools.blobs.head(blob.bucket, blob.key)
        return head is not None and head.size == blob.size
