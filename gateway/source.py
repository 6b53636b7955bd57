"""The pipeline store: takes packages, and says how their flows are doing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import structlog
from aiohttp import web

from gateway.acceptance import Acceptance, Offer, RightLost, SweptMeanwhile, accept, last_sweep
from gateway.auth.accounts import Account
from gateway.auth.audit import Origin, origin_of
from gateway.auth.identity import authorize, identify, token_of
from gateway.auth.rights import Action, Actor
from gateway.auth.services import SOURCE
from gateway.auth.tokens import BadToken
from gateway.bodies import read_object
from gateway.edge import allow_any_origin
from gateway.fingerprint import fingerprint
from gateway.idempotencykey import IdempotencyKey, key_of
from gateway.parts import Parts
from gateway.problems import Fault, not_found, unavailable
from gateway.quota import OverQuota
from gateway.rawstore import require_actor
from gateway.runs import cancel, rerun
from gateway.spec import Spec, SpecRefused, owner_of, read_spec
from gateway.uploads import find_uploads, posted_spec
from messages.datapackage import Resource

MOST_LOOKS = 3
"""Looks at the uploads of one push, should objects of its owner be swept meanwhile."""

_log = structlog.get_logger()


class Source:
    """Handlers of `/source/*`."""

    def __init__(self, parts: Parts) -> None:
        self._pool = parts.pool
        self._accounts = parts.accounts
        self._blobs = parts.blobs
        self._store = parts.settings.store
        self._admission = parts.admission
        self._quota = parts.settings.gateway.owner_quota
        self._statuses = parts.statuses

    async def upload(self, request: web.Request) -> web.Response:
        """Accepts a package. Always 200: whatever is wrong with it is in `errors`, as the original's clients expect.

        `success` is said only after revision, flow and first jobs are committed, or where the revision that stands is
        this very package (`unchanged`). With an `Idempotency-Key` the same request is done once, and has the same
        answer for a day; a key that cannot be used is a problem of its own (400, 409 while it is being done, 422).
        """
        return await self._answer(request, dry=False)

    async def plan(self, request: web.Request) -> web.Response:
        """What `upload` would answer to the same body, by the same code up to the commit, and without any effect.

        What is not uploaded yet counts as uploaded, as it is declared.
        """
        return await self._answer(request, dry=True)

    async def _answer(self, request: web.Request, *, dry: bool) -> web.Response:
        try:
            actor = await self._actor(request)
            body = await read_object(request)
            ownerid = owner_of(body)
            if not actor.may(Action.PUBLISH, ownerid):
                raise SpecRefused(_not_authorised(_why_not(actor, ownerid)))
            spec = await asyncio.to_thread(read_spec, body)
            if not actor.may(Action.PUBLISH, ownerid, spec.dataset):
                raise SpecRefused(_not_authorised("the token is for another dataset"))
            key = None if dry else await asyncio.to_thread(key_of, request, actor.known.id, body)
            async with self._admission.turn(request):
                accepted = await self._accept(origin_of(request, actor), ownerid, spec, key, dry=dry)
        except SpecRefused as refused:
            return _refusal(refused.faults)
        event = "push_planned" if dry else "push_unchanged" if accepted.unchanged else "push_accepted"
        _log.info(event, flow=accepted.flow.id, resources=len(spec.resources))
        return web.json_response({**_told(accepted), **({"dry_run": True} if dry else {})})

    async def _accept(
        self, origin: Origin, ownerid: str, spec: Spec, key: IdempotencyKey | None, *, dry: bool
    ) -> Acceptance:
        actor = origin.actor
        owner = actor.known if ownerid == actor.known.id else await self._accounts.by_id(ownerid)
        if owner is None:
            raise SpecRefused(_not_authorised("the organisation is no more"))
        for _ in range(MOST_LOOKS):
            swept = await last_sweep(self._pool, owner.id)
            resources = await find_uploads(self._blobs, self._store, owner.id, spec, expected=dry)
            offer = await self._offer(origin, owner, spec, resources, key)
            with suppress(SweptMeanwhile):
                return await self._committed(offer, swept, dry=dry)
        raise unavailable()

    async def _offer(
        self,
        origin: Origin,
        owner: Account,
        spec: Spec,
        resources: Sequence[Resource],
        key: IdempotencyKey | None,
    ) -> Offer:
        return Offer(
            origin=origin,
            owner=owner,
            spec=spec,
            posted=posted_spec(spec, self._store, owner.id, owner.username),
            resources=resources,
            quota=self._quota,
            fingerprint=await asyncio.to_thread(fingerprint, spec, resources),
            key=key,
        )

    async def _committed(self, offer: Offer, swept: datetime | None, *, dry: bool) -> Acceptance:
        try:
            return await accept(self._pool, offer, swept, dry=dry)
        except RightLost:
            raise SpecRefused(_not_authorised("your role there was taken away meanwhile")) from None
        except OverQuota as error:
            raise SpecRefused(Fault(detail=str(error), rule="over-quota")) from None

    async def status(self, request: web.Request) -> web.Response:
        """The status object; a private dataset does not exist for anybody who may not read it."""
        match = request.match_info
        viewer = await identify(request, query=True)
        found = await self._statuses.find(match["owner"], match["dataset"], match["revision"], viewer)
        if found is None:
            raise not_found()
        response = web.json_response(found)
        if found["findability"] != "private":
            allow_any_origin(response)
        return response

    async def cancel(self, request: web.Request) -> web.Response:
        """Cancels a run of yours that moves; the status object as it is then.

        What its stages still find out changes nothing any more. A run that has ended is a 409.
        """
        actor = await require_actor(request, SOURCE)
        flow_id = await self._statuses.own(request, actor)
        await cancel(self._pool, flow_id, origin_of(request, actor))
        return web.json_response(await self._statuses.shown(flow_id, actor))

    async def rerun(self, request: web.Request) -> web.Response:
        """Has a failed or cancelled run of yours run again, from what was uploaded for it; the status object.

        Resources that had passed stay as they are. A run that moves, or has succeeded, is a 409.
        """
        actor = await require_actor(request, SOURCE)
        flow_id = await self._statuses.own(request, actor)
        await rerun(self._pool, flow_id, origin_of(request, actor))
        return web.json_response(await self._statuses.shown(flow_id, actor), status=202)

    async def _actor(self, request: web.Request) -> Actor:
        try:
            actor, _ = await authorize(request, token_of(request), SOURCE)
        except BadToken as error:
            raise SpecRefused(_not_authorised(str(error))) from None
        return actor


def _why_not(actor: Actor, ownerid: str) -> str:
    role = actor.role(ownerid)
    if role is None:
        return "it is another owner's"
    return "the token is for something else" if role.may(Action.PUBLISH) else f"you are a {role.value} there"


def _told(accepted: Acceptance) -> dict[str, Any]:
    """The original's words, and whether there is anything new."""
    flow = accepted.flow
    said = {"message": f"unchanged: revision {flow.revision} is this very package"} if accepted.unchanged else {}
    return {
        "success": True,
        "dataset_id": flow.dataset_id,
        "flow_id": flow.id,
        "unchanged": accepted.unchanged,
        "state": accepted.state,
        "findability": flow.findability,
        **said,
        "errors": [],
    }


def _not_authorised(why: str) -> Fault:
    return Fault(detail=f"No token or token not authorised for owner ({why})", rule="not-authorised")


def _refusal(faults: Sequence[Fault]) -> web.Response:
    _log.info("push_refused", rules=sorted({fault.rule for fault in faults}), count=len(faults))
    return web.json_response(
        {
            "success": False,
            "dataset_id": None,
            "flow_id": None,
            "errors": [fault.detail for fault in faults],
            "problems": [fault.to_dict() for fault in faults],
        }
    )


def routes(parts: Parts) -> list[web.RouteDef]:
    """The routes of the pipeline store."""
    source = Source(parts)
    return [
        web.post("/source/upload", source.upload),
        web.post("/source/plan", source.plan),
        web.get("/source/{owner}/{dataset}/{revision}", source.status),
        web.post("/source/{owner}/{dataset}/{revision}/cancel", source.cancel),
        web.post("/source/{owner}/{dataset}/{revision}/rerun", source.rerun),
    ]
