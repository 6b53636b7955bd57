"""A workbook on its way through the stages, on a real object store."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Any

import pytest

from messages.datapackage import PublishedFile, Resource
from messages.jobs import STAGES
from tests.workbooks import book, ods_parts, ods_row, saved, xlsx_of, xlsx_parts, zipped
from tests.workers.floor import File, passed, through, upload
from workers.stage import Outcome, Rejected, Tools

BOOK = saved(
    book(
        {
            "Read me": [["nothing but words"]],
            "Towns": [["id", "name", "founded"], [1, "Ærø", date(1900, 3, 1)], [2, "007", date(2024, 2, 29)]],
        }
    )
)
CSV = "id,name,founded\r\n1,Ærø,1900-03-01\r\n2,007,2024-02-29\r\n".encode()
TOWNS = {"dialect": {"sheetName": "Towns"}}


def a_book(content: bytes = BOOK, path: str = "data/My Towns.xlsx", **descriptor: Any) -> File:
    return File(name="towns", content=content, path=path, descriptor=TOWNS | descriptor)


async def run(tools: Tools, ownerid: str, file: File, last: str = "dump") -> Outcome:
    resource = await upload(tools.blobs, ownerid, file)
    return await through(STAGES[: STAGES.index(last) + 1], resource, tools, ownerid)


def the(resource: Resource, role: str) -> PublishedFile:
    return next(file for file in resource.files if file.role == role)


async def test_the_sheet_is_published_as_csv_beside_the_workbook(tools: Tools, random_ownerid: str) -> None:
    resource = passed(await run(tools, random_ownerid, a_book()))
    data, source = the(resource, "data"), the(resource, "source")
    assert (data.filename, data.mediatype, await tools.blobs.get(data.blob)) == ("towns.csv", "text/csv", CSV)
    assert (source.filename, await tools.blobs.get(source.blob)) == ("My-Towns.xlsx", BOOK)
    assert source.mediatype == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert data.blob.sha256 == hashlib.sha256(CSV).hexdigest()
    assert source.blob.sha256 == hashlib.sha256(BOOK).hexdigest()
    assert resource.rows == 2
    preview = json.loads(await tools.blobs.get(the(resource, "preview").blob))
    assert (preview["header"], preview["rows"][1]) == (["id", "name", "founded"], ["2", "007", "2024-02-29"])
    types = {field["name"]: field["type"] for field in resource.descriptor["schema"]["fields"]}
    assert types == {"id": "integer", "name": "string", "founded": "date"}
    assert {key: resource.descriptor[key] for key in ("format", "encoding", "bytes", "hash")} == {
        "format": "csv",
        "encoding": "utf-8",
        "bytes": len(CSV),
        "hash": f"sha256:{hashlib.sha256(CSV).hexdigest()}",
    }


async def test_the_facts_say_which_sheet_and_that_nothing_was_guessed(tools: Tools, random_ownerid: str) -> None:
    resource = passed(await run(tools, random_ownerid, a_book()))
    facts = resource.facts
    assert (facts["load"]["sheet"]["sheet"], facts["load"]["sheet"]["others"]) == ("Towns", ["Read me"])
    assert facts["load"]["sha256"] == hashlib.sha256(CSV).hexdigest()
    assert facts["encoding"]["source"] == "workbook"
    assert facts["csvkind"]["header_rows"] == [1]
    assert facts["csvkind"]["evidence"].keys() == {"sheet", "header"}


async def test_wrong_cells_are_told_by_their_address(tools: Tools, random_ownerid: str) -> None:
    schema = {"fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "integer"}, {"name": "founded"}]}
    outcome = await run(tools, random_ownerid, a_book(schema=schema), "validate")
    assert isinstance(outcome, Rejected)
    assert [(each["rule"], each["address"]) for each in outcome.findings] == [("type-error", "B2")]


async def test_an_ods_and_a_preamble(tools: Tools, random_ownerid: str) -> None:
    rows = ods_row("A title") + ods_row("id", "size") + ods_row(1, 0.1) + ods_row(2, 1e20)
    content = zipped(ods_parts({"One": rows}))
    file = a_book(content, "book.ods", dialect={"headerRows": [2]})
    resource = passed(await run(tools, random_ownerid, file))
    assert await tools.blobs.get(the(resource, "data").blob) == b"id,size\r\n1,0.1\r\n2,100000000000000000000\r\n"
    assert resource.descriptor["schema"]["fields"][1] == {"name": "size", "type": "number"}
    assert the(resource, "source").mediatype == "application/vnd.oasis.opendocument.spreadsheet"


async def test_a_workbook_that_is_said_to_be_no_table_is_carried_unchanged(tools: Tools, random_ownerid: str) -> None:
    file = File(name="book", content=BOOK, path="book.xlsx", tabular=False, descriptor={"profile": "data-resource"})
    resource = passed(await run(tools, random_ownerid, file))
    assert [item.role for item in resource.files] == ["data"]
    assert await tools.blobs.get(the(resource, "data").blob) == BOOK


CORNERS = xlsx_parts('<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')


@pytest.mark.parametrize(
    ("file", "rule"),
    [
        (a_book(dialect={"sheetName": "Nope"}), "sheet-not-found"),
        (a_book(b"id,name\n1,one\n"), "not-a-workbook"),
        (a_book(BOOK[:2_000]), "corrupt-archive"),
        (a_book(xlsx_of(), dialect={}), "sheet-empty"),
        (a_book(zipped(CORNERS), dialect={}), "sheet-too-large"),
        (File(name="towns", content=BOOK, path="towns.csv"), "not-csv"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_cannot_be_read_is_rejected_by_name(
    tools: Tools, random_ownerid: str, file: File, rule: str
) -> None:
    outcome = await run(tools, random_ownerid, file, "encoding")
    assert isinstance(outcome, Rejected)
    assert outcome.rule == rule
