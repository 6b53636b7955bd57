"""The machine-readable contracts in docs/ are what the code says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from deploy.documents import __main__ as documents
from deploy.documents.application import application
from deploy.documents.openapi import operations
from deploy.documents.operations import OPERATIONS
from messages.datapackage import BlobRef, FlowRef, PublishedFile, Resource
from messages.events import EVENTS, PackagePublished
from messages.jobs import StageJob
from messages.stageevents import StagePassed

FLOW = FlowRef(ownerid="0f", owner="alice", dataset="gdp", revision=3, findability="published")
BLOB = BlobRef(bucket="pkgstore", key="0f/gdp/3/datapackage.json", size=12)
FILE = PublishedFile(role="data", filename="gdp.csv", mediatype="text/csv", blob=BLOB)
RESOURCE = Resource(
    index=0, name="gdp", path="gdp.csv", descriptor={"name": "gdp"}, source=BLOB, tabular=True, rows=7, files=(FILE,)
)
SAID = (
    PackagePublished(flow=FLOW, title="GDP", descriptor=BLOB, rows=1, size=2, files=1).to_message(),
    StagePassed(flow=FLOW, stage="dump", resource=RESOURCE).to_message("cause"),
    StageJob(flow=FLOW, stage="load", resource=RESOURCE).to_message(),
)


async def test_documents_in_docs_are_up_to_date() -> None:
    for name, text in (await documents.documents()).items():
        assert (documents.DOCS / name).read_text() == text, f"{name}: run `python -m deploy.documents`"


async def test_every_operation_of_the_gateway_is_described_and_nothing_else() -> None:
    described = {(method, path) for method, path, _ in operations(application())}

    assert described == set(OPERATIONS)


def test_every_reference_in_the_documents_leads_somewhere() -> None:
    for name in ("asyncapi.json", "openapi.json"):
        document = json.loads((documents.DOCS / name).read_text())
        for reference in references(document):
            target: Any = document
            for step in reference.removeprefix("#/").split("/"):
                target = target[step.replace("~1", "/")]
            assert target, reference


@pytest.mark.parametrize("message", SAID, ids=lambda message: message.kind)
def test_messages_on_the_wire_fit_the_asyncapi_document(message: Any) -> None:
    document = json.loads(Path(documents.DOCS / "asyncapi.json").read_text())
    name = next((event.__name__ for event in EVENTS if message.kind.startswith(event.KIND)), "StageJob")
    schema = {**document["components"]["messages"][name]["payload"], "components": document["components"]}

    jsonschema.Draft202012Validator(schema).validate(json.loads(message.encode()))
    wrong = {**json.loads(message.encode()), "data": {}}
    assert not jsonschema.Draft202012Validator(schema).is_valid(wrong)


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [reference for part in value.values() for reference in references(part)]
    if isinstance(value, list):
        return [reference for part in value for reference in references(part)]
    return []
