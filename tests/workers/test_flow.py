"""From accepted to published or failed, through all workers, on both transports."""

from __future__ import annotations

import hashlib
import json

from messages.datapackage import BlobRef
from messages.transport.port import Transport
from tests.workers.floor import File, Floor, running
from workers.stage import Tools

CSV = "id,name\n1,Ærø\n2,Łódź\n".encode()


async def test_package_with_a_table_and_another_file_is_published(
    floor: Floor, transport: Transport, tools: Tools
) -> None:
    files = [
        File(name="towns", content=CSV),
        File(name="notes", content=b"made up\n", path="notes.txt", tabular=False),
    ]
    flow, resources = await floor.accept(files)
    async with running(floor, transport, tools):
        await floor.start(flow, resources)
        row = await floor.ended(flow)

    assert (row["state"], row["reason"]) == ("SUCCEEDED", None)
    key = f"{flow.id}/datapackage.json"
    head = await floor.blobs.head("pkgstore", key)
    assert head is not None
    stored = json.loads(await floor.blobs.get(BlobRef(bucket="pkgstore", key=key, size=head.size)))
    assert stored == row["package"]
    towns, notes = stored["resources"]
    assert towns["hash"] == f"sha256:{hashlib.sha256(CSV).hexdigest()}"
    assert (towns["bytes"], towns["rowcount"], towns["encoding"]) == (len(CSV), 2, "utf-8")
    assert towns["path"] == f"https://data.test/{flow.ownerid}/towns/1/r/towns.csv"
    assert [field["type"] for field in towns["schema"]["fields"]] == ["integer", "string"]
    assert notes["path"].endswith("/r/notes.txt")
    assert stored["datahub"]["stats"] == {"rowcount": 2, "bytes": len(CSV) + 8}
    assert await floor.pool.fetchval("select published_revision from dataset") == 1


async def test_package_with_a_wrong_cell_fails_and_says_where(floor: Floor, transport: Transport, tools: Tools) -> None:
    schema = {"fields": [{"name": "id", "type": "integer"}, {"name": "name", "type": "string"}]}
    files = [
        File(name="good", content=CSV),
        File(name="bad", content=b"id,name\n1,a\nx,b\n", descriptor={"schema": schema}),
    ]
    flow, resources = await floor.accept(files)
    async with running(floor, transport, tools):
        await floor.start(flow, resources)
        row = await floor.ended(flow)
        states = await floor.resources(flow)

    assert row["state"] == "FAILED"
    assert "'bad' (type-error)" in row["reason"]
    assert [(state["state"], state["stage"]) for state in states] == [("SUCCEEDED", "dump"), ("FAILED", "validate")]
    assert states[1]["findings"][0]["row"] == 3
    assert states[1]["findings"][0]["field"] == "id"
    report = json.loads(await floor.blobs.get(BlobRef.from_dict(states[1]["report"])))
    assert report["valid"] is False
    assert await floor.blobs.head("pkgstore", f"{flow.id}/datapackage.json") is None
    assert await floor.pool.fetchval("select published_revision from dataset") is None
