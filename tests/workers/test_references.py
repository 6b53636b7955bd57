"""Foreign keys in the pipeline: a stage looks them up in another resource's file, whatever became of that one's job."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from gateway.pages.evidence import of_table
from gateway.references import with_references
from messages.datapackage import Resource
from messages.jobs import STAGES
from tests.workers.floor import File, passed, through, upload
from workers.stage import Outcome, Rejected, Tools

CITIES = "code;city\n007;Łódź\n12;Zürich\n".encode("cp1250")
CODES = {"fields": [{"name": "code", "type": "string"}, {"name": "city", "type": "string"}]}
PEOPLE = b"name,home\nAda,007\nBob,\nEve,12\n"


def refers() -> Mapping[str, Any]:
    key = {"fields": "home", "reference": {"resource": "cities", "fields": "code"}}
    columns = [{"name": name, "type": "string"} for name in ("name", "home")]
    return {"schema": {"fields": columns, "foreignKeys": [key]}}


async def people(tools: Tools, ownerid: str, content: bytes, *others: File) -> Outcome:
    """The outcome of the check of a table that refers to the others, none of which has been through a stage."""
    files = [File(name="people", content=content, descriptor=refers()), *others]
    resources = [await upload(tools.blobs, ownerid, file, index) for index, file in enumerate(files)]
    first = with_references(resources)[0]
    assert Resource.from_dict(first.to_dict()) == first, "what rescue and retries read is what was accepted"
    return await through(STAGES[: STAGES.index("validate") + 1], first, tools, ownerid)


def cities(**changes: Any) -> File:
    return replace(File(name="cities", content=CITIES, descriptor={"schema": CODES, "encoding": "cp1250"}), **changes)


async def test_keys_are_looked_up_in_the_other_file_however_it_is_written(tools: Tools, random_ownerid: str) -> None:
    for other in (cities(), cities(content=gzip.compress(CITIES), path="cities.csv.gz")):
        facts = passed(await people(tools, random_ownerid, PEOPLE, other)).facts["validate"]
        assert facts["notes"] == []
        assert facts["evidence"]["foreign_keys"] == [
            {"fields": ["home"], "reference": {"resource": "cities", "fields": ["code"]}}
        ]


async def test_a_key_that_is_not_there_is_told_with_both_ends(tools: Tools, random_ownerid: str) -> None:
    outcome = await people(tools, random_ownerid, PEOPLE + b"Tom,7\n", cities())
    assert isinstance(outcome, Rejected)
    assert outcome.rule == "foreign-key"
    assert outcome.errors == 1
    finding = outcome.findings[0]
    assert (finding["row"], finding["field"], finding["cell"]) == (5, "home", "7")
    for word in ("“7”", "“home”", "“code”", "“cities”"):
        assert word in finding["message"]
    assert finding["message"] in outcome.reason


async def test_a_table_without_a_schema_is_read_as_the_field_that_refers_to_it(
    tools: Tools, random_ownerid: str
) -> None:
    other = cities(descriptor={"encoding": "cp1250"})  # inferred, `code` would be text because of 007
    passed(await people(tools, random_ownerid, PEOPLE, other))
    other = cities(content=b"code\n7\n12\n", descriptor={})  # and here an integer, which no text equals
    passed(await people(tools, random_ownerid, b"name,home\nAda,7\nEve,12\n", other))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"content": b"%PDF-1.7\n" + bytes(2_000)}, "cannot be read"),
        ({"uploaded": False}, "never uploaded"),
        ({"descriptor": {"schema": CODES, "encoding": "utf-8"}}, "cannot be read"),
    ],
    ids=["no-table", "missing", "encoding"],
)
async def test_what_cannot_be_read_is_noted_and_fails_by_its_own_job(
    tools: Tools, random_ownerid: str, changes: dict[str, Any], words: str
) -> None:
    facts = passed(await people(tools, random_ownerid, PEOPLE, cities(**changes))).facts["validate"]
    assert "foreign_keys" not in facts["evidence"]
    assert "was not checked" in facts["notes"][0]
    assert words in facts["notes"][0]
    own = await upload(tools.blobs, random_ownerid, cities(**changes))
    assert isinstance(await through(STAGES, own, tools, random_ownerid), Rejected)


async def test_errors_of_the_other_table_are_its_own(tools: Tools, random_ownerid: str) -> None:
    strict = {"fields": [{"name": "code", "type": "string"}, {"name": "city", "constraints": {"maxLength": 2}}]}
    passed(await people(tools, random_ownerid, PEOPLE, cities(descriptor={"schema": strict, "encoding": "cp1250"})))


async def test_a_check_is_repeatable(tools: Tools, random_ownerid: str) -> None:
    first = await people(tools, random_ownerid, PEOPLE + b"Tom,7\n", cities())
    assert await people(tools, random_ownerid, PEOPLE + b"Tom,7\n", cities()) == first


async def test_a_row_that_repeats_a_unique_key_is_told_with_the_row_that_it_repeats(
    tools: Tools, random_ownerid: str
) -> None:
    schema = {"fields": [{"name": "code"}, {"name": "city"}], "uniqueKeys": [["code"], ["city"]]}
    content = b"code,city\n1,Rome\n2,\n3,\n2,Bern\n"
    resource = await upload(
        tools.blobs, random_ownerid, File(name="cities", content=content, descriptor={"schema": schema})
    )
    outcome = await through(STAGES[: STAGES.index("validate") + 1], resource, tools, random_ownerid)
    assert isinstance(outcome, Rejected)
    assert (outcome.rule, outcome.errors, outcome.facts["by_rule"]) == ("unique-key", 1, {"unique-key": 1})
    assert (outcome.findings[0]["row"], outcome.findings[0]["field"], outcome.findings[0]["cell"]) == (5, "code", "2")
    assert outcome.reason.endswith(" has 1 error: Row 3 has this unique key already.")
    assert ("Unique key", "city, compared over all rows") in of_table({"validate": outcome.facts})
