"""`dh rerun`: run a failed push again, without uploading again, and follow it to its end."""

from __future__ import annotations

import argparse
import asyncio

from gateway.client.board import showing
from gateway.client.commands.cancel import NOT_YOURS
from gateway.client.connection import connected
from gateway.client.datahub import DataHub
from gateway.client.failures import FINE
from gateway.client.follow import follow
from gateway.client.outcome import Outcome
from gateway.client.runname import RunName
from gateway.client.session import Session, session_of
from gateway.client.terminal import Terminal
from gateway.client.trail import Trail


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Run it again; the exit code says how that ended. A run that has not failed is a RequestFailure."""
    session = session_of(options.server)
    session.required_token()
    outcome = asyncio.run(_rerun(session, RunName.read(options.dataset), terminal, wait=not options.no_wait))
    if options.no_wait:
        terminal.say(outcome.run)
    else:
        outcome.show(terminal)
    terminal.answer(outcome.to_dict())
    return FINE if options.no_wait else outcome.exit_code


async def _rerun(session: Session, named: RunName, terminal: Terminal, *, wait: bool) -> Outcome:
    async with connected(session.server) as connection:
        hub = DataHub(connection, session.token)
        with named.expected(session.server, NOT_YOURS):
            status = await hub.rerun(await named.flow(hub))
        outcome = Outcome(session.server, status)
        if not wait:
            return outcome
        terminal.note(f"revision {outcome.revision} runs again: {outcome.run}")
        with showing(terminal) as shown:
            return Outcome(session.server, await follow(connection, session.token, status["id"], Trail(shown).show))
