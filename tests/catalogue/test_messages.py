"""M: bytes on a queue that are no message of ours: the transports set aside what is told here."""

from __future__ import annotations

import gzip
import json
import pickle
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from typing_extensions import override

from messages.datapackage import BlobRef, FlowRef, PublishedFile, ReferencedResource, Resource
from messages.envelope import MAX_BODY, Message
from messages.errors import DecodeError
from messages.events import FlowAccepted, MetadataIndexed, PackageFailed, PackagePublished
from messages.jobs import StageJob
from messages.stageevents import StagePassed, StageRejected

FLOW = FlowRef(ownerid="0" * 32, owner="ada", dataset="gold", revision=1, findability="published")
GOOD: dict[str, Any] = json.loads(FlowAccepted(flow=FLOW, title="Gold", resources=("a",)).to_message().encode())


class Payload:
    """What would be run if anybody unpickled it."""

    @override
    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit('unpickled')",)


def without(*names: str, **changed: Any) -> bytes:
    return json.dumps({key: value for key, value in {**GOOD, **changed}.items() if key not in names}).encode()


ENVELOPES: list[tuple[str, bytes]] = [
    *[("M01", body) for body in (b"", b" ", b"x", b"{", b"[]", b"7", b"null", b'"text"', b"\xff\xfe", b"\x00" * 100)],
    *[("M01", without(name)) for name in ("specversion", "id", "type", "subject", "time", "data", "dataversion")],
    *[("M01", without(**{name: 7})) for name in ("specversion", "id", "type", "subject", "time", "data")],
    *[("M01", without(dataversion=version)) for version in (0, 2, "1", None)],
    ("M01", b" " * (MAX_BODY + 1)),
    ("M01", b"[" * 100_000),
    ("M01", gzip.compress(without())),
    ("M07", pickle.dumps(Payload())),
    ("M07", b"cos\nsystem\n(S'true'\ntR."),
]


@pytest.mark.parametrize("case", ["M01", "M07"])
def test_what_is_no_message_is_told_by_name(case: str) -> None:
    for name, body in ENVELOPES:
        if name == case:
            with pytest.raises(DecodeError):
                Message.decode(body)


BLOB = BlobRef(bucket="b", key="k", size=1)
FILE = PublishedFile(role="data", filename="a.csv", mediatype="text/csv", blob=BLOB)
OTHER = ReferencedResource(name="b", descriptor={}, source=BLOB)
RESOURCE = Resource(
    index=0,
    name="a",
    path="a.csv",
    descriptor={"name": "a"},
    source=BLOB,
    tabular=True,
    files=(FILE,),
    references=(OTHER,),
)
REFUSED = StageRejected(
    flow=FLOW,
    index=0,
    name="a",
    stage="load",
    reason="x",
    rule="x",
    errors=1,
    findings=({"rule": "x"},),
    report=BLOB,
    files=(FILE,),
)
SAID: list[tuple[Message, Any]] = [
    (FlowAccepted(flow=FLOW, title="Gold", resources=("a",)).to_message(), FlowAccepted),
    (StagePassed(flow=FLOW, stage="load", resource=RESOURCE).to_message("cause"), StagePassed),
    (StagePassed(flow=FLOW, stage="load", resource=RESOURCE).to_message("cause"), StageJob),
    (REFUSED.to_message("cause"), StageRejected),
    (PackagePublished(flow=FLOW, title="x", descriptor=BLOB, rows=1, size=1, files=1).to_message(), PackagePublished),
    (PackageFailed(flow=FLOW, reason="x").to_message(), PackageFailed),
    (MetadataIndexed(flow=FLOW).to_message(), MetadataIndexed),
    (StageJob(flow=FLOW, stage="load", resource=RESOURCE).to_message(), StageJob),
]
WRONG: list[Any] = [None, 7, "x", [], [7], ["x"], [[]], True, {}, {"x": 1}]


def spoiled(value: Any) -> Iterator[Any]:
    """The value with each part of it, however deep, replaced by one of every wrong kind."""
    yield from WRONG
    if isinstance(value, dict):
        for key, part in value.items():
            yield from ({**value, key: other} for other in spoiled(part))
            yield {name: kept for name, kept in value.items() if name != key}
    if isinstance(value, list):
        for index, part in enumerate(value):
            yield from ([*value[:index], other, *value[index + 1 :]] for other in spoiled(part))


def test_what_is_in_a_message_is_looked_at_before_it_is_believed() -> None:
    """M01: every field of every kind, missing and of every wrong type, is a DecodeError and never another."""
    for said, event in SAID:
        assert event.from_message(said) is not None
        for data in (each for each in spoiled(json.loads(said.encode())["data"]) if isinstance(each, dict)):
            try:
                event.from_message(replace(said, data=data))
            except DecodeError:
                continue


def test_what_others_add_to_a_message_is_ignored() -> None:
    """M07: extensions of CloudEvents and traces that are none."""
    body = without(traceparent="00-zz", tracestate="x" * 60_000, unknown={"a": 1})
    assert Message.decode(body).data == GOOD["data"]


def test_a_message_cannot_name_the_flow_of_another_owner() -> None:
    """A11: what a message is about is made of whose it is; with another owner it is another flow, not there."""
    assert FLOW.id == f"{FLOW.ownerid}/{FLOW.dataset}/{FLOW.revision}"
    forged = FlowRef.from_dict({**FLOW.to_dict(), "ownerid": "f" * 32})
    assert forged.id != FLOW.id
    said = FlowAccepted(flow=FLOW, title="x", resources=()).to_message()
    with pytest.raises(DecodeError, match="another flow"):
        FlowAccepted.from_message(replace(said, flow=forged.id))
