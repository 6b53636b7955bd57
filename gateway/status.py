"""The status object of a flow: the original's keys (its clients and page read them), and what has been added since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import asyncpg
from aiohttp import web

from gateway.auth.rights import Action, Actor
from gateway.heard import Heard
from gateway.leftout import left_out
from gateway.lines import Lines
from gateway.pkgstore import revision_number
from gateway.problems import Problem, not_found
from gateway.words import waiting_words
from messages.jobs import STAGES
from messages.turns import Place, places_of

UNFINDABLE = (
    "Trouble on our side: the revision is published, but search does not find it yet. Operators have been told."
)

# One rule of visibility with the package store: private now, or private when pushed, is for who may read the owner's.
_UNFINDABLE = """
    select exists (select from dead_letter
                   where flow_id = $1 and queue = 'dh.writer.metastore' and state = 'waiting')
"""
_FLOW = f"""
    select f.id, f.revision, f.ownerid, f.dataset, narrower(d.findability, f.findability) as findability,
           f.state, f.reason, f.run,
           f.cancelled_at is not null as cancelled, f.spec, f.created_at,
           f.updated_at as flow_updated_at, f.finished_at, f.package is not null as published,
           f.manifest is not null as receipted,
           a.username as owner, d.updated_at, coalesce(m.revision, 0) >= f.revision as indexed,
           ({_UNFINDABLE.replace("$1", "f.id")}) as unfindable
    from dataset d
    join account a on a.id = d.ownerid
    join flow f on f.dataset_id = d.id
    left join metadata m on m.dataset_id = d.id
"""  # noqa: S608 constants
_ASKED = """
    where (d.ownerid = $1 or lower(a.username) = lower($1)) and d.name = $2
      and f.revision = case $3::bigint when 0 then d.published_revision when -1 then d.last_revision else $3 end
      and (f.ownerid = any($4::text[]) or d.id = any($4::text[])
           or (f.findability <> 'private' and d.findability <> 'private'))
"""
_RESOURCES = """
    select index, name, tabular, stage, state, round, updated_at < now() - interval '2 seconds' as still, rows, reason,
           rule, errors, findings, facts, report, (resource -> 'source' ->> 'size')::bigint as size
    from flow_resource where flow_id = $1 order by index
"""


class Statuses:
    """Reads status objects; `public_url` is the base of the addresses in them. What moves is in `heard` and `lines`."""

    def __init__(self, pool: asyncpg.Pool, public_url: str, heard: Heard, lines: Lines) -> None:
        self._pool = pool
        self._public_url = public_url
        self._heard = heard
        self._lines = lines

    async def find(self, owner: str, dataset: str, version: str, viewer: Actor) -> dict[str, Any] | None:
        """Revision `version` (a number, `latest`, `successful`) of an owner's (id or user name) dataset.

        None where there is none, or the `viewer` may not see it.
        """
        number = revision_number(version)
        if number is None or "\x00" in owner + dataset:
            return None
        flow, rows, places = await self._rows(_FLOW + _ASKED, owner, dataset, number, viewer.reach)
        if flow is None:
            return None
        return self._status(flow, rows, places, sees_all=viewer.may(Action.READ, flow["ownerid"]))

    async def of_flow(self, flow_id: str, *, sees_all: bool) -> dict[str, Any] | None:
        """The status of a flow by its id, for who has been let in already: `sees_all` where they may read all that
        its owner has."""
        flow, rows, places = await self._rows(f"{_FLOW} where f.id = $1", flow_id)
        return self._status(flow, rows, places, sees_all=sees_all) if flow else None

    async def shown(self, flow_id: str, viewer: Actor) -> dict[str, Any] | None:
        """The same for one viewer."""
        return await self.of_flow(flow_id, sees_all=viewer.may(Action.READ, flow_id.partition("/")[0]))

    async def unfindable(self, flow_id: str) -> str | None:
        """Why search does not find a published revision, where that will not change by itself."""
        return UNFINDABLE if await self._pool.fetchval(_UNFINDABLE, flow_id) else None

    async def own(self, request: web.Request, actor: Actor) -> str:
        """The id of the flow that an address names, whose dataset the actor may publish.

        Raises Problem 404, for a stranger's as for none; 403 for who may read it and no more.
        """
        names = request.match_info
        found = await self.find(names["owner"], names["dataset"], names["revision"], actor)
        if found is None or not actor.may(Action.READ, found["ownerid"], found["dataset"]):
            raise not_found()
        if not actor.may(Action.PUBLISH, found["ownerid"], found["dataset"]):
            raise Problem(403, "not-yours", "You may read this dataset, and not publish it.")
        flow_id: str = found["id"]
        return flow_id

    async def _rows(
        self, query: str, *arguments: object
    ) -> tuple[asyncpg.Record | None, Sequence[asyncpg.Record], Mapping[int, Place]]:
        """The flow's row, those of its resources, and where they stand in line; no row where there is no flow."""
        async with self._pool.acquire() as connection:
            flow = await connection.fetchrow(query, *arguments)
            if flow is None:
                return None, (), {}
            rows = await connection.fetch(_RESOURCES, flow["id"])
            if any(row["state"] == "QUEUED" and row["stage"] == STAGES[0] for row in rows):
                return flow, rows, await places_of(connection, flow["ownerid"], flow["id"])
        return flow, rows, {}

    def _moving(
        self, flow: asyncpg.Record, row: asyncpg.Record, place: Place | None, *, sees_all: bool
    ) -> dict[str, Any]:
        """How far a resource is within its stage, or what it waits for. How much its owner has waiting is theirs."""
        if flow["finished_at"] is not None or row["state"] not in ("QUEUED", "INPROGRESS"):
            return {}
        if place is not None:
            told = {"place": place.place, "line": place.line} if sees_all else {"place": None, "line": None}
            return {"waiting": _told({"for": "turn", **told})}
        progress = self._heard.progress(flow["id"], row["index"], row["stage"], row["round"])
        if progress is not None:
            return {"progress": progress}
        # A stage that took it a moment ago has not had the time to say so.
        jobs = self._lines.length(row["stage"]) if row["still"] else None
        return {"waiting": _told({"for": "worker", "jobs": jobs})} if jobs else {}

    def _status(
        self,
        flow: asyncpg.Record,
        rows: Sequence[asyncpg.Record],
        places: Mapping[int, Place],
        *,
        sees_all: bool,
    ) -> dict[str, Any]:
        page = f"{self._public_url}/{flow['owner']}/{flow['dataset']}"
        stats = {"bytes": sum(row["size"] or 0 for row in rows), "count_of_rows": sum(row["rows"] or 0 for row in rows)}
        return {
            "id": flow["id"],
            "spec_contents": flow["spec"],
            "modified": flow["updated_at"].isoformat(),
            "state": flow["state"],
            "error_log": [flow["reason"]] if flow["reason"] else None,
            "logs": None,
            "stats": stats if flow["state"] == "SUCCEEDED" else None,
            "certified": False,
            "pipelines": _pipelines(flow, rows, f"{page}/datapackage.json?v={flow['revision']}"),
            "owner": flow["owner"],
            "ownerid": flow["ownerid"],
            "dataset": flow["dataset"],
            "revision": flow["revision"],
            "findability": flow["findability"],
            "reason": flow["reason"],
            "cancelled": flow["cancelled"],
            "restarts": flow["run"],
            "created": flow["created_at"].isoformat(),
            "updated": flow["flow_updated_at"].isoformat(),
            "finished": flow["finished_at"].isoformat() if flow["finished_at"] else None,
            "resources": [
                _resource(row, f"{page}/v/{flow['revision']}")
                | self._moving(flow, row, places.get(row["index"]), sees_all=sees_all)
                for row in rows
            ],
            "indexed": flow["state"] == "SUCCEEDED" and flow["indexed"],
            "index_error": UNFINDABLE if flow["state"] == "SUCCEEDED" and flow["unfindable"] else None,
            "receipt": f"{self._public_url}/{flow['id']}/receipt.jwt" if flow["receipted"] else None,
            "url": f"{page}/v/{flow['revision']}",
        }


def _told(waiting: dict[str, Any]) -> dict[str, Any]:
    return {**waiting, "words": waiting_words(waiting)}


def _resource(row: asyncpg.Record, page: str) -> dict[str, Any]:
    report = f"{page}/report/{quote(row['name'], safe='')}" if row["report"] else None
    return {
        "name": row["name"],
        "index": row["index"],
        "tabular": row["tabular"],
        "state": row["state"],
        "stage": row["stage"],
        "round": row["round"],
        "progress": None,
        "waiting": None,
        "rows": row["rows"],
        "reason": row["reason"],
        "rule": row["rule"],
        "abandoned": row["rule"] == "abandoned",
        "errors": row["errors"],
        "findings": row["findings"] or [],
        "left_out": left_out(
            tabular=row["tabular"], state=row["state"], rule=row["rule"], errors=row["errors"], facts=row["facts"]
        ),
        "facts": row["facts"],
        "report": report,
        "report_url": report,
    }


def _pipelines(flow: asyncpg.Record, rows: Sequence[asyncpg.Record], descriptor_url: str) -> dict[str, Any]:
    """What the original's page polls: one per resource that has begun, the report's, the package's, with its titles."""
    begun = [row for row in rows if row["state"] != "QUEUED" or row["stage"] != "load"]
    found = {}
    for row in begun:
        name, title = (f"{row['name']}_csv", "Creating CSV") if row["tabular"] else (row["name"], "Copying source data")
        found[f"{flow['id']}/{name}"] = _pipeline(title, row["state"], row["reason"], None)
    tables = [row for row in begun if row["tabular"]]
    if tables:
        states = {row["state"] for row in tables}
        state = next((each for each in ("FAILED", "INPROGRESS", "QUEUED") if each in states), "SUCCEEDED")
        found[f"{flow['id']}/validation_report"] = _pipeline("Validating package contents", state, None, None)
    if flow["finished_at"]:
        stats = {".dpp": {"out-datapackage-url": descriptor_url}} if flow["published"] else None
        found[flow["id"]] = _pipeline("Creating Package", flow["state"], flow["reason"], stats)
    return found


def _pipeline(title: str, state: str, reason: str | None, stats: dict[str, Any] | None) -> dict[str, Any]:
    return {"title": title, "status": state, "stats": stats or {}, "error_log": [reason] if reason else None}
