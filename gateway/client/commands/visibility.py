"""`dh visibility`: who sees a dataset."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from gateway.client.connection import connected
from gateway.client.datahub import DataHub
from gateway.client.escape import escape
from gateway.client.failures import FINE
from gateway.client.runname import RunName
from gateway.client.session import Session, session_of
from gateway.client.terminal import Terminal

SEEN = {
    "published": "everybody sees and finds it",
    "unlisted": "whoever has the address sees it",
    "private": "only who may read what its owner has sees it",
}
COULD = {"published": "everybody could find it", "unlisted": "whoever had the address could read it"}


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Show who sees it, or have others see it; what one may not do is a RequestFailure."""
    session = session_of(options.server)
    session.required_token()
    named = RunName.of_dataset(options.dataset)
    document = asyncio.run(_ask(session, named, options.findability))
    name = escape(f"{named.owner}/{named.dataset}")
    terminal.say(f"{name} is {document['findability']}: {SEEN[document['findability']]}")
    for period in document["public"]:
        until = period["until"][:19] if period["until"] else "now"
        terminal.say(f"  {COULD[period['findability']]} from {period['since'][:19]} until {until}")
    terminal.answer({"ok": True, **document})
    return FINE


async def _ask(session: Session, named: RunName, findability: str | None) -> dict[str, Any]:
    async with connected(session.server) as connection:
        hub = DataHub(connection, session.token)
        with named.expected(session.server, ", or it is not yours"):
            if findability is None:
                return await hub.sharing(named.owner, named.dataset)
            return await hub.show(named.owner, named.dataset, findability)
