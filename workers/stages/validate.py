"""The fourth stage: every row against the Table Schema; a report in any case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from messages.datapackage import BlobRef, PublishedFile
from messages.jobs import StageJob
from workers.stage import Outcome, Passed, Rejected, StageContext
from workers.stages import tables
from workers.stages.load import sheet_of
from workers.stages.naming import slug
from workers.stages.referenced import referenced

MEDIATYPES = {"json": "application/json", "csv": "text/csv"}
BESIDE = {"summary.json": "summary", "errors.csv": "errors", "annotated.csv": "annotated"}
"""The roles of the files that are made for an invalid table beside its report."""


async def validate(job: StageJob, context: StageContext) -> Outcome:
    """Adds the schema (inferred from all rows where there was none), the count of rows and the report; of an invalid
    table also the summary and the lists of its errors."""
    if not job.resource.tabular:
        return Passed(job.resource.learned("validate", {"skipped": "not a table"}))
    declared, destination = job.resource.descriptor, context.workdir / "report.json"
    asked = {"name": job.resource.name, "path": job.resource.path, "schema": declared.get("schema")}
    async with context.checkout(job.resource.table) as path, referenced(job.resource, context) as references:
        answer = await context.compute(
            tables.validate_table,
            path=str(path),
            resource=asked,
            dialect=declared.get("dialect") or {},
            destination=str(destination),
            sheet=sheet_of(job.resource),
            references=references,
            records=job.resource.facts.get("csvkind", {}).get("records"),
            limits=context.tools.limits,
        )
    report, *beside = [await _kept(job, name, digest, context) for name, digest in answer["files"].items()]
    facts = {name: answer[name] for name in ("valid", "rows", "truncated", "inferred", "notes", "evidence", "reasons")}
    if not answer["valid"]:
        return _rejected(job, answer, report.blob, tuple(beside), facts)
    facts["errors"] = 0
    return Passed(
        job.resource.learned(
            "validate",
            facts,
            descriptor={**declared, "schema": answer["schema"]},
            rows=answer["rows"],
            files=(*job.resource.files, report),
        )
    )


async def _kept(job: StageJob, filename: str, digest: Mapping[str, Any], context: StageContext) -> PublishedFile:
    """A file of the workdir, in the package store also when the flow fails, for then it is needed most."""
    name, _, extension = filename.rpartition(".")
    folder = f"{job.flow.dataset_id}/report/{digest['sha256']}"
    stored = f"{slug(job.resource.name)}.{extension}"
    blob = BlobRef(
        bucket=context.tools.store.package_bucket,
        key=f"{folder}/{stored if name == 'report' else filename}",
        size=digest["size"],
        sha256=digest["sha256"],
    )
    mediatype = MEDIATYPES[extension]
    await context.tools.blobs.put_file(blob, context.workdir / filename, mediatype)
    return PublishedFile(role=BESIDE.get(filename, "report"), filename=filename, mediatype=mediatype, blob=blob)


def _rejected(
    job: StageJob,
    answer: Mapping[str, Any],
    report: BlobRef,
    files: tuple[PublishedFile, ...],
    facts: Mapping[str, Any],
) -> Rejected:
    problems, summary = answer["findings"] or answer["problems"], answer["summary"]
    errors = summary["errors"]
    first = problems[0] if problems else {"rule": "invalid", "message": "see the report."}
    count = "1 error" if errors == 1 else f"{errors:,} errors; the first"
    if not summary["complete"] and not answer["findings"]:
        count = f"{errors:,} errors up to row {summary['counted_to']:,}; the first"
    return Rejected(
        reason=f"{job.resource.path} has {count}: {first['message']}",
        rule=first["rule"],
        findings=tuple(problems),
        errors=errors,
        report=report,
        files=files,
        facts={
            **facts,
            "errors": errors,
            "bad_rows": summary["bad_rows"],
            "by_rule": summary["by_rule"],
            **{name: summary[name] for name in ("complete", "counted_to", "why", "listed")},
            "limits": answer["limits"],
            "rows": summary["rows"] or answer["rows"],
        },
    )
