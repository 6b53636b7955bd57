"""`dh status`: how a push is doing, or how it ended."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from gateway.client.connection import connected
from gateway.client.datahub import DataHub
from gateway.client.failures import RequestFailure, UsageFailure
from gateway.client.outcome import Outcome
from gateway.client.session import Session, session_of
from gateway.client.terminal import Terminal


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Ask once; a failed run is exit code 1, or 3 where the server failed."""
    session = session_of(options.server)
    outcome = Outcome(session.server, asyncio.run(_status(session, options.dataset)))
    outcome.show(terminal)
    terminal.answer(outcome.to_dict())
    return outcome.exit_code


async def _status(session: Session, named: str) -> dict[str, Any]:
    owner, dataset, revision = _parts(named)
    async with connected(session.server) as connection:
        hub = DataHub(connection, session.token)
        # `OWNER/NAME/REVISION` and a flow id look the same: a user name is tried first, an owner id is opaque.
        ownerid = await hub.owner_id(owner) or owner
        try:
            return await hub.status(f"{ownerid}/{dataset}/{revision}")
        except RequestFailure as failure:
            if failure.details.get("status") != 404:
                raise
            hint = "" if session.token else " (or it is private: run `dh login`)"
            raise RequestFailure(f"there is no {named} at {session.server}{hint}") from None


def _parts(named: str) -> tuple[str, str, str]:
    parts = named.strip("/").split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise UsageFailure(f"{named!r} is not OWNER/NAME, OWNER/NAME/REVISION or a flow id")
    owner, dataset, revision = (*parts, "latest")[:3]
    return owner, dataset, revision
