"""`dh whoami`: who the server takes us for."""

from __future__ import annotations

import argparse
import asyncio

from gateway.client.connection import connected
from gateway.client.datahub import DataHub, Profile
from gateway.client.escape import escape
from gateway.client.failures import FINE
from gateway.client.session import Session, session_of
from gateway.client.terminal import Terminal


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Ask the server; a token it does not accept is the request's fault (exit code 1)."""
    session = session_of(options.server)
    profile = asyncio.run(_profile(session))
    terminal.say(f"{escape(profile.username)} at {session.server}")
    terminal.answer({"ok": True, "server": session.server, "profile": profile.document})
    return FINE


async def _profile(session: Session) -> Profile:
    async with connected(session.server) as connection:
        return await DataHub(connection, session.required_token()).profile()
