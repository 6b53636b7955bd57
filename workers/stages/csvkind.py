"""The third stage: that the text is a CSV at all, and of which kind: delimiter, quotes, header."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from messages.jobs import StageJob
from workers.stage import Outcome, Passed, Rejected, StageContext
from workers.stages import tables
from workers.stages.load import sheet_of

GUESSES = ("declared", "candidates", "doubt")


async def csvkind(job: StageJob, context: StageContext) -> Outcome:
    """Adds the dialect to the descriptor: what the publisher declared is kept, the rest is told from the bytes."""
    if not job.resource.tabular:
        return Passed(job.resource.learned("csvkind", {"skipped": "not a table"}))
    declared = job.resource.descriptor
    async with context.checkout(job.resource.table) as path:
        answer = await context.compute(
            tables.sniff_table,
            path=str(path),
            dialect=declared.get("dialect"),
            field_names=field_names(declared),
            limits=context.tools.limits,
        )
    if "finding" in answer:
        return Rejected.because(answer["finding"], answer["evidence"])
    facts = {name: value for name, value in answer.items() if name != "dialect"}
    if (sheet := sheet_of(job.resource)) is not None:
        # We wrote this CSV: but for its header nothing was to be found out.
        kept = {name: value for name, value in answer["evidence"].items() if name not in GUESSES}
        facts["evidence"] = {"sheet": sheet["sheet"], **kept}
    descriptor = {**declared, "dialect": answer["dialect"]}
    return Passed(job.resource.learned("csvkind", facts, descriptor=descriptor))


def field_names(descriptor: Mapping[str, Any]) -> list[str]:
    """The names of the schema's fields; none without a schema."""
    schema = descriptor.get("schema")
    fields = schema.get("fields", []) if isinstance(schema, dict) else []
    return [field["name"] for field in fields if isinstance(field, dict) and isinstance(field.get("name"), str)]
