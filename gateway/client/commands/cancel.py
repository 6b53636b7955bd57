"""`dh cancel`: stop a push that is still running."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from gateway.client.connection import connected
from gateway.client.datahub import DataHub
from gateway.client.escape import escape
from gateway.client.failures import FINE
from gateway.client.outcome import Outcome
from gateway.client.runname import RunName
from gateway.client.session import Session, session_of
from gateway.client.terminal import Terminal

NOT_YOURS = ", or it is not yours"


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Cancel it; a run that has ended is a RequestFailure."""
    session = session_of(options.server)
    session.required_token()
    outcome = Outcome(session.server, asyncio.run(_cancel(session, RunName.read(options.dataset))))
    terminal.say(f"cancelled  {escape(outcome.dataset)}, revision {outcome.revision}; `dh rerun` runs it again")
    terminal.answer({**outcome.to_dict(), "ok": True})
    return FINE


async def _cancel(session: Session, named: RunName) -> dict[str, Any]:
    async with connected(session.server) as connection:
        hub = DataHub(connection, session.token)
        with named.expected(session.server, NOT_YOURS):
            return await hub.cancel(await named.flow(hub))
