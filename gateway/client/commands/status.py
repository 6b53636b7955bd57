"""`dh status`: how a push is doing, or how it ended."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from gateway.client.connection import connected
from gateway.client.datahub import DataHub
from gateway.client.outcome import Outcome
from gateway.client.runname import RunName
from gateway.client.session import Session, session_of
from gateway.client.terminal import Terminal


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Ask once; a failed run is exit code 1, or 3 where the server failed."""
    session = session_of(options.server)
    outcome = Outcome(session.server, asyncio.run(_status(session, RunName.read(options.dataset))))
    outcome.show(terminal)
    terminal.answer(outcome.to_dict())
    return outcome.exit_code


async def _status(session: Session, named: RunName) -> dict[str, Any]:
    async with connected(session.server) as connection:
        hub = DataHub(connection, session.token)
        hint = "" if session.token else " (or it is private: run `dh login`)"
        with named.expected(session.server, hint):
            return await hub.status(await named.flow(hub))
