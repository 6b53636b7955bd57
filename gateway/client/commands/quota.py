"""`dh quota`: how much an owner has in the object store, and may have."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from gateway.client.connection import connected
from gateway.client.datahub import DataHub
from gateway.client.escape import escape
from gateway.client.failures import FINE
from gateway.client.session import Session, session_of
from gateway.client.sizes import size
from gateway.client.terminal import Terminal


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Ask the server; what is no owner of one's own is a RequestFailure."""
    session = session_of(options.server)
    session.required_token()
    name, usage = asyncio.run(_ask(session, options.owner))
    of = f" of {size(usage['limit'])}" if usage["limit"] is not None else ""
    terminal.say(f"{escape(name)}: {size(usage['used'])}{of} used")
    terminal.answer({"ok": True, "owner": name, **usage})
    return FINE


async def _ask(session: Session, owner: str | None) -> tuple[str, dict[str, Any]]:
    async with connected(session.server) as connection:
        hub = DataHub(connection, session.token)
        name = owner or (await hub.profile()).username
        return name, await hub.quota(name)
