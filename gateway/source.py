"""The pipeline store: takes packages, and says how their flows are doing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog
from aiohttp import web

from gateway.acceptance import SweptMeanwhile, accept, last_sweep
from gateway.auth.accounts import Account
from gateway.auth.identity import authorize, identify, token_of
from gateway.auth.services import SOURCE
from gateway.auth.tokens import BadToken
from gateway.bodies import read_object
from gateway.edge import allow_any_origin
from gateway.parts import Parts
from gateway.problems import Fault, not_found, unavailable
from gateway.rawstore import require_account
from gateway.runs import cancel, rerun
from gateway.spec import Spec, SpecRefused, owner_of, read_spec
from gateway.status import Statuses
from gateway.uploads import find_uploads, posted_spec
from messages.datapackage import FlowRef

MOST_LOOKS = 3
"""Looks at the uploads of one push, should objects of its owner be swept meanwhile."""

_log = structlog.get_logger()


class Source:
    """Handlers of `/source/*`."""

    def __init__(self, parts: Parts) -> None:
        self._pool = parts.pool
        self._blobs = parts.blobs
        self._store = parts.settings.store
        self._admission = parts.admission
        self._statuses = Statuses(parts.pool, parts.settings.gateway.public_url)

    async def upload(self, request: web.Request) -> web.Response:
        """Accepts a package. Always 200: whatever is wrong with it is in `errors`, as the original's clients expect.

        `success` is said only after revision, flow and first jobs are committed.
        """
        try:
            account = await self._account(request)
            body = await read_object(request)
            if owner_of(body) != account.id:
                raise SpecRefused(_not_authorised("it is another owner's"))
            spec = await asyncio.to_thread(read_spec, body)
            async with self._admission.turn(request):
                flow = await self._accept(account, spec)
        except SpecRefused as refused:
            return _refusal(refused.faults)
        _log.info("push_accepted", flow=flow.id, resources=len(spec.resources))
        return web.json_response({"success": True, "dataset_id": flow.dataset_id, "flow_id": flow.id, "errors": []})

    async def _accept(self, account: Account, spec: Spec) -> FlowRef:
        posted = posted_spec(spec, self._store, account.id, account.username)
        for _ in range(MOST_LOOKS):
            swept = await last_sweep(self._pool, account.id)
            resources = await find_uploads(self._blobs, self._store, account.id, spec)
            with suppress(SweptMeanwhile):
                return await accept(self._pool, account, spec, posted, resources, swept)
        raise unavailable()

    async def status(self, request: web.Request) -> web.Response:
        """The status object; a private dataset does not exist for anybody but its owner."""
        viewer = await identify(request, query=True)
        match = request.match_info
        found = await self._statuses.find(
            match["owner"], match["dataset"], match["revision"], viewer.id if viewer else None
        )
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
        flow_id = await self._statuses.own(request, await require_account(request, SOURCE))
        await cancel(self._pool, flow_id)
        return web.json_response(await self._statuses.of_flow(flow_id))

    async def rerun(self, request: web.Request) -> web.Response:
        """Has a failed or cancelled run of yours run again, from what was uploaded for it; the status object.

        Resources that had passed stay as they are. A run that moves, or has succeeded, is a 409.
        """
        flow_id = await self._statuses.own(request, await require_account(request, SOURCE))
        await rerun(self._pool, flow_id)
        return web.json_response(await self._statuses.of_flow(flow_id), status=202)

    async def _account(self, request: web.Request) -> Account:
        try:
            account, _ = await authorize(request, token_of(request), SOURCE)
        except BadToken as error:
            raise SpecRefused(_not_authorised(str(error))) from None
        return account


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
        web.get("/source/{owner}/{dataset}/{revision}", source.status),
        web.post("/source/{owner}/{dataset}/{revision}/cancel", source.cancel),
        web.post("/source/{owner}/{dataset}/{revision}/rerun", source.rerun),
    ]
