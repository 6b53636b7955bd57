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

JSON = "application/json"


async def validate(job: StageJob, context: StageContext) -> Outcome:
    """Adds the schema (inferred from all rows where there was none), the count of rows and the report."""
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
        )
    report = report_blob(job, answer["digest"], context)
    await context.tools.blobs.put_file(report, destination, JSON)
    facts = {name: answer[name] for name in ("valid", "rows", "truncated", "inferred", "notes", "evidence")}
    facts["errors"] = answer["errors_total"]
    if not answer["valid"]:
        return _rejected(job, answer, report, facts)
    return Passed(
        job.resource.learned(
            "validate",
            facts,
            descriptor={**declared, "schema": answer["schema"]},
            rows=answer["rows"],
            files=(
                *job.resource.files,
                PublishedFile(role="report", filename="report.json", mediatype=JSON, blob=report),
            ),
        )
    )


def report_blob(job: StageJob, digest: Mapping[str, Any], context: StageContext) -> BlobRef:
    """Where a report is kept: in the package store also when the flow fails, for then it is needed most."""
    name = f"{slug(job.resource.name)}.json"
    return BlobRef(
        bucket=context.tools.store.package_bucket,
        key=f"{job.flow.dataset_id}/report/{digest['sha256']}/{name}",
        size=digest["size"],
        sha256=digest["sha256"],
    )


def _rejected(job: StageJob, answer: Mapping[str, Any], report: BlobRef, facts: Mapping[str, Any]) -> Rejected:
    problems = answer["findings"] or answer["problems"]
    errors = answer["errors_total"]
    first = problems[0] if problems else {"rule": "invalid", "message": "see the report."}
    count = "1 error" if errors == 1 else f"{errors:,}{' or more' if answer['truncated'] else ''} errors; the first"
    return Rejected(
        reason=f"{job.resource.path} has {count}: {first['message']}",
        rule=first["rule"],
        findings=tuple(problems),
        errors=errors,
        report=report,
        facts=facts,
    )
