"""`dh audit`: who did what to what an owner has."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from gateway.client.connection import connected
from gateway.client.datahub import DataHub
from gateway.client.escape import escape
from gateway.client.failures import FINE
from gateway.client.session import Session, session_of
from gateway.client.terminal import Terminal


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Show the newest entries, as many as asked for, the newest last: as a log reads."""
    session = session_of(options.server)
    session.required_token()
    entries = asyncio.run(_entries(session, options.owner, options.count))
    for entry in reversed(entries):
        terminal.say(_line(entry))
    terminal.answer({"ok": True, "entries": entries})
    return FINE


async def _entries(session: Session, owner: str | None, count: int) -> list[dict[str, Any]]:
    async with connected(session.server) as connection:
        hub = DataHub(connection, session.token)
        name = owner or (await hub.profile()).username
        found: list[dict[str, Any]] = []
        before: int | None = None
        while len(found) < count:
            answer = await hub.audit(name, before)
            found += answer["entries"]
            before = answer["before"]
            if before is None:
                break
        return found[:count]


def _line(entry: dict[str, Any]) -> str:
    details = ", ".join(f"{name}={value}" for name, value in sorted(entry["details"].items()))
    who = escape(entry["account"] or "an operator")
    words = [entry["at"][:19], f"{who:16}", f"{entry['act']:18}", escape(entry["subject"], 200)]
    return "  ".join([*words, *filter(None, (escape(details, 200), entry["address"]))])
