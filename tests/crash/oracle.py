"""What went in compared with what came out, as sets: the checker of a run in which processes were killed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import aiohttp
import asyncpg

from messages.blobs import Blobs
from messages.datapackage import BlobRef
from messages.events import PackageFailed, PackagePublished
from messages.transport.port import Ack, Delivery, Verdict

END = {"SUCCEEDED": PackagePublished.KIND, "FAILED": PackageFailed.KIND}


@dataclass(slots=True)
class History:
    """What the run was told and what it said.

    `accepted`: flows whose push was answered with success; `doomed`: flows whose job cannot be done, and must become a
    dead letter; `contents`: the bytes of a package's file by the package's title; `heard`: the kinds and flows of the
    events by their ids, as a subscriber keeps them that knows an id again; `read`: revisions that were compared.
    """

    accepted: set[str] = field(default_factory=set)
    doomed: set[str] = field(default_factory=set)
    contents: dict[str, bytes] = field(default_factory=dict)
    heard: dict[str, tuple[str, str]] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)

    async def hear(self, delivery: Delivery) -> Verdict:
        """The subscriber's handler."""
        message = delivery.message
        self.heard[message.id] = (message.kind, message.flow)
        return Ack()


async def violations(history: History, pool: asyncpg.Pool, blobs: Blobs, session: aiohttp.ClientSession) -> list[str]:
    """Every broken promise, in words; empty where all were kept."""
    flows = await pool.fetch("select id, dataset_id, revision, state, package from flow order by dataset_id, revision")
    said = await pool.fetch("select kind, flow_id from event_log where kind like 'event.package.%'")
    letters = {
        row["flow_id"]: f"{row['queue']}: {row['reason']}" for row in await pool.fetch("select * from dead_letter")
    }
    found = [*_lost(history, flows), *_revisions(flows)]
    for who, log in (("the subscriber", history.heard.values()), ("the log", [tuple(row) for row in said])):
        found += _announcements(who, flows, Counter(log))
    found += [f"a dead letter of {name}, {letters[name]}" for name in letters.keys() - history.doomed]
    found += [f"no dead letter of {name}" for name in history.doomed - letters.keys()]
    for flow in flows:
        if flow["state"] == "SUCCEEDED" and flow["id"] not in history.read:
            history.read.add(flow["id"])
            found += await _differences(history, flow, blobs, session)
    return found


def _lost(history: History, flows: Sequence[asyncpg.Record]) -> Iterator[str]:
    states = {flow["id"]: flow["state"] for flow in flows}
    for name in history.accepted | history.doomed:
        if name not in states:
            yield f"{name} was accepted and is gone"
    for name, state in states.items():
        expected = "FAILED" if name in history.doomed else "SUCCEEDED"
        if state != expected:
            yield f"{name} is {state} and not {expected}"


def _revisions(flows: Sequence[asyncpg.Record]) -> Iterator[str]:
    numbers: dict[str, list[int]] = {}
    for flow in flows:
        numbers.setdefault(flow["dataset_id"], []).append(flow["revision"])
    for dataset, revisions in numbers.items():
        if revisions != list(range(1, len(revisions) + 1)):
            yield f"{dataset} has the revisions {revisions}"


def _announcements(who: str, flows: Sequence[asyncpg.Record], log: Counter[tuple[str, str]]) -> Iterator[str]:
    expected = {(END[flow["state"]], flow["id"]) for flow in flows if flow["state"] in END}
    for kind, name in expected | log.keys():
        times, wanted = log[kind, name], int((kind, name) in expected)
        if times != wanted:
            yield f"{who} has {kind} of {name} {times} times and not {wanted}"


async def _differences(
    history: History, flow: asyncpg.Record, blobs: Blobs, session: aiohttp.ClientSession
) -> list[str]:
    """What of a published revision is not what was uploaded, or not what the database says."""
    found = []
    stored = await blobs.get(_descriptor(blobs, flow["id"]))
    if json.loads(stored) != flow["package"]:
        found.append(f"the descriptor of {flow['id']} is another one")
    [resource] = flow["package"]["resources"]
    async with session.get(resource["path"]) as answer:
        content = await answer.read()
    if content != history.contents[flow["package"]["title"]]:
        found.append(f"{resource['path']} has other bytes than were uploaded")
    return found


def _descriptor(blobs: Blobs, flow_id: str) -> BlobRef:
    return BlobRef(bucket=blobs.settings.package_bucket, key=f"{flow_id}/datapackage.json", size=0)
