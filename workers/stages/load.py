"""The first stage: fetches the uploaded file once, proves its bytes, opens a compressed table or a workbook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from messages.datapackage import BlobRef, Resource
from messages.errors import TransientError
from messages.jobs import StageJob
from messages.storecalls import BlobChanged, BlobMissing
from workers.stage import Outcome, Passed, Rejected, StageContext
from workers.stages import tables


async def load(job: StageJob, context: StageContext) -> Outcome:
    """Rejects what is missing or not what was declared; `facts` keep the ETag, which pins this version."""
    source, blobs = job.resource.source, context.tools.blobs
    head = await blobs.head(source.bucket, source.key)
    if head is None:
        return _missing(job.resource)
    if head.size != source.size:
        finding = _mismatch("size-mismatch", job.resource.path, "size", f"{source.size} bytes", f"{head.size} bytes")
        return Rejected.because(finding)
    path = context.workdir / "source"
    try:
        with context.tools.spool.room():
            proven = await blobs.download(
                source, path, etag=head.etag, progress=context.reporting(source.size, "bytes")
            )
    except BlobMissing:
        return _missing(job.resource)
    except BlobChanged as error:
        raise TransientError(f"{source.key} was uploaded again while it was fetched") from error
    findings = list(_differences(job.resource, proven))
    if findings:
        return Rejected.because(findings[0])
    assert proven.sha256 is not None
    context.tools.spool.add(path, proven.sha256)
    descriptor = {**job.resource.descriptor, "bytes": proven.size, "hash": f"sha256:{proven.sha256}"}
    facts = {"bytes": proven.size, "md5": proven.md5, "sha256": proven.sha256, "etag": head.etag}
    resource = job.resource.learned("load", facts, descriptor=descriptor, source=proven)
    return await _opened(job, resource, context) if resource.tabular else Passed(resource)


async def _opened(job: StageJob, resource: Resource, context: StageContext) -> Outcome:
    destination = context.workdir / "opened"
    opened = await context.compute(
        tables.open_table,
        path=str(context.workdir / "source"),
        resource={**resource.descriptor, "path": resource.path},
        destination=str(destination),
        limits=context.tools.limits,
    )
    facts = resource.facts["load"]
    if "finding" in opened:
        return Rejected.because(opened["finding"], facts)
    if opened["sha256"] is None:
        return Passed(resource)
    descriptor = opened.pop("descriptor")
    content = derived(job, opened["sha256"], opened["size"], context)
    await context.keep(destination, content)
    return Passed(resource.learned("load", {**facts, **opened}, descriptor=descriptor, content=content))


def derived(job: StageJob, sha256: str, size: int, context: StageContext) -> BlobRef:
    """Where bytes that we made of a publisher's file are kept for the next stages: per owner, apart from uploads."""
    key = f"{job.flow.ownerid}/derived/{sha256}"
    return BlobRef(bucket=context.tools.store.raw_bucket, key=key, size=size, sha256=sha256)


def sheet_of(resource: Resource) -> dict[str, Any] | None:
    """What is known of the sheet (`tabular.workbook.Sheet`) that a workbook's table was read from; else None."""
    sheet = resource.facts["load"].get("sheet")
    return sheet if isinstance(sheet, dict) else None


def _missing(resource: Resource) -> Rejected:
    return Rejected(reason=f"The file {resource.path} was never uploaded.", rule="object-missing")


def _differences(resource: Resource, proven: BlobRef) -> Iterator[dict[str, Any]]:
    source, declared = resource.source, resource.descriptor
    found = {"md5": proven.md5, "sha256": proven.sha256}
    algorithm, digest = declared_hash(declared)
    for what, said, is_really in (
        ("size", source.size, proven.size),
        ("MD5", source.md5, proven.md5),
        ("SHA-256", source.sha256, proven.sha256),
        ("`bytes` of the descriptor", declared.get("bytes"), proven.size),
        ("`hash` of the descriptor", digest, found.get(algorithm, digest)),
    ):
        if said is not None and said != is_really:
            yield _mismatch("integrity", resource.path, what, said, is_really)


def declared_hash(descriptor: Mapping[str, Any]) -> tuple[str, str | None]:
    """Algorithm and hex digest of a descriptor's `hash`: `algorithm:digest`, MD5 without one (Data Package, `hash`)."""
    text = descriptor.get("hash")
    if not isinstance(text, str) or not text:
        return "md5", None
    algorithm, _, digest = text.rpartition(":")
    return algorithm.lower().replace("-", "") or "md5", digest.lower()


def _mismatch(rule: str, path: str, what: str, declared: object, found: object) -> dict[str, Any]:
    message = f"The file {path} is not what was declared: its {what} is {found}, declared was {declared}."
    return {"rule": rule, "message": message, "declared": declared, "found": found}
