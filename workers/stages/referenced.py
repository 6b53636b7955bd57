"""The files of the resources that a resource's foreign keys lead to, as they were uploaded.

Each stage works on one resource and waits for no other: what another resource's stages make of its file is made of it
again here, by the same functions. So the job can be done first, last, twice or alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from messages.datapackage import BlobRef, ReferencedResource, Resource
from messages.storecalls import BlobChanged, BlobMissing
from workers.stage import Refused, StageContext


@asynccontextmanager
async def referenced(resource: Resource, context: StageContext) -> AsyncIterator[list[dict[str, Any]]]:
    """For each of the resource's references its name and descriptor, and the path to its file or a `reason`."""
    async with AsyncExitStack() as stack:
        yield [await _file(each, context, stack) for each in resource.references]


async def _file(reference: ReferencedResource, context: StageContext, stack: AsyncExitStack) -> dict[str, Any]:
    told = {"name": reference.name, "resource": dict(reference.descriptor)}
    try:
        if reference.source.sha256 is None:
            path = await _download(reference.source, context)
        else:
            path = await stack.enter_async_context(context.checkout(reference.source))
    except BlobMissing:
        return {**told, "reason": "Its file was never uploaded."}
    except (BlobChanged, Refused):  # it is proven, and the flow fails, by the job of that resource
        return {**told, "reason": "Its file is not the one that was announced."}
    return {**told, "path": str(path)}


async def _download(blob: BlobRef, context: StageContext) -> Path:
    """Of a publisher whose client tells no SHA-256; the form that the bytes came by pins their MD5."""
    path = context.workdir / f"referenced-{abs(hash(blob.key))}"
    with context.tools.spool.room():
        proven = await context.tools.blobs.download(blob, path, progress=context.reporting(blob.size, "bytes"))
    if blob.md5 is not None and proven.md5 != blob.md5:
        raise Refused("integrity", f"The file {blob.key} was replaced while it was being published.")
    return path
