"""The second stage: which encoding the text has, by evidence of all its bytes; a UTF-8 copy where it is another."""

from __future__ import annotations

from messages.jobs import StageJob
from tabular.spoken import with_languages
from workers.stage import Outcome, Passed, Rejected, StageContext
from workers.stages import tables
from workers.stages.load import derived, sheet_of


async def encoding(job: StageJob, context: StageContext) -> Outcome:
    """Afterwards the table's bytes are UTF-8 without a byte order mark, and the descriptor says so."""
    if not job.resource.tabular:
        return Passed(job.resource.learned("encoding", {"skipped": "not a table"}))
    if (sheet := sheet_of(job.resource)) is not None:
        facts = {"encoding": "utf-8", "source": "workbook", "certain": True, "evidence": {"sheet": sheet["sheet"]}}
        return Passed(job.resource.learned("encoding", facts))
    destination = context.workdir / "utf8"
    async with context.checkout(job.resource.table) as path:
        answer = await context.compute(
            tables.decode_table,
            path=str(path),
            resource=with_languages(job.resource.descriptor, job.resource.languages),
            destination=str(destination),
        )
    if "finding" in answer:
        return Rejected.because(answer["finding"], answer["evidence"])
    content = job.resource.content
    if (copy := answer["copy"]) is not None:
        content = derived(job, copy["sha256"], copy["size"], context)
        await context.keep(destination, content)
    descriptor = {**job.resource.descriptor, "encoding": "utf-8"}
    return Passed(job.resource.learned("encoding", answer["found"], descriptor=descriptor, content=content))
